import { setTimeout as sleep } from 'node:timers/promises';
import { alone } from '../db/alone.ts';
import type { Pool } from '../db/pool.ts';

/** How many days things are kept; 0: for ever. */
export interface RetentionDays {
  events: number;
  /** Raw bytes of deliveries that are settled or dismissed. The deliveries themselves stay, so that one that comes again is still known. */
  inbox: number;
}

/** Rows per statement: each holds its locks for milliseconds. */
const batchRows = 1_000;
/** Between batches, so that live work is not held up. */
const pauseMs = 20;
/** How long the answer to a mutation with an idempotency key is kept. */
const answerDays = 7;

/**
 * Drops what is older than it is kept, in batches that each commit on their own. Safe to run at any moment; one process
 * at a time does it, the others return at once.
 * @returns how much was dropped; null where another process is at it.
 */
export function dropOld(
  pool: Pool,
  days: RetentionDays,
  signal?: AbortSignal,
): Promise<{ events: number; bodies: number; answers: number } | null> {
  return alone(pool, 'retention', async () => ({
    events: days.events === 0 ? 0 : await inBatches(() => dropEvents(pool, days.events), signal),
    bodies: days.inbox === 0 ? 0 : await inBatches(() => dropBodies(pool, days.inbox), signal),
    answers: await inBatches(() => dropAnswers(pool), signal),
  }));
}

async function inBatches(dropBatch: () => Promise<number>, signal?: AbortSignal): Promise<number> {
  for (let total = 0; ; await sleep(pauseMs)) {
    if (signal?.aborted === true) return total;
    const dropped = await dropBatch();
    total += dropped;
    if (dropped < batchRows) return total;
  }
}

/**
 * Drops the oldest events, always a beginning of the stream, and notes how far: a cursor from before that is refused
 * instead of being answered with a gap.
 */
async function dropEvents(pool: Pool, days: number): Promise<number> {
  const { rows } = await pool.query<{ dropped: bigint }>({
    name: 'drop-events',
    text: `with oldest as materialized (
             select position, recorded_at < clock_timestamp() - $1 * interval '1 day' as old from event
             where position > (select dropped_until from event_head where id = 1) order by position limit ${batchRows}
           ), until as (
             select coalesce((select min(position) - 1 from oldest where not old), (select max(position) from oldest)) as position
           ), gone as (
             delete from event where position in (select position from oldest) and position <= (select position from until)
             returning position
           ), noted as (
             update event_head set dropped_until = gone.last
             from (select max(position) as last from gone) as gone where id = 1 and gone.last is not null
           )
           select count(*) as dropped from gone`,
    values: [days],
  });
  return Number(rows[0]?.dropped ?? 0n);
}

async function dropBodies(pool: Pool, days: number): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'drop-delivery-bodies',
    text: `update delivery set body = ''
           where id in (
             select id from delivery
             where status in ('settled', 'dismissed') and length(body) > 0
               and coalesce(settled_at, dismissed_at) < clock_timestamp() - $1 * interval '1 day'
             order by coalesce(settled_at, dismissed_at) limit ${batchRows} for no key update skip locked)`,
    values: [days],
  });
  return rowCount ?? 0;
}

async function dropAnswers(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'drop-mutation-answers',
    text: `delete from mutation_request where (actor, idempotency_key) in (
             select actor, idempotency_key from mutation_request
             where created_at < clock_timestamp() - $1 * interval '1 day' order by created_at limit ${batchRows} for update skip locked)`,
    values: [answerDays],
  });
  return rowCount ?? 0;
}
