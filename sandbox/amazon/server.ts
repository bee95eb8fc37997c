import type { Faults } from '../kit/faults.ts';
import { seededRandom } from '../kit/random.ts';
import { type SandboxRequest, serveSandbox } from '../kit/server.ts';
import { StateFile } from '../kit/state-file.ts';
import { WebhookSender, type WebhookWeather } from '../kit/webhooks.ts';
import { Account, type AccountProfile, type AccountState, emptyState } from './account.ts';
import { handleApi, operationOf } from './api.ts';
import { handleControl } from './control.ts';
import { Trade } from './demo/trade.ts';
import { Limits } from './limits.ts';
import { Lwa } from './lwa.ts';
import { type Envelope, Notifier } from './notifier.ts';
import { Submissions } from './submissions.ts';

export interface AmazonSandboxOptions {
  /** 0 picks a free port. */
  port: number;
  seed: number;
  statePath?: string | null;
  /** Where an EventBridge rule or a pipe of the application's owner takes notifications. */
  webhookUrl?: string | null;
  webhookSecret?: string;
  envelope?: Envelope;
  /** Queues deliver more than once and in no order; fair in tests unless asked. */
  weather?: Partial<WebhookWeather>;
  /** Divides the waits between attempts to deliver a notification. */
  timeScale?: number;
  profile?: Partial<AccountProfile>;
  clientId?: string;
  clientSecret?: string;
  refreshToken?: string;
  /** Life of an access token; an hour in reality. */
  accessTokenMs?: number;
  limits?: boolean;
  /** How long an accepted quantity takes to be applied; seconds to minutes in reality. */
  applyMs?: readonly [number, number];
  /** Lists leave out what is younger than this: two minutes in reality. */
  visibleAfterMs?: number;
  now?: () => number;
}

/** What the control API drives. */
export interface AmazonControls {
  readonly account: Account;
  readonly lwa: Lwa;
  readonly limits: Limits;
  readonly trade: Trade;
  readonly webhooks: WebhookSender;
  readonly submissions: Submissions;
  stats(): Record<string, unknown>;
  reset(): void;
  /** Notes that the account changed, so that it outlives a restart. */
  touch(): void;
  setWebhookTarget(url: string | null): void;
  setEnvelope(envelope: Envelope): void;
}

/** A running Selling Partner API of one seller in one marketplace. */
export interface AmazonSandbox extends AmazonControls, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  readonly webhookSecret: string;
}

const defaultProfile: AccountProfile = {
  sellerId: 'A2SANDBOXSELLER',
  marketplaceId: 'ATVPDKIKX0DER',
  marketplaceName: 'Amazon.com',
  currency: 'USD',
  countryCode: 'US',
  taxesIncluded: false,
};

/** SQS and EventBridge go on for a day; what fails that long is dropped. */
const retryDelaysMs = [1_000, 5_000, 30_000, 120_000];

/** Serves one Amazon seller account, with Login with Amazon, over real HTTP. */
export async function startAmazonSandbox(options: AmazonSandboxOptions): Promise<AmazonSandbox> {
  const now = options.now ?? Date.now;
  const profile = { ...defaultProfile, ...options.profile };
  const webhookSecret = options.webhookSecret ?? 'amazon-sandbox-webhook-secret';
  const webhooks = new WebhookSender({
    random: seededRandom(options.seed ^ 0xa3a),
    retryDelaysMs: retryDelaysMs.map((ms) => ms / (options.timeScale ?? 1)),
    timeoutMs: 5_000,
  });
  webhooks.weather = { ...webhooks.weather, ...options.weather };
  const notifier = new Notifier({
    sender: webhooks,
    url: options.webhookUrl ?? null,
    envelope: options.envelope ?? 'eventbridge',
    secret: webhookSecret,
  });
  const lwa = new Lwa({
    clientId: options.clientId ?? 'amzn1.application-oa2-client.sandbox',
    clientSecret: options.clientSecret ?? 'amazon-sandbox-secret',
    refreshToken: options.refreshToken ?? 'Atzr|sandbox',
    accessTokenMs: options.accessTokenMs ?? 3_600_000,
    now,
  });
  const limits = new Limits(options.limits ?? true, now, seededRandom(options.seed ^ 0x429));
  const file = new StateFile<AccountState>(options.statePath ?? null, () => account.state);
  const open = (state: AccountState): Account => {
    const opened: Account = new Account(profile, state, {
      now,
      tell: (happening) => {
        file.touch();
        notifier.announce(opened, happening);
      },
    });
    return opened;
  };
  let account = open((await file.load()) ?? emptyState());
  const submissions = new Submissions({
    account: () => account,
    random: seededRandom(options.seed ^ 0x9a7c),
    delayMs: options.applyMs ?? [100, 400],
    changed: () => file.touch(),
  });
  const trade = new Trade(() => account, seededRandom(options.seed ^ 0x7ade));

  const controls: AmazonControls = {
    get account() {
      return account;
    },
    lwa,
    limits,
    trade,
    webhooks,
    submissions,
    stats: () => ({
      orders: Object.keys(account.state.orders).length,
      listings: Object.keys(account.state.listings).length,
      transactions: account.state.transactions.length,
      notifications: notifier.sent,
      subscriptions: account.state.subscriptions.length,
      submissionsWaiting: submissions.waiting,
      throttledRequests: limits.refused,
      accessTokens: lwa.issued,
      ordersPerMinute: trade.ordersPerMinute,
    }),
    reset: () => {
      trade.stop();
      submissions.clear();
      account = open(emptyState());
      webhooks.attempts.length = 0;
      file.touch();
    },
    touch: () => file.touch(),
    setWebhookTarget: (url) => {
      notifier.url = url;
    },
    setEnvelope: (envelope) => {
      notifier.envelope = envelope;
    },
  };
  const parts = {
    account: () => account,
    lwa,
    limits,
    visibleAfterMs: options.visibleAfterMs ?? 120_000,
    submit: (sku: string, quantity: number) => submissions.submit(sku, quantity),
  };
  const server = await serveSandbox({
    name: 'amazon',
    port: options.port,
    seed: options.seed,
    api: (request: SandboxRequest) => {
      const response = handleApi(parts, request);
      if (response !== null && request.method !== 'GET') file.touch();
      return response;
    },
    control: (request) => handleControl(controls, request),
    operationOf,
  });
  return Object.assign(
    Object.defineProperties({}, Object.getOwnPropertyDescriptors(controls)) as AmazonControls,
    {
      url: server.url,
      port: server.port,
      faults: server.faults,
      webhookSecret,
      [Symbol.asyncDispose]: async () => {
        trade.stop();
        submissions[Symbol.dispose]();
        await webhooks[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        await file[Symbol.asyncDispose]();
      },
    },
  );
}
