import { seededRandom } from '../kit/random.ts';
import {
  type SandboxRequest,
  type SandboxResponse,
  type SandboxServer,
  serveSandbox,
} from '../kit/server.ts';
import { StateFile } from '../kit/state-file.ts';
import { WebhookSender } from '../kit/webhooks.ts';
import { handleApi, type Replay, Replays } from './api.ts';
import { Books, type BooksSnapshot, type CompanySettings } from './books.ts';
import { type CompanyOptions, configure, openBooks } from './company.ts';
import { handleControl } from './control.ts';
import { type Entity, type EntityType, entityTypes } from './entities.ts';
import type { LedgerEntryView } from './ledger.ts';
import { RequestLimits } from './limits.ts';
import { Notifier } from './notifier.ts';
import { type TokenState, Tokens } from './oauth.ts';
import {
  type AccountBalance,
  accountBalances,
  ledgerEntries,
  type TrialBalance,
  trialBalance,
} from './reports.ts';
import { type SeedPlan, seedBooks } from './seed.ts';
import { createEntity, deleteEntity, linkRestored, readEntity, updateEntity, voidEntity } from './service.ts';

export interface QuickBooksSandboxOptions {
  port: number;
  seed: number;
  statePath?: string | null;
  webhookUrl?: string | null;
  webhookFormat?: 'cloudevents' | 'classic';
  /** Changes within this time are announced together. */
  webhookWindowMs?: number;
  /** The real waits between attempts, 20, 30 and 50 minutes, are divided by this. */
  timeScale?: number;
  realmId?: string;
  clientId?: string;
  clientSecret?: string;
  refreshToken?: string;
  verifierToken?: string;
  /** Life of an access token; an hour in reality. */
  accessTokenMs?: number;
  limits?: boolean;
  company?: CompanyOptions;
  now?: () => number;
}

interface QuickBooksStats {
  entities: Record<string, number>;
  ledgerEntries: number;
  replayedRequests: number;
  throttledRequests: number;
  webhooks: { notifications: number; events: number; pending: number };
}

/** A running company. The methods do what the control API does; writes made through them are a person's. */
export interface QuickBooksSandbox extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What node-quickbooks takes as `endpoint`. */
  readonly endpoint: string;
  /** What node-quickbooks takes as its token URL. */
  readonly tokenUrl: string;
  readonly realmId: string;
  readonly verifierToken: string;
  readonly faults: SandboxServer['faults'];
  readonly webhooks: WebhookSender;
  readonly limits: RequestLimits;
  /** The account ids, tax mode and other facts that clients are configured with. */
  settings(): CompanySettings;
  issueAccessToken(): string;
  /** Ends all access tokens; with `refresh`, the connection too, until `reconnect`. */
  expireTokens(refresh?: boolean): void;
  /** Connects again and gives the new refresh token. */
  reconnect(): string;
  create(type: EntityType, body: Record<string, unknown>): Entity;
  edit(type: EntityType, id: string, fields: Record<string, unknown>): Entity;
  remove(type: EntityType, id: string): void;
  void(type: EntityType, id: string): Entity;
  read(type: EntityType, id: string): Entity;
  list(type: EntityType): Entity[];
  configure(options: CompanyOptions): void;
  seed(plan: SeedPlan): Record<string, string[]>;
  reset(): void;
  ledger(): AccountBalance[];
  ledgerEntries(filter?: { type?: string; id?: string }): LedgerEntryView[];
  trialBalance(): TrialBalance;
  stats(): QuickBooksStats;
  setWebhookTarget(url: string | null): void;
  setWebhookFormat(format: 'cloudevents' | 'classic'): void;
  flushWebhooks(): void;
}

interface SavedState {
  books: BooksSnapshot;
  tokens: TokenState;
  replays: [string, Replay][];
}

const minute = 60_000;
const retryMinutes = [20, 30, 50];

/** Serves one QuickBooks Online company, minor version 75, over real HTTP. */
export async function startQuickBooksSandbox(options: QuickBooksSandboxOptions): Promise<QuickBooksSandbox> {
  const now = options.now ?? Date.now;
  const realmId = options.realmId ?? '9130357992221046';
  const verifierToken = options.verifierToken ?? 'qb-sandbox-verifier';
  const scale = options.timeScale ?? 60;
  const webhooks = new WebhookSender({
    random: seededRandom(options.seed ^ 0x9b0),
    retryDelaysMs: retryMinutes.map((minutes) => (minutes * minute) / scale),
    timeoutMs: 3000,
  });
  const notifier = new Notifier({
    sender: webhooks,
    url: options.webhookUrl ?? null,
    realmId,
    verifierToken,
    format: options.webhookFormat ?? 'cloudevents',
    windowMs: options.webhookWindowMs ?? 50,
  });
  const newTokens = (): Tokens =>
    new Tokens({
      clientId: options.clientId ?? 'qb-sandbox-client',
      clientSecret: options.clientSecret ?? 'qb-sandbox-secret',
      refreshToken: options.refreshToken ?? 'RT1-sandbox',
      accessTokenMs: options.accessTokenMs ?? 60 * minute,
      now,
    });
  const limits = new RequestLimits(options.limits ?? true, now);
  const file = new StateFile<SavedState>(options.statePath ?? null, () => ({
    books: books.snapshot(),
    tokens: tokens.state,
    replays: [...replays.answers],
  }));

  let muted = false;
  const listen = (opened: Books): Books => {
    opened.onChange((change) => {
      if (!muted) notifier.note(change);
      file.touch();
    });
    return opened;
  };
  let tokens = newTokens();
  let replays = new Replays();
  let books: Books;
  const saved = await file.load();
  if (saved === null) {
    books = listen(openBooks(options.company ?? {}, now));
  } else {
    books = new Books(saved.books.settings, now);
    books.restore(saved.books, (type, entity) => linkRestored(books, type, entity));
    tokens.restore(saved.tokens);
    for (const [requestId, answer] of saved.replays) replays.keep(requestId, answer);
    listen(books);
  }

  let tid = 0;
  const api = (request: SandboxRequest): SandboxResponse | null => {
    const token = tokens.handle(request);
    if (token !== null) file.touch();
    const response = token ?? handleApi({ realmId, books: () => books, tokens, limits, replays }, request);
    if (response === null) return null;
    tid += 1;
    return { ...response, headers: { ...response.headers, intuit_tid: `1-sandbox-${tid}` } };
  };

  const sandbox: Omit<QuickBooksSandbox, 'url' | 'port' | 'endpoint' | 'tokenUrl' | 'faults'> = {
    realmId,
    verifierToken,
    webhooks,
    limits,
    settings: () => books.settings,
    issueAccessToken: () => tokens.issueAccessToken(),
    expireTokens: (refresh = false) => tokens.expire(refresh),
    reconnect: () => tokens.reconnect(),
    create: (type, body) => createEntity(books, type, body, person),
    edit: (type, id, fields) => updateEntity(books, type, { ...fields, Id: id }, person),
    remove: (type, id) => {
      // Names cannot be deleted by anybody; what the screen calls "make inactive" is what a person does instead.
      if (books.find(type, id)?.Active === undefined) deleteEntity(books, type, { Id: id }, person);
      else updateEntity(books, type, { Id: id, Active: false }, person);
    },
    void: (type, id) => voidEntity(books, type, { Id: id }, person),
    read: (type, id) => readEntity(books, type, id),
    list: (type) => [...books.of(type).byId.values()].map((entity) => books.present(type, entity)),
    configure: (company) => {
      configure(books, company);
      file.touch();
    },
    seed: (plan) => {
      muted = plan.announce !== true;
      try {
        return seedBooks(books, plan, seededRandom(options.seed));
      } finally {
        muted = false;
      }
    },
    reset: () => {
      books = listen(openBooks(options.company ?? {}, now));
      tokens = newTokens();
      replays = new Replays();
      webhooks.attempts.length = 0;
      file.touch();
    },
    ledger: () => accountBalances(books),
    ledgerEntries: (filter) => ledgerEntries(books, filter),
    trialBalance: () => trialBalance(books),
    stats: () => ({
      entities: Object.fromEntries(entityTypes.map((type) => [type, books.of(type).byId.size])),
      ledgerEntries: books.ledger.size,
      replayedRequests: replays.count,
      throttledRequests: limits.refused,
      webhooks: notifier.counts,
    }),
    setWebhookTarget: (url) => {
      notifier.url = url;
    },
    setWebhookFormat: (format) => {
      notifier.format = format;
    },
    flushWebhooks: () => notifier.flush(),
    [Symbol.asyncDispose]: async () => {
      notifier[Symbol.dispose]();
      await webhooks[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
    },
  };
  const server = await serveSandbox({
    name: 'quickbooks',
    port: options.port,
    seed: options.seed,
    api,
    control: (request) => handleControl(sandbox, request),
  });
  return Object.assign(sandbox, {
    url: server.url,
    port: server.port,
    endpoint: `${server.url}/v3/company/`,
    tokenUrl: `${server.url}/oauth2/v1/tokens/bearer`,
    faults: server.faults,
  });
}

const person = { kind: 'person' } as const;
