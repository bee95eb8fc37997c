import type { Tx } from '../db/pool.ts';
import { AppError } from '../errors.ts';
import type { Source } from '../model/platform-name.ts';
import { wakeWork } from './connections/authorization.ts';
import { refuseDisconnected } from './connections/disconnect.ts';
import { appendEvents } from './events/append-events.ts';
import type { FactField } from './identity/facts.ts';
import type { FieldAuthority } from './identity/golden-record.ts';
import { requestAuthorityReview } from './identity/request-authority-review.ts';
import { enqueueDeliveries } from './inbox/enqueue-deliveries.ts';
import { enqueuePushes, removePushJobs } from './outbox/enqueue-pushes.ts';
import { requestPostingReview } from './postings/request-review.ts';
import { checkedReason } from './reason.ts';
import { unknown } from './unknown.ts';

/*
 * What a person can do about work: each is the whole body of a transaction and its appending of events, where there is
 * any, comes last.
 */

/** What switching a connection set going. */
export interface Switched {
  /** Position of the event that tells of it; null where it was so already. */
  position: bigint | null;
  /** The pushes it concerns, oldest first. */
  pushIds: bigint[];
}

/** Processes a delivery once more, whatever became of it. @throws AppError DELIVERY_UNKNOWN, DELIVERY_ERASED */
export async function replayDelivery(tx: Tx, deliveryId: bigint): Promise<void> {
  const { rows } = await tx.query<{ erased: boolean }>(
    `update delivery set status = 'pending', outcome = null, settled_at = null, next_attempt_at = null,
       attempts = 0, takeovers = (error_code is not distinct from 'PROCESS_DIED')::int, error_code = null, error = null, remedy = null, dismissed_at = null, dismissed_by = null,
       dismissed_reason = null
     where id = $1 returning length(body) = 0 as erased`,
    [deliveryId],
  );
  const row = rows[0];
  if (row === undefined) throw unknown('Delivery', deliveryId);
  if (row.erased)
    throw refused(
      'DELIVERY_ERASED',
      'The bytes of this delivery are no longer kept (age or privacy); it cannot be replayed. Sweep the connection to read the platform anew.',
    );
  await enqueueDeliveries(tx, [deliveryId]);
}

/**
 * Stops writing to a connection; its deliveries go on being stored and processed. Pushes that are being carried out are
 * not interrupted: they are those it returns. @throws AppError CONNECTION_UNKNOWN, CONNECTION_DISCONNECTED, CONNECTION_REVOKED, INVALID_INPUT
 */
export async function pauseConnection(tx: Tx, id: bigint, reason: string, source: Source): Promise<Switched> {
  const text = checkedReason(reason, 'why it is paused');
  const status = await lockConnection(tx, id);
  refuseDisconnected(id, status);
  if (status === 'revoked') throw revoked(id);
  await tx.query(
    `update connection set status = 'paused', status_reason = $2, updated_at = clock_timestamp() where id = $1`,
    [id, text],
  );
  const { rows } = await tx.query<{ id: bigint }>(
    `select id from push where connection_id = $1 and status = 'running' order by id`,
    [id],
  );
  const pushIds = rows.map((row) => row.id);
  if (status === 'paused') return { position: null, pushIds };
  const position = await appendEvents(tx, [
    {
      type: 'connection.paused',
      subjectType: 'Connection',
      subjectId: id,
      payload: { reason: text },
      source,
    },
  ]);
  return { position, pushIds };
}

/**
 * Lets a paused or revoked connection go on: everything that waits is tried at once, an open circuit breaker included.
 * Where the platform still refuses us, the first call revokes it again. @throws AppError CONNECTION_UNKNOWN, CONNECTION_DISCONNECTED
 */
export async function resumeConnection(tx: Tx, id: bigint, source: Source = 'tributary'): Promise<Switched> {
  const status = await lockConnection(tx, id);
  refuseDisconnected(id, status);
  await tx.query(
    `update connection set status = 'active', status_reason = null, consecutive_failures = 0,
       circuit_open_until = null, circuit_reason = null, authorized_at = clock_timestamp(), updated_at = clock_timestamp()
     where id = $1`,
    [id],
  );
  const pushIds = await wakeWork(tx, id);
  if (status === 'active') return { position: null, pushIds };
  const position = await appendEvents(tx, [
    { type: 'connection.resumed', subjectType: 'Connection', subjectId: id, payload: {}, source },
  ]);
  return { position, pushIds };
}

/**
 * Unlocks exactly these kinds of writes (`*`: all). Plans of kinds that are unlocked now become pending; what waits of
 * kinds that are locked now becomes a plan. @returns the pushes that were released. @throws AppError CONNECTION_UNKNOWN, CONNECTION_DISCONNECTED
 */
export async function setWriteCapabilities(
  tx: Tx,
  id: bigint,
  capabilities: readonly string[],
  source: Source = 'tributary',
): Promise<Switched> {
  refuseDisconnected(id, await lockConnection(tx, id));
  const wanted = [...new Set(capabilities)];
  const { rows: before } = await tx.query<{ capabilities: string[] }>(
    'select write_capabilities as capabilities from connection where id = $1',
    [id],
  );
  await tx.query(
    'update connection set write_capabilities = $2, updated_at = clock_timestamp() where id = $1',
    [id, wanted],
  );
  const { rows } = await tx.query<{ id: bigint; status: 'plan' | 'pending' }>(
    `update push set next_attempt_at = null, error_code = null, error = null,
       status = case when status = 'plan' then 'pending'::push_status else 'plan'::push_status end
     where connection_id = $1 and (
       (status = 'plan' and (kind = any($2::text[]) or '*' = any($2::text[])))
       or (status in ('pending', 'retrying') and not (kind = any($2::text[]) or '*' = any($2::text[]))))
     returning id, status`,
    [id, capabilities],
  );
  const idsOf = (status: string): bigint[] =>
    rows
      .filter((row) => row.status === status)
      .map((row) => row.id)
      .sort((a, b) => (a < b ? -1 : 1));
  const released = idsOf('pending');
  const held = idsOf('plan');
  await removePushJobs(tx, held);
  await enqueuePushes(tx, released);
  const same = before[0]?.capabilities.toSorted().join() === wanted.toSorted().join();
  if (same && rows.length === 0) return { position: null, pushIds: [] };
  const position = await appendEvents(tx, [
    {
      type: 'connection.write_changed',
      subjectType: 'Connection',
      subjectId: id,
      payload: { capabilities: wanted, released: released.length, held: held.length },
      source,
    },
  ]);
  return { position, pushIds: released };
}

/** What people call an account. @throws AppError CONNECTION_UNKNOWN */
export async function renameConnection(tx: Tx, id: bigint, name: string): Promise<void> {
  await lockConnection(tx, id);
  await tx.query('update connection set name = $2, updated_at = clock_timestamp() where id = $1', [id, name]);
}

/**
 * Keeps choices for an account; those left out stay, and those that are reset are what holds where nobody has chosen. Whoever
 * calls has checked them. What the account is owed is planned anew after the commit where it depends on them; documents posted
 * before keep the form they have.
 * @throws AppError CONNECTION_UNKNOWN
 */
export async function setSettings(
  tx: Tx,
  id: bigint,
  settings: Readonly<Record<string, unknown>>,
  { reset = [], decidesPlans = true }: { reset?: readonly string[]; decidesPlans?: boolean } = {},
): Promise<void> {
  await lockConnection(tx, id);
  await tx.query(
    'update connection set settings = (settings || $2::jsonb) - $3::text[], updated_at = clock_timestamp() where id = $1',
    [id, JSON.stringify(settings), reset],
  );
  if (decidesPlans) await requestPostingReview(tx, id);
}

/**
 * Says how far an account is believed about a field of customers. Its customers are worked out
 * anew after the commit, page after page; `authority_review` tells how far that has come.
 * @throws AppError CONNECTION_UNKNOWN
 */
export async function setFieldAuthority(
  tx: Tx,
  id: bigint,
  field: FactField,
  authority: FieldAuthority,
): Promise<void> {
  await lockConnection(tx, id);
  await tx.query(
    `update connection set updated_at = clock_timestamp(), settings = settings || jsonb_build_object('fieldAuthority',
       coalesce(settings->'fieldAuthority', '{}') || jsonb_build_object($2::text, $3::text)) where id = $1`,
    [id, field, authority],
  );
  await requestAuthorityReview(tx, id);
}

/** The connection's row is locked before any of its pushes, here as everywhere. */
async function lockConnection(tx: Tx, id: bigint): Promise<string> {
  const { rows } = await tx.query<{ status: string }>(
    'select status from connection where id = $1 for no key update',
    [id],
  );
  const status = rows[0]?.status;
  if (status === undefined) throw unknown('Connection', id);
  return status;
}

function revoked(id: bigint): AppError {
  return refused(
    'CONNECTION_REVOKED',
    `The platform has withdrawn the authorisation of connection ${id}; connect the account again or resume the connection first.`,
  );
}

function refused(code: string, publicMessage: string): AppError {
  return new AppError({ code, retryable: false, publicMessage });
}
