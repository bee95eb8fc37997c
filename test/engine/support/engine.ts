import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import type { Pool, Tx } from '../../../src/db/pool.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { createLog, type Log } from '../../../src/log.ts';
import type { PlatformName } from '../../../src/model/platform-name.ts';
import type { applyChanges } from '../../../src/sync/apply-changes.ts';
import { upsertConnection } from '../../../src/sync/connections/connections.ts';
import { Sessions } from '../../../src/sync/connections/sessions.ts';
import { appendEvents } from '../../../src/sync/events/append-events.ts';
import { settleDelivery } from '../../../src/sync/inbox/settle-delivery.ts';
import { enqueuePushes } from '../../../src/sync/outbox/enqueue-pushes.ts';
import type { Platform } from '../../../src/sync/platforms/platform.ts';

export const encryptionKey = Buffer.alloc(32, 7);

/** Keeps log lines in memory. */
export function memoryLog(): { log: Log; lines: Record<string, unknown>[]; text: () => string } {
  const raw: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      raw.push(String(chunk));
      done();
    },
  });
  const log = createLog({ level: 'info', destination });
  return {
    log,
    get lines() {
      return raw.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    text: () => raw.join(''),
  };
}

export function connect(
  pool: Pool,
  platform: PlatformName,
  accountId: string,
  options: { secret?: string; writeCapabilities?: string[] } = {},
): Promise<bigint> {
  return transaction(pool, (tx) =>
    upsertConnection(tx, {
      platform,
      accountId,
      name: accountId,
      credentials: { secret: options.secret ?? `secret of ${accountId}`, token: 'token' },
      writeCapabilities: options.writeCapabilities ?? ['*'],
      encryptionKey,
    }),
  );
}

export function sessionsFor(
  pool: Pool,
  platforms: Partial<Record<PlatformName, Platform>>,
  log: Log,
  baseUrl = '',
): Sessions {
  return new Sessions({
    pool,
    platforms,
    encryptionKey,
    baseUrls: Object.fromEntries(Object.keys(platforms).map((name) => [name, baseUrl])),
    log,
    settingsTtlMs: 0,
  });
}

/** Stands in for the write path: settles the delivery and tells of it, after `before` has had its say. */
export function stubApply(
  before: (tx: Tx, subject: string) => Promise<void> = async () => undefined,
): typeof applyChanges {
  return async (tx, input) => {
    const change = input.changes[0];
    const subject = change !== undefined && 'remoteId' in change ? change.remoteId : '';
    await before(tx, subject);
    if (input.deliveryId !== null) await settleDelivery(tx, input.deliveryId, 'applied');
    const eventPosition = await appendEvents(tx, [
      {
        type: 'location.updated',
        subjectType: 'Location',
        subjectId: 1n,
        payload: { subject },
        source: input.source,
        deliveryId: input.deliveryId,
      },
    ]);
    return { outcome: 'applied', outcomes: ['applied'], pushIds: [], eventPosition, touched: [] };
  };
}

/** Adds a push as the write path would plan it. */
export function addPush(
  pool: Pool,
  push: {
    connectionId: bigint;
    subjectId: bigint;
    kind?: string;
    version?: number;
    status?: string;
    body?: Record<string, unknown>;
  },
): Promise<bigint> {
  return transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: bigint }>(
      `insert into push (connection_id, kind, subject_type, subject_id, version, idempotency_key, body, fingerprint, status)
       values ($1, $2, 'Customer', $3, $4, $5, $6, 'f', $7::push_status) returning id`,
      [
        push.connectionId,
        push.kind ?? 'thing',
        push.subjectId,
        push.version ?? 1,
        `tb-${randomBytes(12).toString('hex')}`,
        JSON.stringify(push.body ?? { name: 'x' }),
        push.status ?? 'pending',
      ],
    );
    const id = rows[0]?.id ?? 0n;
    await enqueuePushes(tx, [id]);
    return id;
  });
}

/** Adds a delivery as the door would store it, without its job. */
export async function addDelivery(
  pool: Pool,
  delivery: {
    connectionId: bigint;
    topic?: string;
    subject?: string;
    eventId?: string | null;
    externalId?: string;
    body?: unknown;
  },
): Promise<bigint> {
  const { rows } = await pool.query<{ id: bigint }>(
    `insert into delivery (connection_id, external_id, event_id, topic, subject, body) values ($1, $2, $3, $4, $5, $6) returning id`,
    [
      delivery.connectionId,
      delivery.externalId ?? randomBytes(8).toString('hex'),
      delivery.eventId ?? null,
      delivery.topic ?? 'things/update',
      delivery.subject ?? 'thing:1',
      Buffer.from(JSON.stringify(delivery.body ?? { name: 'Shop' })),
    ],
  );
  return rows[0]?.id ?? 0n;
}

/** Looks again and again until it is true; fails after the deadline with the last thing seen. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  isRight: (seen: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (performance.now() > deadline)
      throw new Error(
        `Not within ${timeoutMs} ms; last seen: ${JSON.stringify(seen, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
