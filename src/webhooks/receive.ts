import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pool } from '../db/pool.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type PlatformName, platformNames } from '../model/platform-name.ts';
import { Inbox } from '../sync/inbox/inbox.ts';
import type { NewDelivery } from '../sync/inbox/insert-deliveries.ts';
import { engineMetrics, type Metrics } from '../sync/metrics.ts';
import type { IncomingDelivery, Platform, WebhookRequest } from '../sync/platforms/platform.ts';
import { nestsDeeperThan } from './json-depth.ts';
import { type Keyed, KeyRing } from './key-ring.ts';
import { BodyBudget, readBody } from './read-body.ts';

export interface DoorOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  encryptionKey: Buffer;
  /** Where platforms reach this server; signatures may cover it. */
  publicUrl: string;
  log: Log;
  metrics?: Metrics;
  /** An order of 500 lines that was sent and given back tells each line three times: about 3 MB. */
  maxBodyBytes?: number;
  /** Bytes of all bodies that are being read at the same time. */
  allBodiesBytes?: number;
  /** How long a sender may take over the body. */
  bodyTimeoutMs?: number;
  /** How long the commit may take before the platform is asked to come again; platforms give up after 3 to 5 s. */
  commitTimeoutMs?: number;
  keyTtlMs?: number;
  keyRereadMs?: number;
}

export interface WebhookDoor {
  /** Answers one request to /webhooks/<platform>; the name is taken from the path as it is. */
  handle(request: IncomingMessage, response: ServerResponse, platformName: string): Promise<void>;
}

const deepestNesting = 64;
const longestName = 500;
const retryAfterSeconds = 10;

/**
 * The door for webhooks: nothing gets past it unverified, nothing slow happens behind it, and only what is committed is
 * acknowledged.
 */
export function createDoor(options: DoorOptions): WebhookDoor {
  const settings: Settings = {
    maxBodyBytes: 4 * 1_048_576,
    allBodiesBytes: 64 * 1_048_576,
    bodyTimeoutMs: 10_000,
    commitTimeoutMs: 2_500,
    keyTtlMs: 10_000,
    keyRereadMs: 1_000,
    metrics: engineMetrics,
    ...options,
  };
  const keyRing = new KeyRing({
    ...settings,
    ttlMs: settings.keyTtlMs,
    rereadEveryMs: settings.keyRereadMs,
  });
  const inbox = new Inbox(settings);
  const budget = new BodyBudget(settings.allBodiesBytes);
  return {
    handle: async (request, response, platformName) => {
      const startedMs = performance.now();
      const known = platformNames.find((name) => name === platformName && settings.platforms[name]);
      const outcome = await receive(request, known, { settings, keyRing, inbox, budget }).catch(failure);
      answer(request, response, outcome);
      report(request, known ?? 'unknown', outcome, settings);
      if (outcome.status === 200 && known !== undefined)
        settings.metrics.doorSeconds.observe({ platform: known }, (performance.now() - startedMs) / 1000);
    },
  };
}

type Settings = Required<DoorOptions>;

interface Parts {
  settings: Settings;
  keyRing: KeyRing;
  inbox: Inbox;
  budget: BodyBudget;
}

interface Outcome {
  status: 200 | 400 | 401 | 404 | 405 | 408 | 413 | 499 | 503;
  /** Stable word for the log and the metrics. */
  reason: string;
  bytes: number;
  /** True where the rest of the request was not read: the connection cannot be used again. */
  close?: boolean;
  error?: unknown;
  account?: string;
}

async function receive(
  request: IncomingMessage,
  name: PlatformName | undefined,
  { settings, keyRing, inbox, budget }: Parts,
): Promise<Outcome> {
  const platform = name === undefined ? undefined : settings.platforms[name];
  if (platform === undefined) return unread(404, 'UNKNOWN_PLATFORM');
  if (request.method !== 'POST') return unread(405, 'METHOD_NOT_ALLOWED');
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > settings.maxBodyBytes) return { ...unread(413, 'TOO_LARGE'), bytes: declaredBytes };
  const webhook = webhookOf(request, settings.publicUrl);
  if (!platform.door.isSigned(webhook)) return unread(401, 'UNSIGNED');
  const accountId = platform.door.accountIdOf(webhook);
  let candidates = await candidatesFor(platform, accountId, keyRing);
  if (candidates.length === 0) return { ...unread(404, 'UNKNOWN_ACCOUNT'), account: accountId ?? '' };

  const body = await readBody(request, {
    maxBytes: settings.maxBodyBytes,
    timeoutMs: settings.bodyTimeoutMs,
    budget,
  });
  if (body.kind === 'gone') return { status: 499, reason: 'SENDER_GONE', bytes: body.bytesSeen };
  if (body.kind === 'tooSlow') return { ...unread(408, 'TOO_SLOW'), bytes: body.bytesSeen };
  if (body.kind === 'tooBusy') return { ...unread(503, 'TOO_BUSY'), bytes: body.bytesSeen };
  if (body.kind === 'tooLarge') return { ...unread(413, 'TOO_LARGE'), bytes: body.bytesSeen };
  const bytes = body.bytes.length;
  webhook.rawBody = body.bytes;

  let trusted = verified(platform, webhook, candidates);
  if (trusted.length === 0) {
    // The key may have been rotated since it was read.
    const newer = await keyRing.newerKeys(platform);
    if (newer !== null) candidates = ofAccount(newer, accountId);
    trusted = newer === null ? [] : verified(platform, webhook, candidates);
  }
  if (trusted.length === 0) {
    // Where a secret cannot be opened the request may well be genuine: the platform shall come again.
    if (candidates.some((candidate) => candidate.credentials === null))
      return { status: 503, reason: 'CREDENTIALS_UNREADABLE', bytes };
    return { status: 401, reason: 'BAD_SIGNATURE', bytes };
  }
  if (nestsDeeperThan(deepestNesting, body.bytes)) return { status: 400, reason: 'TOO_DEEP', bytes };
  let incoming: IncomingDelivery[];
  try {
    incoming = platform.door.split(webhook);
  } catch (error) {
    return { status: 400, reason: 'MALFORMED', bytes, error };
  }
  if (incoming.some(isUnstorable)) return { status: 400, reason: 'MALFORMED', bytes };
  const { deliveries, unknown } = assign(incoming, trusted, webhook.receivedAtMs);
  if (unknown !== null) {
    const isKnown = candidates.some((candidate) => candidate.accountId === unknown);
    // Signed with one account's secret, speaking of another's: never stored.
    if (isKnown) return { status: 401, reason: 'BAD_SIGNATURE', bytes, account: unknown };
    if (deliveries.length === 0) return { status: 404, reason: 'UNKNOWN_ACCOUNT', bytes, account: unknown };
    settings.log.warn(
      { platform: platform.name, account: unknown.slice(0, 100) },
      'Part of a webhook speaks of an account that is not connected; the rest was taken in',
    );
  }
  if (deliveries.length > 0) await committed(inbox.store(deliveries), settings.commitTimeoutMs);
  return { status: 200, reason: 'ACKNOWLEDGED', bytes };
}

async function candidatesFor(
  platform: Platform,
  accountId: string | null,
  keyRing: KeyRing,
): Promise<readonly Keyed[]> {
  const known = ofAccount(await keyRing.keys(platform), accountId);
  if (known.length > 0) return known;
  return ofAccount((await keyRing.newerKeys(platform)) ?? [], accountId);
}

function ofAccount(keys: readonly Keyed[], accountId: string | null): readonly Keyed[] {
  return accountId === null ? keys : keys.filter((key) => key.accountId === accountId);
}

function verified(platform: Platform, webhook: WebhookRequest, candidates: readonly Keyed[]): Keyed[] {
  return candidates.filter(
    (candidate) => candidate.credentials !== null && platform.door.verify(webhook, candidate.credentials),
  );
}

/** Gives each delivery to the connection it speaks of, among those whose secret fits. */
function assign(
  incoming: readonly IncomingDelivery[],
  trusted: readonly Keyed[],
  receivedAtMs: number,
): { deliveries: NewDelivery[]; unknown: string | null } {
  const receivedAt = new Date(receivedAtMs);
  const deliveries: NewDelivery[] = [];
  let unknown: string | null = null;
  for (const { accountId, ...delivery } of incoming) {
    const owner = trusted.find((key) => key.accountId === accountId);
    if (owner === undefined) unknown = accountId;
    else deliveries.push({ ...delivery, connectionId: owner.connectionId, receivedAt });
  }
  return { deliveries, unknown };
}

/** Postgres text cannot hold a NUL, and an index no long names; no platform sends either. */
function isUnstorable(delivery: IncomingDelivery): boolean {
  return [delivery.externalId, delivery.eventId ?? '', delivery.topic, delivery.subject].some(
    (text) => text.includes('\0') || text.length > longestName,
  );
}

/** A database that hangs is answered like one that is down. Should the commit come later, the repetition is a duplicate. */
async function committed(commit: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new AppError({
            code: 'INBOX_TIMEOUT',
            retryable: true,
            publicMessage: 'The database did not commit in time.',
          }),
        ),
      timeoutMs,
    );
  });
  try {
    await Promise.race([commit, late]);
  } finally {
    clearTimeout(timer);
  }
}

function webhookOf(request: IncomingMessage, publicUrl: string): WebhookRequest {
  return {
    method: request.method ?? '',
    url: publicUrl.replace(/\/$/, '') + (request.url ?? ''),
    headers: request.headers as Record<string, string | undefined>,
    rawBody: Buffer.alloc(0),
    receivedAtMs: Date.now(),
  };
}

function unread(status: Outcome['status'], reason: string): Outcome {
  return { status, reason, bytes: 0, close: true };
}

/** Whatever was not foreseen is our fault: never an acknowledgement, and the platform comes again. */
function failure(error: unknown): Outcome {
  const reason = error instanceof AppError ? error.code : 'DATABASE_UNAVAILABLE';
  return { status: 503, reason, bytes: 0, close: true, error };
}

function answer(request: IncomingMessage, response: ServerResponse, outcome: Outcome): void {
  if (outcome.status === 499 || response.headersSent || response.destroyed) return;
  if (outcome.status === 200) {
    response.writeHead(200, { 'content-length': 0 }).end();
    return;
  }
  const body = JSON.stringify({ error: { code: outcome.reason } });
  response.setHeader('content-type', 'application/json').setHeader('content-length', Buffer.byteLength(body));
  if (outcome.status === 405) response.setHeader('allow', 'POST');
  if (outcome.status === 503) response.setHeader('retry-after', retryAfterSeconds);
  if (outcome.close === true) response.setHeader('connection', 'close');
  response.statusCode = outcome.status;
  response.end(body, () => {
    // The answer is on its way; what the sender still sends is not read.
    if (outcome.close === true && !request.complete) request.socket.destroySoon();
  });
}

function report(
  request: IncomingMessage,
  platform: string,
  outcome: Outcome,
  { log, metrics }: Settings,
): void {
  metrics.doorRequests.inc({ platform, outcome: outcome.reason });
  if (outcome.status === 200) return;
  const facts = {
    platform,
    status: outcome.status,
    reason: outcome.reason,
    remoteAddress: request.socket.remoteAddress,
    bytes: outcome.bytes,
    ...(outcome.account === undefined ? {} : { account: outcome.account.slice(0, 100) }),
    ...(outcome.error === undefined ? {} : { error: describe(outcome.error) }),
  };
  if (outcome.status === 503) log.error(facts, 'Webhook not acknowledged');
  else log.warn(facts, 'Webhook refused');
}

/** Codes and our own words only: other messages may quote the body. */
function describe(error: unknown): string {
  if (error instanceof AppError) return error.message.slice(0, 200);
  if (error instanceof Error && 'code' in error) return `${error.name} ${String(error.code)}`;
  return error instanceof Error ? error.name : 'unknown';
}
