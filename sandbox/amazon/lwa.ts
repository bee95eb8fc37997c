import { createHash } from 'node:crypto';
import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';

export interface LwaOptions {
  clientId: string;
  clientSecret: string;
  refreshToken: string;
  accessTokenMs: number;
  now: () => number;
}

export type Grant = 'seller' | 'application';

/** Login with Amazon: hour-long access tokens for a seller's refresh token, or for the application itself. */
export class Lwa {
  readonly #options: LwaOptions;
  readonly #tokens = new Map<string, { grant: Grant; untilMs: number }>();
  #issued = 0;
  #authorised = true;

  constructor(options: LwaOptions) {
    this.#options = options;
  }

  issue(grant: Grant = 'seller'): string {
    this.#issued += 1;
    const digest = createHash('sha256')
      .update(`${this.#options.clientSecret}:${this.#issued}`)
      .digest('base64url');
    const token = `Atza|${digest}`;
    this.#tokens.set(token, { grant, untilMs: this.#options.now() + this.#options.accessTokenMs });
    return token;
  }

  /** Whose token it is; null where it is unknown or has run out. */
  grantOf(token: string): Grant | null {
    const known = this.#tokens.get(token);
    return known !== undefined && known.untilMs > this.#options.now() ? known.grant : null;
  }

  /** Access tokens end at once; with `authorisation` the seller has withdrawn it, until `authorise`. */
  expire(authorisation = false): void {
    this.#tokens.clear();
    if (authorisation) this.#authorised = false;
  }

  authorise(): void {
    this.#authorised = true;
  }

  get issued(): number {
    return this.#issued;
  }

  handle(request: SandboxRequest): SandboxResponse | null {
    if (request.url.pathname !== '/auth/o2/token') return null;
    if (request.method !== 'POST') return { status: 405 };
    const form = new URLSearchParams(request.body.toString('utf8'));
    const { clientId, clientSecret, refreshToken, accessTokenMs } = this.#options;
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return refusal(401, 'invalid_client', 'Client authentication failed');
    const type = form.get('grant_type');
    if (type !== 'refresh_token' && type !== 'client_credentials')
      return refusal(400, 'unsupported_grant_type', 'The grant type is not supported');
    if (type === 'client_credentials' && form.get('scope') !== 'sellingpartnerapi::notifications')
      return refusal(400, 'invalid_scope', 'An unknown scope was requested');
    if (type === 'refresh_token' && (!this.#authorised || form.get('refresh_token') !== refreshToken))
      return refusal(400, 'invalid_grant', 'The request has an invalid grant parameter : refresh_token');
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {
        access_token: this.issue(type === 'refresh_token' ? 'seller' : 'application'),
        token_type: 'bearer',
        expires_in: Math.ceil(accessTokenMs / 1_000),
        ...(type === 'refresh_token' ? { refresh_token: refreshToken } : {}),
      },
    };
  }
}

function refusal(status: number, error: string, description: string): SandboxResponse {
  return { status, body: { error, error_description: description } };
}
