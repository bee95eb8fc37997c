import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Source } from '../../model/platform-name.ts';
import { appendEvents } from '../events/append-events.ts';
import { removePushJobs } from '../outbox/enqueue-pushes.ts';
import type { Platform, Session } from '../platforms/platform.ts';
import { checkedReason } from '../reason.ts';
import { unknown } from '../unknown.ts';
import type { ConnectionFacts } from './connections.ts';

/** What became of an account's webhooks at the platform. */
export interface WebhooksEnded {
  removedCount: number;
  message: string;
  /** What a person has to do there; null: nothing. */
  remedy: string | null;
}

/** What was left of a connection when it was taken off. */
export interface Disconnected {
  /** Position of the event that tells of it; null where it was off already. */
  position: bigint | null;
  /** Pushes under way, oldest first: they are not interrupted. */
  pushIds: bigint[];
  /** Writes that waited and are kept as plans. */
  plannedCount: number;
  /** Deliveries that are stored and not processed yet. */
  waitingDeliveryCount: number;
}

/** How long the platform may take over it: whoever disconnects an account must not wait for one that does not answer. */
const patienceMs = 20_000;

/**
 * Ends at the platform what `prepare` has asked it for. Needs the credentials, so that it comes before they are forgotten and
 * outside any transaction; nothing of what goes wrong here keeps anybody from disconnecting.
 */
export async function endWebhooks(
  { id, platform: name, status }: Pick<ConnectionFacts, 'id' | 'platform' | 'status'>,
  options: {
    platform: Platform | undefined;
    session: (id: bigint) => Promise<Session<unknown>>;
    log: Log;
    patienceMs?: number;
  },
): Promise<WebhooksEnded> {
  const { platform, session, log } = options;
  if (status === 'disconnected') return { removedCount: 0, message: 'It was off already.', remedy: null };
  const byHand = `Remove what ${name} still sends here where it was set up; until then it is answered with 404.`;
  if (platform?.release === undefined)
    return { removedCount: 0, message: `Webhooks of ${name} are set up by a person there.`, remedy: byHand };
  try {
    const release = platform.release(await session(id));
    const removedCount = await within(options.patienceMs ?? patienceMs, release);
    return { removedCount, message: `${removedCount} subscriptions were removed at ${name}.`, remedy: null };
  } catch (error) {
    log.warn(
      { err: error, platform: name },
      'webhooks of an account that is disconnected could not be removed',
    );
    const why = error instanceof AppError ? error.publicMessage : 'The log tells more.';
    return { removedCount: 0, message: `The webhooks could not be removed. ${why}`, remedy: byHand };
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new AppError({
            code: 'PLATFORM_TIMEOUT',
            retryable: true,
            publicMessage: 'The platform did not answer in time.',
          }),
        ),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Takes an account off: nothing more is read from it or written to it, and its credentials are forgotten. What it brought
 * stays, and so does what was to be written to it, as plans: connected again it observes, and a person unlocks what goes on.
 * @throws AppError CONNECTION_UNKNOWN, INVALID_INPUT
 */
export async function disconnectConnection(
  tx: Tx,
  id: bigint,
  reasonGiven: string,
  source: Source = 'tributary',
): Promise<Disconnected> {
  const reason = checkedReason(reasonGiven, 'why it is disconnected');
  // The connection's row is locked before any of its pushes, here as everywhere.
  const { rows } = await tx.query<{ status: string }>(
    'select status from connection where id = $1 for no key update',
    [id],
  );
  const status = rows[0]?.status;
  if (status === undefined) throw unknown('Connection', id);
  await tx.query(
    `update connection set status = 'disconnected', status_reason = $2, credentials = '', write_capabilities = '{}',
       consecutive_failures = 0, circuit_open_until = null, circuit_reason = null, findings = '[]', examined_at = null,
       updated_at = clock_timestamp()
     where id = $1`,
    [id, reason],
  );
  const { rows: held } = await tx.query<{ id: bigint }>(
    `update push set status = 'plan', next_attempt_at = null, error_code = null, error = null, remedy = null
     where connection_id = $1 and status in ('pending', 'retrying') returning id`,
    [id],
  );
  await removePushJobs(
    tx,
    held.map((row) => row.id),
  );
  const { rows: running } = await tx.query<{ id: bigint }>(
    `select id from push where connection_id = $1 and status = 'running' order by id`,
    [id],
  );
  const { rows: waiting } = await tx.query<{ count: number }>(
    `select count(*)::int as count from delivery where connection_id = $1 and status in ('pending', 'retrying')`,
    [id],
  );
  const left = {
    pushIds: running.map((row) => row.id),
    plannedCount: held.length,
    waitingDeliveryCount: waiting[0]?.count ?? 0,
  };
  if (status === 'disconnected') return { position: null, ...left };
  const position = await appendEvents(tx, [
    {
      type: 'connection.disconnected',
      subjectType: 'Connection',
      subjectId: id,
      payload: { reason, planned: left.plannedCount, waitingDeliveries: left.waitingDeliveryCount },
      source,
    },
  ]);
  return { position, ...left };
}

/** @throws AppError CONNECTION_DISCONNECTED where a person has taken the account off */
export function refuseDisconnected(id: bigint, status: string): void {
  if (status !== 'disconnected') return;
  throw new AppError({
    code: 'CONNECTION_DISCONNECTED',
    retryable: false,
    publicMessage: `Connection ${id} is disconnected: its credentials are forgotten.`,
    remedy: connectAgain,
  });
}

/** What a person can do where an account is off. */
export const connectAgain =
  'Set its credentials in the environment and connect it again: npx tributary connection connect <platform>.';
