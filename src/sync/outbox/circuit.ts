import type { Tx } from '../../db/pool.ts';
import type { NewEvent } from '../../model/event.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { wakeConnection } from './enqueue-pushes.ts';

/*
 * The circuit breaker of a connection lives in its row, so that all processes share it. It opens after some failures
 * in a row that speak of the platform; while it is open pushes wait without counting attempts. When its time is up one
 * push is let through as a probe: success closes it, failure opens it for longer.
 */

export interface CircuitSettings {
  /** Failures in a row that open it. */
  threshold: number;
  /** How long it stays open the first time; doubles with each failed probe. */
  firstOpenMs: number;
  longestOpenMs: number;
  /** How long a probe may take before another one is let through: its process may have died. */
  probeMs: number;
}

export const defaultCircuit: CircuitSettings = {
  threshold: 5,
  firstOpenMs: 5_000,
  longestOpenMs: 60_000,
  probeMs: 20_000,
};

interface Party {
  connectionId: bigint;
  platform: PlatformName;
  pushId: bigint;
}

/**
 * The platform has answered as it should: a statement, for a `with`, that closes the circuit of connection $1 where it
 * was open and tells whether it was. Most successes change nothing worth writing: the row is only touched every few
 * seconds and by one at a time, so that nobody waits for it.
 */
export const successStatement = `
  update connection c set consecutive_failures = 0, circuit_open_until = null, circuit_reason = null,
    last_success_at = clock_timestamp()
  from (
    select id, circuit_open_until from connection
    where id = $1 and (consecutive_failures > 0 or circuit_open_until is not null or last_success_at is null
      or last_success_at < clock_timestamp() - interval '5 seconds')
    for no key update skip locked) as before
  where c.id = before.id
  returning before.circuit_open_until is not null as "wasOpen"`;

/** The platform has answered, if only to refuse what was asked of it. */
export async function noteSuccess(tx: Tx, party: Party): Promise<NewEvent[]> {
  const { rows } = await tx.query<{ wasOpen: boolean }>({
    name: 'circuit-success',
    text: successStatement,
    values: [party.connectionId],
  });
  return rows[0]?.wasOpen === true ? await circuitClosed(tx, party) : [];
}

/** Whoever was let through as a probe waits for the row: its success must not be passed over. */
export async function lockConnection(tx: Tx, connectionId: bigint): Promise<void> {
  await tx.query({
    name: 'lock-connection',
    text: 'select from connection where id = $1 for no key update',
    values: [connectionId],
  });
}

/** Lets waiting pushes go, and tells of it. */
export async function circuitClosed(tx: Tx, party: Party): Promise<NewEvent[]> {
  await wakeConnection(tx, party.connectionId);
  return [
    {
      type: 'connection.circuit_closed',
      subjectType: 'Connection',
      subjectId: party.connectionId,
      payload: {},
      source: party.platform,
      pushId: party.pushId,
    },
  ];
}

/** The platform is in trouble: counts, and opens the circuit at the threshold or when a probe has failed. */
export async function noteFailure(
  tx: Tx,
  party: Party,
  failure: { reason: string; retryAfterMs: number | null; probe: boolean },
  settings: CircuitSettings,
): Promise<NewEvent[]> {
  // Failures of requests that were under way when it opened are old news and do not make it stay open for longer.
  const { rows } = await tx.query<{ opened: boolean; until: Date | null; reason: string | null }>({
    name: 'circuit-failure',
    text: `with before as (
             select id, circuit_open_until, consecutive_failures + 1 as failures from connection
             where id = $1 and ($4::boolean or circuit_open_until is null)
             for no key update)
           update connection c set
             consecutive_failures = before.failures,
             circuit_open_until = case when before.failures < $5::int then null else clock_timestamp() + interval '1 millisecond'
               * coalesce($3::double precision, least($7::double precision, $6::double precision * power(2, least(before.failures - $5::int, 20)))) end,
             circuit_reason = case when before.failures < $5::int then null else $2 end
           from before where c.id = before.id
           returning before.circuit_open_until is null and c.circuit_open_until is not null as opened,
             c.circuit_open_until as until, c.circuit_reason as reason`,
    values: [
      party.connectionId,
      failure.reason,
      failure.retryAfterMs,
      failure.probe,
      settings.threshold,
      settings.firstOpenMs,
      settings.longestOpenMs,
    ],
  });
  const row = rows[0];
  if (row === undefined || !row.opened) return [];
  return [
    {
      type: 'connection.circuit_opened',
      subjectType: 'Connection',
      subjectId: party.connectionId,
      payload: { until: row.until, reason: row.reason },
      source: party.platform,
      pushId: party.pushId,
    },
  ];
}

/** The probe ended without having learnt anything of the platform: the next push may try. */
export async function passProbeOn(tx: Tx, connectionId: bigint): Promise<void> {
  await tx.query(
    'update connection set circuit_open_until = clock_timestamp() where id = $1 and circuit_open_until is not null',
    [connectionId],
  );
}
