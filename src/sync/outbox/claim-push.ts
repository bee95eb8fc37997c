import type { Pool, Queryable, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { SubjectType } from '../../model/event.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { revokedCode } from '../connections/authorization.ts';
import type { CircuitSettings } from './circuit.ts';
import { enqueuePushes } from './enqueue-pushes.ts';

export interface ClaimedPush {
  id: bigint;
  connectionId: bigint;
  platform: PlatformName;
  kind: string;
  subjectType: SubjectType;
  subjectId: bigint;
  version: number;
  idempotencyKey: string;
  body: Record<string, unknown>;
  /** Attempts of this push, the one that begins now included. */
  attempts: number;
  /** Attempts of earlier versions whose outcome is unknown: their writes may stand at the platform. */
  earlierAttempts: number;
  deliveryId: bigint | null;
  /** How often in a row the process that carried it out died. */
  takeovers: number;
  /** True for the one push that tries whether the platform answers again. */
  probe: boolean;
}

export type Claim =
  | { kind: 'claimed'; push: ClaimedPush }
  /** Settled, superseded, dead, dismissed or only a plan: nothing to do. */
  | { kind: 'nothing' }
  /** Another push about the subject is running; its end brings this one back. */
  | { kind: 'blocked' }
  /** The connection does not let it through now; the row says why. */
  | { kind: 'held'; code: string }
  /** It was put off since it was asked for; its job comes at that time. */
  | { kind: 'early' };

export interface ClaimOptions {
  /**
   * Name of the lease of whoever asks, who runs a push only once at a time: what runs under that name was left behind when
   * the database failed. Null: nobody else is at work.
   */
  worker: string | null;
  circuit: CircuitSettings;
  /** Takes it although it is not due. */
  early: boolean;
}

/**
 * Takes a push for carrying it out. One statement where nothing is in the way: the push is open, its connection is
 * active and unlocked for this kind, the circuit is closed, and no other push about the subject is running (the unique
 * index `push_running` decides that between processes). A push found running whose worker has no lease any more belonged
 * to a process that died: it is taken over with the same idempotency key.
 */
export async function claimPush(pool: Pool, pushId: bigint, options: ClaimOptions): Promise<Claim> {
  const direct = await tryClaim(pool, pushId, options, false);
  if (direct !== null) return direct;
  const state = await readState(pool, pushId);
  if (state === null || !['pending', 'retrying', 'running'].includes(state.status))
    return { kind: 'nothing' };
  if (!options.early && !state.due) {
    await enqueuePushes(pool, [pushId]);
    return { kind: 'early' };
  }
  // Of an account that is off, what a push under way leaves behind becomes a plan as all others did.
  const isOff = state.connectionStatus === 'disconnected';
  if (state.connectionStatus !== 'active' && !isOff) {
    const word = state.connectionStatus === 'paused' ? 'paused' : 'revoked';
    const code = word === 'paused' ? 'CONNECTION_PAUSED' : revokedCode;
    const reason = state.statusReason === null ? '' : ` ${state.statusReason}`;
    return hold(pool, pushId, code, `The connection is ${word}.${reason}`, null);
  }
  if (isOff || !state.unlocked) {
    await pool.query(
      `update push set status = 'plan', next_attempt_at = null, error_code = null, error = null
       where id = $1 and status in ('pending', 'retrying')`,
      [pushId],
    );
    return { kind: 'held', code: 'CAPABILITY_LOCKED' };
  }
  if (state.circuitOpenUntil === null)
    return (await tryClaim(pool, pushId, options, false)) ?? { kind: 'nothing' };
  const probe = await claimAsProbe(pool, pushId, state.connectionId, options);
  if (probe !== null) return probe;
  const reason =
    `The platform is in trouble; waiting for it to answer again. ${state.circuitReason ?? ''}`.trim();
  return hold(pool, pushId, 'CIRCUIT_OPEN', reason, state.circuitOpenUntil);
}

async function tryClaim(
  db: Queryable,
  pushId: bigint,
  { worker, early }: ClaimOptions,
  probe: boolean,
): Promise<Claim | null> {
  try {
    const { rows } = await db.query<Omit<ClaimedPush, 'probe'>>({
      name: 'claim-push',
      text: `update push p set status = 'running', attempts = p.attempts + 1, next_attempt_at = null,
               claimed_by = $3, takeovers = p.takeovers + (p.status = 'running' and p.claimed_by is distinct from $3)::int
             from connection c
             where p.id = $1 and (p.status in ('pending', 'retrying') or (p.status = 'running' and (p.claimed_by = $3
                 or not exists (select from worker_lease l where l.worker_id = p.claimed_by))))
               and ($4::boolean or p.next_attempt_at is null or p.next_attempt_at <= clock_timestamp())
               and c.id = p.connection_id and c.status = 'active'
               and (p.kind = any(c.write_capabilities) or '*' = any(c.write_capabilities))
               and (c.circuit_open_until is null or $2)
             returning p.id, p.connection_id as "connectionId", c.platform, p.kind, p.subject_type as "subjectType",
               p.subject_id as "subjectId", p.version, p.idempotency_key as "idempotencyKey", p.body, p.attempts,
               p.delivery_id as "deliveryId", p.takeovers,
               (select coalesce(sum(e.attempts), 0)::int from push e
                where e.connection_id = p.connection_id and e.kind = p.kind and e.subject_type = p.subject_type
                  and e.subject_id = p.subject_id and e.version < p.version and e.status in ('superseded', 'dead', 'dismissed')
                  and e.version > coalesce((select max(s.version) from push s
                    where s.connection_id = p.connection_id and s.kind = p.kind and s.subject_type = p.subject_type
                      and s.subject_id = p.subject_id and s.status = 'settled'), 0)) as "earlierAttempts"`,
      values: [pushId, probe, worker, early],
    });
    return rows[0] === undefined ? null : { kind: 'claimed', push: { ...rows[0], probe } };
  } catch (error) {
    if (isUniqueViolation(error, 'push_running')) return { kind: 'blocked' };
    throw error;
  }
}

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === '23505' &&
    'constraint' in error &&
    error.constraint === constraint
  );
}

interface PushState {
  status: string;
  connectionId: bigint;
  connectionStatus: string;
  statusReason: string | null;
  unlocked: boolean;
  circuitOpenUntil: Date | null;
  circuitReason: string | null;
  due: boolean;
}

async function readState(pool: Pool, pushId: bigint): Promise<PushState | null> {
  const { rows } = await pool.query<PushState>({
    name: 'read-push-state',
    text: `select p.status, c.id as "connectionId", c.status as "connectionStatus", c.status_reason as "statusReason",
             p.kind = any(c.write_capabilities) or '*' = any(c.write_capabilities) as unlocked,
             c.circuit_open_until as "circuitOpenUntil", c.circuit_reason as "circuitReason",
             p.next_attempt_at is null or p.next_attempt_at <= clock_timestamp() as due
           from push p join connection c on c.id = p.connection_id where p.id = $1`,
    values: [pushId],
  });
  return rows[0] ?? null;
}

/**
 * The first to ask after the circuit's time is up becomes the probe; the others go on waiting for its outcome. Whoever cannot be
 * carried out now (another about the subject runs, or it was settled meanwhile) leaves that to the next: nobody would tell
 * how the platform fares, and all would wait for as long as a probe may take.
 * @returns null where the circuit is still open, or another is the probe.
 */
async function claimAsProbe(
  pool: Pool,
  pushId: bigint,
  connectionId: bigint,
  options: ClaimOptions,
): Promise<Claim | null> {
  try {
    return await transaction(pool, async (tx) => {
      if (!(await becomeProbe(tx, connectionId, options.circuit.probeMs))) return null;
      const claim = (await tryClaim(tx, pushId, options, true)) ?? { kind: 'nothing' };
      if (claim.kind !== 'claimed') throw new NoProbe(claim);
      return claim;
    });
  } catch (error) {
    if (error instanceof NoProbe) return error.claim;
    throw error;
  }
}

/** Rolls back what was reserved for a probe. */
class NoProbe extends Error {
  readonly claim: Claim;

  constructor(claim: Claim) {
    super(`no probe: ${claim.kind}`);
    this.claim = claim;
  }
}

async function becomeProbe(tx: Tx, connectionId: bigint, probeMs: number): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'become-probe',
    text: `update connection set circuit_open_until = clock_timestamp() + $2::double precision * interval '1 millisecond'
           where id = $1 and circuit_open_until <= clock_timestamp()`,
    values: [connectionId, probeMs],
  });
  return rowCount === 1;
}

/** Puts a push back with the reason in words. No attempt is counted: nothing was tried. */
async function hold(
  pool: Pool,
  pushId: bigint,
  code: string,
  reason: string,
  until: Date | null,
): Promise<Claim> {
  await transaction(pool, async (tx) => {
    // Somewhat later, so that those who wait do not all come at the same moment. Without a time it waits to be woken.
    await tx.query({
      name: 'hold-push',
      text: `update push p set error_code = $2, error = $3,
               next_attempt_at = case when $4::timestamptz is not null
                 then greatest($4::timestamptz, clock_timestamp()) + (0.1 + random()) * interval '1 second' end
             where id = $1 and (status in ('pending', 'retrying')
               or (status = 'running' and not exists (select from worker_lease l where l.worker_id = p.claimed_by)))`,
      values: [pushId, code, reason, until],
    });
    // A paused connection brings its pushes back itself when it is resumed.
    if (until !== null) await enqueuePushes(tx, [pushId]);
  });
  return { kind: 'held', code };
}
