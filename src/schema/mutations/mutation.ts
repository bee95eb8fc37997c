import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Edit } from '../../model/change.ts';
import { applyChanges } from '../../sync/apply-changes.ts';
import type { WebhooksEnded } from '../../sync/connections/disconnect.ts';
import { InvalidInput } from '../../sync/graph/write-context.ts';
import { textOf } from '../failures.ts';
import { encodeGlobalId } from '../global-id.ts';
import type { OperationContext } from '../services.ts';

export interface UserErrorValue {
  code: string;
  field: string[] | null;
  message: string;
}

export interface LeftBehind {
  plannedCount: number;
  waitingDeliveryCount: number;
  webhooks: WebhooksEnded;
}

/** What a mutation did, in ids: kept with its idempotency key, so that repeating it gives the same answer. */
export interface Effect {
  /** Id of the object changed. */
  subjectId: string | null;
  /** The pushes it caused; of a backlog the first ones. */
  pushIds: string[];
  /** Cursor of its last event. */
  cursor: string | null;
  /** What the pushes cause in turn about this order is waited for, too. */
  followOrderId?: string;
  /** A replay plans its pushes later: they are those of this delivery with a higher id than `after`. */
  replay?: { deliveryId: string; after: string };
  /** An account that was disconnected: what was left of it. */
  leftBehind?: LeftBehind;
  /** The pushes of a whole account that were set going, or are waited for: how many, and the last of them. */
  backlog?: { connectionId: string; count: number; last: string; until: 'ended' | 'notRunning' };
}

/** That something was done about this, and nothing else to tell. */
export function effectOn(id: string): Effect {
  return { subjectId: id, pushIds: [], cursor: null };
}

export interface PayloadValue extends Effect {
  settled: boolean | null;
  userErrors: UserErrorValue[];
}

interface Waiting {
  wait?: boolean | null | undefined;
  waitSeconds?: number | null | undefined;
}

interface MutationInput extends Waiting {
  idempotencyKey?: string | null | undefined;
}

/**
 * Runs one mutation in one transaction: what callers did wrong becomes `userErrors` and leaves nothing behind, a key
 * seen before gives the first answer again, and with `wait` the answer comes once the platforms have it.
 */
export async function mutate(
  context: OperationContext,
  mutation: { name: string; input: MutationInput; facts: unknown },
  work: (tx: Tx) => Promise<Effect>,
): Promise<PayloadValue> {
  const { idempotencyKey } = mutation.input;
  try {
    const seconds = waitSeconds(mutation.input, context.limits.waitSeconds);
    const effect = await transaction(context.services.pool, (tx) =>
      idempotencyKey === undefined || idempotencyKey === null
        ? work(tx)
        : once(tx, { actor: context.actor.name, key: idempotencyKey, ...mutation }, work),
    );
    const settled = seconds === null ? null : await settles(context, effect, seconds);
    return { ...effect, settled, userErrors: [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error;
    return { ...nothing, settled: null, userErrors: [toUserError(error, mutation.input)] };
  }
}

const nothing: Effect = { subjectId: null, pushIds: [], cursor: null };

/** An edit through the one write path. */
export async function applyEdit(
  tx: Tx,
  context: OperationContext,
  edit: Edit,
  subjectType: string,
): Promise<Effect> {
  const applied = await applyChanges(tx, {
    changes: [edit],
    source: 'tributary',
    connectionId: null,
    deliveryId: null,
    now: new Date(),
    platforms: context.services.platforms,
  });
  const touched = applied.touched.find((one) => one.type === subjectType);
  return {
    subjectId: touched?.id.toString() ?? null,
    pushIds: applied.pushIds.map(String),
    cursor: applied.eventPosition?.toString() ?? null,
  };
}

/**
 * The first with a key does the work; others wait for its row and read the answer. When the first one fails, its row
 * goes with its transaction and the next one does the work.
 */
async function once(
  tx: Tx,
  request: { actor: string; key: string; name: string; facts: unknown },
  work: (tx: Tx) => Promise<Effect>,
): Promise<Effect> {
  if (request.key.length === 0 || request.key.length > 200) {
    throw new InvalidInput('idempotencyKey', 'must have 1 to 200 characters.');
  }
  const inputHash = createHash('sha256').update(JSON.stringify(request.facts)).digest('hex');
  const { rowCount } = await tx.query(
    `insert into mutation_request (actor, idempotency_key, mutation, input_hash, result)
     values ($1, $2, $3, $4, '{}') on conflict do nothing`,
    [request.actor, request.key, request.name, inputHash],
  );
  if (rowCount === 0) {
    const { rows } = await tx.query<{ mutation: string; inputHash: string; result: Effect }>(
      `select mutation, input_hash as "inputHash", result from mutation_request where actor = $1 and idempotency_key = $2`,
      [request.actor, request.key],
    );
    const first = rows[0];
    if (first === undefined || first.mutation !== request.name || first.inputHash !== inputHash) {
      throw new AppError({
        code: 'IDEMPOTENCY_KEY_REUSED',
        retryable: false,
        publicMessage: 'This idempotency key was used for another request. Take a new key for a new request.',
      });
    }
    return first.result;
  }
  const effect = await work(tx);
  await tx.query('update mutation_request set result = $3 where actor = $1 and idempotency_key = $2', [
    request.actor,
    request.key,
    JSON.stringify(effect),
  ]);
  return effect;
}

function waitSeconds(input: Waiting, most: number): number | null {
  if (input.wait !== true) return null;
  const seconds = input.waitSeconds ?? 10;
  if (seconds >= 1 && seconds <= most) return seconds;
  throw new InvalidInput('waitSeconds', `must lie between 1 and ${most}.`);
}

/** True once every push of the effect is settled, superseded, dead, dismissed, or only a plan; false when time is up before. */
async function settles(context: OperationContext, effect: Effect, seconds: number): Promise<boolean> {
  const signal = AbortSignal.timeout(seconds * 1_000);
  if (!(await endsOne(context, effect, signal))) return false;
  const { followOrderId } = effect;
  return (
    followOrderId === undefined || endsOne(context, { ...effect, pushIds: [], followOrderId }, signal, true)
  );
}

async function endsOne(
  context: OperationContext,
  effect: Effect,
  signal: AbortSignal,
  isFollowing = false,
): Promise<boolean> {
  if (effect.replay !== undefined && !(await deliveryEnds(context, effect.replay.deliveryId, signal))) {
    return false;
  }
  const { events, pool } = context.services;
  // The cursor is taken before the look: what is done between the two is seen by one of them.
  const after = await events.head();
  const { rows } = await pool.query<{ id: bigint }>(
    isFollowing ? openAboutOrder(effect.followOrderId ?? '0') : openPushes(effect),
  );
  const open = new Set(rows.map((row) => row.id));
  if (open.size === 0) return true;
  const ended = events.subscribe({
    after,
    types:
      effect.backlog?.until === 'notRunning'
        ? ['push.settled', 'push.dead', 'push.dismissed', 'push.superseded', 'push.retrying']
        : ['push.settled', 'push.dead', 'push.dismissed', 'push.superseded'],
    where: (event) => open.has(event.pushId ?? event.subjectId),
    signal,
  });
  for await (const event of ended) {
    open.delete(event.pushId ?? event.subjectId);
    if (open.size === 0) return true;
  }
  return false;
}

/** Of the order, its refunds and its customer. */
function openAboutOrder(orderId: string): { text: string; values: unknown[] } {
  return {
    text: `select p.id from push p where p.status = any($2::push_status[]) and (
             (p.subject_type = 'Order' and p.subject_id = $1)
             or (p.subject_type = 'Refund' and p.subject_id in (select id from refund where order_id = $1))
             or (p.subject_type = 'Customer' and p.subject_id = (select customer_id from sales_order where id = $1)))`,
    values: [orderId, notEnded],
  };
}

const notEnded = ['pending', 'running', 'retrying'];

function openPushes({ pushIds, replay, backlog }: Effect): { text: string; values: unknown[] } {
  if (backlog !== undefined) {
    return {
      text: `select id from push where connection_id = $1 and id <= $2 and status = any($3::push_status[])`,
      values: [backlog.connectionId, backlog.last, backlog.until === 'ended' ? notEnded : ['running']],
    };
  }
  if (replay !== undefined) {
    return {
      text: `select id from push where delivery_id = $1 and id > $2 and status = any($3::push_status[])`,
      values: [replay.deliveryId, replay.after, notEnded],
    };
  }
  return {
    text: `select id from push where id = any($1::bigint[]) and status = any($2::push_status[])`,
    values: [pushIds, notEnded],
  };
}

/** Deliveries that change nothing tell nobody, so its row is looked at: by one person who waits, and not for long. */
async function deliveryEnds(
  context: OperationContext,
  deliveryId: string,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const { rows } = await context.services.pool.query<{ ended: boolean }>(
      `select status in ('settled', 'dead', 'dismissed') as ended from delivery where id = $1`,
      [deliveryId],
    );
    if (rows[0]?.ended !== false) return true;
    await sleep(50);
  }
  return false;
}

/** The one place where what went wrong is traced back to the input that says it. */
function toUserError(error: AppError, input: MutationInput): UserErrorValue {
  const { code, missing } = error;
  if (error.field !== null)
    return { code, field: ['input', ...error.field.split('.')], message: withGivenIds(textOf(error)) };
  const path = missing === null ? null : pathOfId(input, { ...missing, id: missing.id.toString() });
  if (missing === null || path === null)
    return { code, field: fieldOf[code] ?? null, message: textOf(error) };
  const given = encodeGlobalId(missing.type, missing.id);
  return {
    code,
    field: ['input', ...path],
    message: `${path.join('.')}: there is no ${inWords(missing.type)} with the id "${given}". Pass one that a query has given.`,
  };
}

/** Inside, rows are known by their numbers; callers know customers by the ids that queries give. */
function withGivenIds(message: string): string {
  return message.replaceAll(
    /\b([Cc]ustomer) (\d+)\b/g,
    (_all, what: string, id: string) => `${what} "${encodeGlobalId('Customer', id)}"`,
  );
}

/** Where an input names a thing: ids have been read by then. */
function pathOfId(value: unknown, wanted: { type: string; id: string }): string[] | null {
  if (typeof value !== 'object' || value === null) return null;
  const { typename, id } = value as { typename?: unknown; id?: unknown };
  if (typename === wanted.type && id === wanted.id) return [];
  for (const [name, part] of Object.entries(value)) {
    const path = pathOfId(part, wanted);
    if (path !== null) return [name, ...path];
  }
  return null;
}

function inWords(type: string): string {
  return type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

const fieldOf: Readonly<Record<string, string[]>> = {
  IDEMPOTENCY_KEY_REUSED: ['input', 'idempotencyKey'],
  ALREADY_DECIDED: ['input', 'id'],
  CAPABILITY_UNKNOWN: ['input', 'capabilities'],
  DELIVERY_ERASED: ['input', 'id'],
  PUSH_NOT_RETRYABLE: ['input', 'id'],
  PUSH_NOT_DEAD: ['input', 'id'],
  DELIVERY_NOT_DEAD: ['input', 'id'],
  PUSH_OUTDATED: ['input', 'id'],
  SETTING_UNKNOWN: ['input', 'settings'],
  SETTING_INVALID: ['input', 'settings'],
  CONNECTION_NOT_ACTIVE: ['input', 'id'],
  CONNECTION_REVOKED: ['input', 'id'],
  CONNECTION_DISCONNECTED: ['input', 'id'],
  NO_BOOKS: ['input', 'id'],
  NOTHING_POSTED: ['input', 'id'],
  CUSTOM_FIELD_UNKNOWN: ['input', 'key'],
  DECLARED_BY_FILE: ['input', 'key'],
  FIELD_TYPE_FIXED: ['input', 'type'],
  FIELD_TARGET_TAKEN: ['input', 'hubspotProperty'],
  FORM_FIELD_TAKEN: ['input', 'quickbooksField'],
};
