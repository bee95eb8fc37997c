import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { HubSpotError } from './errors.ts';

export interface OAuthOptions {
  accessToken: string;
  clientId: string;
  clientSecret: string;
  refreshToken: string;
  portalId: number;
  appId: number;
  tokenLifetimeMs: number;
  now: () => number;
}

/** Private-app token, and OAuth tokens that live half an hour. */
export class OAuth {
  #options: OAuthOptions;
  #expiries = new Map<string, number>();
  #nextToken = 1;

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  /** Throws the 401 that HubSpot answers. */
  authorise(header: string | undefined): void {
    const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1];
    if (token === this.#options.accessToken) return;
    const expiresAtMs = token === undefined ? undefined : this.#expiries.get(token);
    if (expiresAtMs === undefined)
      throw new HubSpotError(
        401,
        'INVALID_AUTHENTICATION',
        'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
      );
    const overdueMs = this.#options.now() - expiresAtMs;
    if (overdueMs >= 0)
      throw new HubSpotError(
        401,
        'EXPIRED_AUTHENTICATION',
        `The OAuth token used to make this call expired ${Math.floor(overdueMs / 1000)} second(s) ago.`,
        { context: { 'expire time': [new Date(expiresAtMs).toISOString()] } },
      );
  }

  /** POST /oauth/v1/token (form) and GET /oauth/v1/access-tokens/<token>. */
  handle(request: SandboxRequest): SandboxResponse | null {
    const path = request.url.pathname;
    if (path === '/oauth/v1/token' && request.method === 'POST')
      return this.#token(new URLSearchParams(request.body.toString('utf8')));
    const token = /^\/oauth\/v1\/access-tokens\/(.+)$/.exec(path)?.[1];
    if (token === undefined || request.method !== 'GET') return null;
    const expiresAtMs = this.#expiries.get(decodeURIComponent(token));
    if (expiresAtMs === undefined) throw new HubSpotError(404, 'OBJECT_NOT_FOUND', 'access token not found');
    return {
      status: 200,
      body: {
        token,
        token_type: 'access',
        user: 'sandbox@example.com',
        hub_domain: 'sandbox.example.com',
        scopes: ['oauth', 'crm.objects.contacts.read', 'crm.objects.contacts.write'],
        hub_id: this.#options.portalId,
        app_id: this.#options.appId,
        user_id: 1,
        expires_in: Math.max(0, Math.floor((expiresAtMs - this.#options.now()) / 1000)),
      },
    };
  }

  #token(form: URLSearchParams): SandboxResponse {
    const { clientId, clientSecret, refreshToken, tokenLifetimeMs } = this.#options;
    const refuse = (status: string, message: string): SandboxResponse => ({
      status: 400,
      body: { status, message, correlationId: 'oauth' },
    });
    if (form.get('client_id') !== clientId) return refuse('BAD_CLIENT_ID', 'missing or unknown client id');
    if (form.get('client_secret') !== clientSecret)
      return refuse('BAD_CLIENT_SECRET', 'missing or invalid client secret');
    const grant = form.get('grant_type');
    if (grant === 'refresh_token' && form.get('refresh_token') !== refreshToken)
      return refuse('BAD_REFRESH_TOKEN', 'missing or invalid refresh token');
    if (grant === 'authorization_code' && (form.get('code') ?? '') === '')
      return refuse('BAD_AUTH_CODE', 'missing or unknown auth code');
    if (grant !== 'refresh_token' && grant !== 'authorization_code')
      return refuse('BAD_GRANT_TYPE', 'missing or unknown grant type');
    const accessToken = `oauth-sandbox-${this.#nextToken++}`;
    this.#expiries.set(accessToken, this.#options.now() + tokenLifetimeMs);
    return {
      status: 200,
      body: {
        token_type: 'bearer',
        refresh_token: refreshToken,
        access_token: accessToken,
        expires_in: Math.floor(tokenLifetimeMs / 1000),
      },
    };
  }
}
