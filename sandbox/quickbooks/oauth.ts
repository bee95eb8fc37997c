import { createHash, timingSafeEqual } from 'node:crypto';
import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';

export interface TokenState {
  refreshToken: string;
  /** The token before, good until its successor is used for the first time. */
  previousRefreshToken: string | null;
  refreshIssuedAtMs: number;
  issued: number;
  accessTokens: Record<string, number>;
}

export interface TokenOptions {
  clientId: string;
  clientSecret: string;
  refreshToken: string;
  accessTokenMs: number;
  now: () => number;
}

const idleLimitMs = 100 * 24 * 60 * 60 * 1000;

/** The authorisation of one company: hour-long access tokens, and refresh tokens that rotate. */
export class Tokens {
  #options: TokenOptions;
  #state: TokenState;

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#state = {
      refreshToken: options.refreshToken,
      previousRefreshToken: null,
      refreshIssuedAtMs: options.now(),
      issued: 1,
      accessTokens: {},
    };
  }

  get state(): TokenState {
    return this.#state;
  }

  restore(state: TokenState): void {
    this.#state = state;
  }

  issueAccessToken(): string {
    this.#state.issued += 1;
    const digest = createHash('sha256')
      .update(`${this.#options.clientSecret}:${this.#state.issued}`)
      .digest('base64url');
    const token = `AT${this.#state.issued}-${digest}`;
    const now = this.#options.now();
    for (const [old, until] of Object.entries(this.#state.accessTokens))
      if (until <= now) delete this.#state.accessTokens[old];
    this.#state.accessTokens[token] = now + this.#options.accessTokenMs;
    return token;
  }

  accepts(token: string): boolean {
    const until = this.#state.accessTokens[token];
    return until !== undefined && until > this.#options.now();
  }

  /** Access tokens end at once; with `refresh` the connection is lost, as when a user disconnects the app. */
  expire(refresh = false): void {
    this.#state.accessTokens = {};
    if (!refresh) return;
    this.#state.refreshToken = '';
    this.#state.previousRefreshToken = null;
  }

  /** A person connects the app again. */
  reconnect(): string {
    this.#rotate();
    this.#state.previousRefreshToken = null;
    return this.#state.refreshToken;
  }

  handle(request: SandboxRequest): SandboxResponse | null {
    const path = request.url.pathname;
    const bearer = path === '/oauth2/v1/tokens/bearer';
    if (!bearer && path !== '/v2/oauth2/tokens/revoke') return null;
    if (request.method !== 'POST') return { status: 405, body: { error: 'invalid_request' } };
    if (!this.#knows(request.headers.authorization)) return refusal(401, 'invalid_client');
    const json = request.headers['content-type']?.includes('json') === true;
    const form = json
      ? new URLSearchParams(JSON.parse(request.body.toString('utf8')) as Record<string, string>)
      : new URLSearchParams(request.body.toString('utf8'));
    if (!bearer) {
      this.expire(form.get('token') !== null);
      return { status: 200 };
    }
    if (form.get('grant_type') !== 'refresh_token') return refusal(400, 'unsupported_grant_type');
    const given = form.get('refresh_token');
    if (given === null || given === '') return refusal(400, 'invalid_request');
    return this.#refresh(given);
  }

  #refresh(given: string): SandboxResponse {
    const state = this.#state;
    const idle = this.#options.now() - state.refreshIssuedAtMs > idleLimitMs;
    if (idle || (given !== state.refreshToken && given !== state.previousRefreshToken))
      return refusal(400, 'invalid_grant', 'Incorrect or expired refresh token');
    if (given === state.refreshToken) this.#rotate();
    return {
      status: 200,
      headers: { 'cache-control': 'no-cache, no-store' },
      body: {
        token_type: 'bearer',
        access_token: this.issueAccessToken(),
        refresh_token: state.refreshToken,
        expires_in: Math.floor(this.#options.accessTokenMs / 1000),
        x_refresh_token_expires_in: idleLimitMs / 1000,
      },
    };
  }

  #rotate(): void {
    const state = this.#state;
    state.previousRefreshToken = state.refreshToken;
    state.issued += 1;
    state.refreshToken = `RT${state.issued}-${createHash('sha256')
      .update(`${this.#options.refreshToken}:${state.issued}`)
      .digest('base64url')
      .slice(0, 32)}`;
    state.refreshIssuedAtMs = this.#options.now();
  }

  #knows(authorization: string | undefined): boolean {
    if (authorization === undefined || !/^basic /i.test(authorization)) return false;
    const given = Buffer.from(authorization.slice(6), 'base64');
    const wanted = Buffer.from(`${this.#options.clientId}:${this.#options.clientSecret}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

function refusal(status: number, error: string, description?: string): SandboxResponse {
  return {
    status,
    body: { error, ...(description === undefined ? {} : { error_description: description }) },
  };
}
