import { alone } from '../../db/alone.ts';
import { letEarlierWritersEnd } from '../../db/earlier-writers.ts';
import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Change } from '../../model/change.ts';
import type { CustomField } from '../../model/custom-field.ts';
import type { NewEvent } from '../../model/event.ts';
import type { PlatformName, Source } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Sessions } from '../connections/sessions.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Platform } from '../platforms/platform.ts';
import { loadCustomFields } from './fields.ts';

export interface BackfillOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  sessions: Sessions;
  log: Log;
  /** Where platforms reach us; null: subscriptions are left to the next time that they are healed. */
  webhookUrl: ((platform: PlatformName) => string) | null;
}

/** Owners per transaction: enough to spread its cost, few enough to hold row locks for milliseconds. */
const ownersPerPage = 25;

interface Progress {
  status: string;
  total: number;
  done: number;
  reachedId: bigint;
  startedAt: Date | null;
  /** As Postgres writes it: a JavaScript date would lose its microseconds. */
  requestedAt: string;
}

interface Owner {
  id: bigint;
  connectionId: bigint | null;
  platform: PlatformName | null;
  remoteIds: string[];
}

/**
 * Fills one custom field for everybody who was there before it: page after page, each with its own commit, so that it goes
 * on where it stopped. What its values change at the platforms is owed and told as any other change.
 * Takes what a platform has to be asked for (metafields) a page at a time.
 */
export async function backfillCustomField(fieldId: bigint, options: BackfillOptions): Promise<void> {
  await alone(options.pool, `backfill of custom field ${fieldId}`, () => backfillAlone(fieldId, options));
}

async function backfillAlone(fieldId: bigint, options: BackfillOptions): Promise<void> {
  const { pool, log } = options;
  try {
    for (;;) {
      const field = (await loadCustomFields(pool)).find((one) => one.id === fieldId);
      const progress = field === undefined ? null : await readProgress(pool, fieldId);
      if (field === undefined || progress === null) return;
      if (progress.status !== 'waiting' && progress.status !== 'running') return;
      if (progress.startedAt === null) {
        await begin(field, options);
        continue;
      }
      const owners = await nextOwners(pool, field, progress.reachedId);
      if (owners.length === 0) {
        if (await finish(pool, field, progress)) {
          log.info({ field: field.key, owners: progress.done }, 'a custom field is filled');
          return;
        }
        continue;
      }
      await fill(field, owners, progress, options);
    }
  } catch (error) {
    const isForGood = error instanceof AppError && !error.retryable;
    await pool.query(
      `update custom_field_backfill set error = $2, progressed_at = clock_timestamp(),
         status = case when $3 then 'failed' else status end, finished_at = case when $3 then clock_timestamp() end
       where field_id = $1`,
      [
        fieldId,
        error instanceof AppError ? error.publicMessage : 'It was interrupted; the log tells why.',
        isForGood,
      ],
    );
    // The queue tries again, later each time.
    if (!isForGood) throw error;
    log.warn({ err: error }, 'a custom field could not be filled');
  }
}

/** Platforms learn of the field first: from then on nothing that changes is missed, and everything before it is read. */
async function begin(field: CustomField, options: BackfillOptions): Promise<void> {
  const { pool } = options;
  await makeReady(field, options);
  // Who looked for fields before it was committed may write without its value and commit after.
  await letEarlierWritersEnd(pool);
  await pool.query(
    `update custom_field_backfill set status = 'running', started_at = clock_timestamp(), progressed_at = clock_timestamp(),
       error = null, done = 0, reached_id = 0, total = (select count(*) from ${tableOf(field)})
     where field_id = $1`,
    [field.id],
  );
}

async function makeReady(
  field: CustomField,
  { pool, platforms, sessions, webhookUrl }: BackfillOptions,
): Promise<void> {
  const { rows } = await pool.query<{ id: bigint; platform: PlatformName }>(
    `select id, platform from connection where status = 'active' order by id`,
  );
  for (const { id, platform: name } of rows) {
    const isSource = field.source.kind === 'metafield' && platforms[name]?.readMetafields !== undefined;
    const isTarget =
      (name === 'hubspot' && field.hubspotProperty !== null) ||
      (name === 'quickbooks' && field.quickbooksField !== null);
    if (!isSource && !isTarget) continue;
    if (isSource && webhookUrl === null) continue;
    await platforms[name]?.prepare(await sessions.get(id), { webhookUrl: webhookUrl?.(name) ?? '' });
  }
}

async function fill(
  field: CustomField,
  owners: readonly Owner[],
  progress: Progress,
  options: BackfillOptions,
): Promise<void> {
  const { pool, platforms, sessions } = options;
  const { source } = field;
  const ids = [...new Set(owners.map((one) => one.id))];
  if (source.kind === 'metafield') {
    const keys = [`${source.namespace}.${source.key}`];
    for (const [connectionId, { platform: name, remoteIds }] of byConnection(owners)) {
      const platform = platforms[name];
      if (platform?.readMetafields === undefined) continue;
      const session = await sessions.get(connectionId);
      const changes = await platform.readMetafields(session, { owner: field.owner, remoteIds, keys });
      await apply(options, changes, name, connectionId);
    }
  }
  await apply(options, [{ kind: 'customFieldsReview', owner: field.owner, ids }], 'tributary', null);
  await pool.query(
    `update custom_field_backfill set done = done + $2, reached_id = $3, error = null, progressed_at = clock_timestamp()
     where field_id = $1 and requested_at = $4::timestamptz`,
    [field.id, ids.length, ids.at(-1), progress.requestedAt],
  );
}

async function apply(
  { pool, platforms }: BackfillOptions,
  changes: readonly Change[],
  source: Source,
  connectionId: bigint | null,
): Promise<void> {
  if (changes.length === 0) return;
  await transaction(pool, (tx) =>
    applyChanges(tx, {
      changes,
      source,
      connectionId,
      deliveryId: null,
      now: new Date(),
      platforms,
    }),
  );
}

/** False where it was asked for anew meanwhile. */
async function finish(pool: Pool, field: CustomField, progress: Progress): Promise<boolean> {
  return transaction(pool, async (tx) => {
    const { rowCount } = await tx.query(
      `update custom_field_backfill set status = 'finished', finished_at = clock_timestamp(), total = greatest(total, done),
         progressed_at = clock_timestamp(), error = null where field_id = $1 and requested_at = $2::timestamptz`,
      [field.id, progress.requestedAt],
    );
    if (rowCount !== 1) return false;
    const event: NewEvent = {
      type: 'custom_field.filled',
      subjectType: 'CustomField',
      subjectId: field.id,
      payload: { owner: field.owner, key: field.key, done: progress.done },
      source: 'tributary',
    };
    appendEventsAtCommit(tx, [event]);
    return true;
  });
}

async function readProgress(pool: Pool, fieldId: bigint): Promise<Progress | null> {
  const { rows } = await pool.query<Progress>(
    `select status, total, done, reached_id as "reachedId", started_at as "startedAt", requested_at::text as "requestedAt"
     from custom_field_backfill where field_id = $1`,
    [fieldId],
  );
  return rows[0] ?? null;
}

function tableOf(field: CustomField): string {
  return field.owner === 'Order'
    ? 'sales_order where removed_at is null'
    : 'customer where merged_into_id is null';
}

async function nextOwners(pool: Pool, field: CustomField, reachedId: bigint): Promise<Owner[]> {
  const { rows } = await pool.query<Owner>(
    field.owner === 'Order'
      ? `select o.id, o.connection_id as "connectionId", n.platform, array[o.remote_id] as "remoteIds"
         from sales_order o join connection n on n.id = o.connection_id
         where o.id > $1 and o.removed_at is null order by o.id limit $2`
      : // People have records at several accounts; those of each are read where they are.
        `with page as (select id from customer where id > $1 and merged_into_id is null order by id limit $2)
         select p.id, i.connection_id as "connectionId", n.platform,
           coalesce(array_agg(i.remote_id) filter (where i.remote_id not like 'guest:%'), '{}') as "remoteIds"
         from page p left join customer_identity i on i.customer_id = p.id left join connection n on n.id = i.connection_id
         group by p.id, i.connection_id, n.platform order by p.id`,
    [reachedId, ownersPerPage],
  );
  return rows;
}

function byConnection(
  owners: readonly Owner[],
): Map<bigint, { platform: PlatformName; remoteIds: string[] }> {
  const groups = new Map<bigint, { platform: PlatformName; remoteIds: string[] }>();
  for (const { connectionId, platform, remoteIds } of owners) {
    if (connectionId === null || platform === null || remoteIds.length === 0) continue;
    const group = groups.get(connectionId) ?? { platform, remoteIds: [] };
    group.remoteIds.push(...remoteIds);
    groups.set(connectionId, group);
  }
  return groups;
}
