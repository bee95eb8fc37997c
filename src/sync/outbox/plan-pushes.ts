import { createHash } from 'node:crypto';
import type { Tx } from '../../db/pool.ts';
import type { NewEvent, SubjectType } from '../../model/event.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type {
  OrderSnapshot,
  RefundOfOrderSnapshot,
  Snapshot,
  StockLevelSnapshot,
} from '../../model/snapshot.ts';
import { fingerprintOf, sameJson, toJson } from '../graph/canonical-json.ts';
import { loadDaySummarySnapshots } from '../graph/day-summary-snapshots.ts';
import { loadPayoutSnapshots } from '../graph/payout-snapshots.ts';
import { loadRefundRequestSnapshots } from '../graph/refund-request-snapshots.ts';
import { loadCustomerSnapshots, loadOrderSnapshots, loadStockLevelSnapshots } from '../graph/snapshots.ts';
import { eventOf, type Subject, type WriteContext } from '../graph/write-context.ts';
import type { LinkFacts, PlanContext, Platform, PushPlan } from '../platforms/platform.ts';
import { allocateVariants } from '../stock/allocations.ts';
import { loadStockDebts, type StockDebt } from '../stock/stock-debt.ts';
import { keepingPlatforms, publishingPlatforms } from '../stock/stock-level.ts';
import { jobQueue, removePushJobs } from './enqueue-pushes.ts';

type PlanStatus = 'plan' | 'pending';

/**
 * Works out what every platform is owed for the subjects that changed and writes it down, in the same transaction as
 * the change. At most one push of a thing waits: a newer plan takes its place.
 * @returns ids of the pushes that were planned, and the events that tell of it.
 */
export async function planPushes(
  context: WriteContext,
  subjects: readonly Subject[],
): Promise<{ pushIds: bigint[]; events: NewEvent[] }> {
  const snapshots = await loadSnapshots(context, subjects);
  if (snapshots.length === 0) return { pushIds: [], events: [] };
  const open = await lockOpenPushes(context.tx, snapshots);
  const known = await loadKnown(context, snapshots);
  const debts = await stockDebts(context.tx, snapshots);
  const orders: PushOrder[] = [];
  for (const snapshot of snapshots) {
    for (const connection of known.connections) {
      const platform = context.platforms[connection.platform];
      if (platform === undefined) continue;
      const here = <T extends { connectionId: bigint; subjectType: string; subjectId: bigint }>(
        rows: readonly T[],
      ) =>
        rows.filter(
          (row) =>
            row.connectionId === connection.id &&
            row.subjectType === snapshot.type &&
            row.subjectId === snapshot.id,
        );
      const situation: Situation = {
        snapshot,
        connection,
        platform,
        isOrigin: connection.id === context.connectionId,
        link: linkTo(platform, snapshot.type, here(known.links)),
        parent: parentOf(snapshot, connection.id, platform, known.links, open),
        open: here(open),
        latest: here(known.latest),
        versions: here(known.versions),
        debt: isKeeper(snapshot, connection.id) ? (debts.get(snapshot.id) ?? null) : null,
      };
      orders.push(...decide(situation));
    }
  }
  return carryOut(context, orders);
}

interface ConnectionRow {
  id: bigint;
  platform: PlatformName;
  accountId: string;
  settings: Record<string, unknown>;
  writeCapabilities: string[];
}

interface LinkRow extends LinkFacts {
  connectionId: bigint;
  subjectType: string;
  subjectId: bigint;
  changedAt: Date | null;
}

interface PushRow {
  id: bigint;
  connectionId: bigint;
  kind: string;
  subjectType: string;
  subjectId: bigint;
  status: 'plan' | 'pending' | 'running' | 'retrying' | 'settled';
  attempts: number;
  fingerprint: string;
  settledAt: Date | null;
  body: unknown;
}

interface VersionRow {
  connectionId: bigint;
  kind: string;
  subjectType: string;
  subjectId: bigint;
  version: number;
  /** Where a person closed the newest one: when, and what it would have said. */
  dismissed: { at: Date; fingerprint: string } | null;
}

/** Everything that bears on what one connection is owed for one subject. */
interface Situation {
  snapshot: Snapshot;
  connection: ConnectionRow;
  platform: Platform;
  isOrigin: boolean;
  link: LinkRow | null;
  parent: PlanContext['parent'] | null;
  open: PushRow[];
  /** Per kind the last push that took effect. */
  latest: PushRow[];
  /** Per kind the highest version given out. */
  versions: VersionRow[];
  debt: StockDebt | null;
}

/** What is to be done: a push written, or one that waits taken back, or both. */
interface PushOrder {
  supersede: PushRow | null;
  push:
    | (PushPlan & { connection: ConnectionRow; version: number; fingerprint: string; status: PlanStatus })
    | null;
}

/** Pure: which pushes replace which. */
function decide(situation: Situation): PushOrder[] {
  const { connection, open, debt } = situation;
  // Adjustments add up: a second one before the first is known to have arrived could not be told from its repetition.
  if (debt?.inDoubt === true) return [];
  const plans = planAll(situation);
  const orders: PushOrder[] = [];
  for (const plan of plans) {
    const fingerprint = fingerprintOf(plan.body);
    const waiting = open.find((push) => push.kind === plan.kind && push.status !== 'running') ?? null;
    const status = isUnlocked(connection, plan.kind) ? 'pending' : 'plan';
    if (isSaid(situation, plan.kind, fingerprint)) continue;
    const version =
      Math.max(0, ...situation.versions.filter((row) => row.kind === plan.kind).map((row) => row.version)) +
      1;
    orders.push({ supersede: waiting, push: { ...plan, connection, version, fingerprint, status } });
  }
  // What waits and is owed no longer: the platform holds it already, or the change was taken back.
  for (const push of open) {
    if (push.status !== 'running' && !plans.some((plan) => plan.kind === push.kind))
      orders.push({ supersede: push, push: null });
  }
  return orders;
}

/**
 * Asks the platform what it is owed. A push whose effect is not known yet makes part of the platform's state unknown:
 * what it writes has to be written again unless the new plan is the very same.
 */
function planAll(situation: Situation): PushPlan[] {
  const { snapshot, connection, platform, link, parent, open, debt } = situation;
  const known = debt === null ? link : withDebt(link, snapshot, debt);
  // Where something waits to be written to the origin of a change, the origin does not hold all of it already.
  const isOrigin = situation.isOrigin && open.length === 0 && (debt?.owed ?? 0) === 0;
  const ask = (state: LinkFacts | null) =>
    platform.plan(debt === null ? snapshot : withCause(snapshot, debt), {
      connectionId: connection.id,
      settings: connection.settings,
      link: state,
      isOrigin,
      inFlight: inFlightOf(open),
      ...(parent == null ? {} : { parent }),
    });
  const plans = ask(known);
  const doubtful = open.filter(isInDoubt);
  if (doubtful.length === 0 || known === null) return plans;
  const isInFlight = (plan: PushPlan) =>
    doubtful.some((push) => push.kind === plan.kind && push.fingerprint === fingerprintOf(plan.body));
  if (plans.length > 0 && plans.every(isInFlight)) return plans;
  const cautious = ask({
    ...known,
    state: withoutDoubtful(
      known.state,
      doubtful.map((push) => push.body),
    ),
  });
  return [
    ...plans.filter((plan) => isInFlight(plan)),
    ...cautious.filter((plan) => !plans.some((one) => one.kind === plan.kind && isInFlight(one))),
  ];
}

/** True where a push that took effect, or is about to, says this already. */
function isSaid(situation: Situation, kind: string, fingerprint: string): boolean {
  const { open, latest, link, snapshot } = situation;
  const waiting = open.find((push) => push.kind === kind && push.status !== 'running');
  if (waiting !== undefined) return waiting.fingerprint === fingerprint;
  const running = open.find((push) => push.kind === kind && push.status === 'running');
  if (running !== undefined) return running.fingerprint === fingerprint;
  // A difference may be owed twice, a state only once.
  if (snapshot.type === 'StockLevel') return false;
  // A person has closed this very write: it comes back when something that it says changes, or somebody at the platform acts.
  const dismissed = situation.versions.find((row) => row.kind === kind)?.dismissed;
  if (dismissed?.fingerprint === fingerprint)
    return link?.changedAt == null || link.changedAt <= dismissed.at;
  const settled = latest.find((push) => push.kind === kind);
  if (settled === undefined || settled.fingerprint !== fingerprint || settled.settledAt === null)
    return false;
  return link?.changedAt == null || link.changedAt <= settled.settledAt;
}

/** What a refund has to know of its order. */
function parentOf(
  snapshot: Snapshot,
  connectionId: bigint,
  platform: Platform,
  links: readonly LinkRow[],
  open: readonly PushRow[],
): PlanContext['parent'] | null {
  if (snapshot.type !== 'Refund') return null;
  const ofOrder = <T extends { connectionId: bigint; subjectType: string; subjectId: bigint }>(
    rows: readonly T[],
  ) =>
    rows.filter(
      (row) =>
        row.connectionId === connectionId &&
        row.subjectType === 'Order' &&
        row.subjectId === snapshot.order.id,
    );
  return { link: linkTo(platform, 'Order', ofOrder(links)), inFlight: inFlightOf(ofOrder(open)) };
}

function inFlightOf(open: readonly PushRow[]): unknown {
  return open.findLast(isInDoubt)?.body ?? null;
}

function isInDoubt(push: PushRow): boolean {
  return push.status === 'running' || push.attempts > 0;
}

function isUnlocked(connection: ConnectionRow, kind: string): boolean {
  return connection.writeCapabilities.includes('*') || connection.writeCapabilities.includes(kind);
}

function withCause(snapshot: Snapshot, { cause }: StockDebt): Snapshot {
  return snapshot.type === 'StockLevel' && cause !== null ? { ...snapshot, owedCause: cause } : snapshot;
}

/** What the platform would report if it had everything but what it is owed: the plan is then exactly the debt. */
function withDebt(link: LinkRow | null, snapshot: Snapshot, debt: StockDebt): LinkRow | null {
  if (link === null || typeof link.state.available !== 'number') return link;
  return {
    ...link,
    state: { ...link.state, available: (snapshot as StockLevelSnapshot).available - debt.owed },
  };
}

/** Stands for a value that the platform may or may not hold; differs from every value there is. */
const unknownValue = '(unknown)';

/** The state with every field blotted out that a push in flight may have changed meanwhile. */
function withoutDoubtful(
  state: Readonly<Record<string, unknown>>,
  bodies: readonly unknown[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      const touched = bodies.some((body) => valuesOf(body, name).some((said) => !sameJson(said, value)));
      if (!touched) return [name, value];
      return [name, Array.isArray(value) ? [unknownValue] : unknownValue];
    }),
  );
}

function valuesOf(body: unknown, name: string): unknown[] {
  if (body === null || typeof body !== 'object') return [];
  if (Array.isArray(body)) return body.flatMap((part) => valuesOf(part, name));
  return Object.entries(body).flatMap(([key, part]) => [
    ...(key === name ? [part] : []),
    ...valuesOf(part, name),
  ]);
}

/** The link to the platform's row of the subject; where it was made again, the one seen last. */
function linkTo(platform: Platform, type: SubjectType, links: readonly LinkRow[]): LinkRow | null {
  const remoteTypes = [platform.linkTypes[type], ...(platform.otherLinkTypes?.[type] ?? [])];
  for (const remoteType of remoteTypes) {
    const link = links.findLast((one) => one.remoteType === remoteType);
    if (link !== undefined) return link;
  }
  return null;
}

/** Only the platform that keeps a location is owed adjustments of its levels. */
function isKeeper(snapshot: PlannedSnapshot, connectionId: bigint): boolean {
  return snapshot.type === 'StockLevel' && snapshot.connectionId === connectionId;
}

function stockDebts(tx: Tx, snapshots: readonly PlannedSnapshot[]): Promise<Map<bigint, StockDebt>> {
  return loadStockDebts(
    tx,
    snapshots.flatMap((snapshot) =>
      snapshot.type === 'StockLevel' ? [{ connectionId: snapshot.connectionId, levelId: snapshot.id }] : [],
    ),
  );
}

type PlannedSnapshot =
  | Exclude<Snapshot, StockLevelSnapshot>
  | (StockLevelSnapshot & { connectionId: bigint });

async function loadSnapshots(
  context: WriteContext,
  subjects: readonly Subject[],
): Promise<PlannedSnapshot[]> {
  const { tx } = context;
  const idsOf = (type: SubjectType) =>
    subjects.filter((subject) => subject.type === type).map((subject) => subject.id);
  const orders = await loadOrderSnapshots(tx, idsOf('Order'));
  // An order brings its customer along.
  const brought = new Map(
    [...orders.values()].flatMap((order) =>
      order.customer === null ? [] : [[order.customer.id, order.customer]],
    ),
  );
  const customers = await loadCustomerSnapshots(
    tx,
    idsOf('Customer').filter((id) => !brought.has(id)),
  );
  const payouts = await loadPayoutSnapshots(tx, idsOf('Payout'));
  const requests = await loadRefundRequestSnapshots(tx, idsOf('RefundRequest'));
  const summaries = await loadDaySummarySnapshots(tx, idsOf('DaySummary'));
  const levels = await loadStockLevelSnapshots(tx, idsOf('StockLevel'));
  const variants = await allocateVariants(tx, idsOf('Variant'), {
    publishing: publishingPlatforms(context),
    keeping: keepingPlatforms(context),
  });
  return [
    ...idsOf('Customer').flatMap((id) => brought.get(id) ?? customers.get(id) ?? []),
    ...[...orders.values()].flatMap((order) => [order, ...refundsOf(order)]),
    ...payouts.values(),
    ...requests.values(),
    ...summaries.values(),
    ...levels.values(),
    ...variants.values(),
  ];
}

/** An order brings its refunds along: what one of them is worth depends on the whole order. */
function refundsOf(order: OrderSnapshot): RefundOfOrderSnapshot[] {
  return [...order.refunds.map(({ id }) => id), ...order.goneRefundIds].map((id) => ({
    type: 'Refund',
    id,
    order,
  }));
}

const pushFields = `p.id, p.connection_id as "connectionId", p.kind, p.subject_type as "subjectType", p.subject_id as "subjectId",
  p.status, p.attempts, p.fingerprint, p.settled_at as "settledAt", p.body`;

/** Pushes that wait or run; those that wait cannot be started until this transaction has decided about them. */
async function lockOpenPushes(tx: Tx, snapshots: readonly Snapshot[]): Promise<PushRow[]> {
  const { rows } = await tx.query<PushRow>({
    name: 'lock-open-pushes',
    text: `select ${pushFields} from push p
           join unnest($1::text[], $2::bigint[]) as s(type, id) on p.subject_type = s.type and p.subject_id = s.id
           where p.status in ('plan', 'pending', 'running', 'retrying')
           order by p.id for no key update of p`,
    values: [snapshots.map((one) => one.type), snapshots.map((one) => one.id)],
  });
  return rows;
}

/** Connections, links and the last pushes of each kind, in one answer. */
async function loadKnown(
  context: WriteContext,
  snapshots: readonly Snapshot[],
): Promise<{ connections: ConnectionRow[]; links: LinkRow[]; latest: PushRow[]; versions: VersionRow[] }> {
  const kinds = Object.values(context.platforms).flatMap((platform) =>
    platform.pushKinds.map((kind) => ({ platform: platform.name, kind })),
  );
  const { rows } = await context.tx.query<{
    connections: (Omit<ConnectionRow, 'id'> & { id: string })[];
    links: (Omit<LinkRow, 'connectionId' | 'subjectId' | 'changedAt'> & {
      connectionId: string;
      subjectId: string;
      changedAt: string | null;
    })[];
    pushes: {
      connectionId: string;
      kind: string;
      subjectType: string;
      subjectId: string;
      version: number;
      fingerprint: string | null;
      settledAt: string | null;
      dismissed: { at: string; fingerprint: string } | null;
    }[];
  }>({
    name: 'load-plan-context',
    text: `select
      coalesce((select json_agg(json_build_object('id', c.id::text, 'platform', c.platform, 'accountId', c.account_id,
         'settings', c.settings, 'writeCapabilities', c.write_capabilities) order by c.id) from connection c), '[]') as connections,
      coalesce((select json_agg(json_build_object('connectionId', l.connection_id::text, 'subjectType', l.entity_type,
         'subjectId', l.entity_id::text, 'remoteType', l.remote_type, 'remoteId', l.remote_id, 'remoteVersion', l.remote_version,
         'state', l.remote_state, 'changedAt', l.changed_at) order by l.seen_at, l.id)
         from unnest($1::text[], $2::bigint[]) as s(type, id)
         join link l on l.entity_type = s.type and l.entity_id = s.id), '[]') as links,
      coalesce((select json_agg(json_build_object('connectionId', c.id::text, 'kind', k.kind, 'subjectType', s.type,
         'subjectId', s.id::text, 'version', newest.version, 'fingerprint', settled.fingerprint, 'settledAt', settled.settled_at,
         'dismissed', case when newest.status = 'dismissed'
           then json_build_object('at', newest.dismissed_at, 'fingerprint', newest.fingerprint) end))
         from unnest($3::text[], $4::text[]) as k(platform, kind)
         join connection c on c.platform = k.platform::platform
         cross join unnest($1::text[], $2::bigint[]) as s(type, id)
         cross join lateral (
           select p.version, p.status, p.dismissed_at, p.fingerprint from push p
           where p.connection_id = c.id and p.kind = k.kind and p.subject_type = s.type and p.subject_id = s.id
           order by p.version desc limit 1) as newest
         left join lateral (
           select p.fingerprint, p.settled_at from push p
           where p.connection_id = c.id and p.kind = k.kind and p.subject_type = s.type and p.subject_id = s.id
             and p.status = 'settled'
           order by p.version desc limit 1) as settled on true), '[]') as pushes`,
    values: [
      snapshots.map((one) => one.type),
      snapshots.map((one) => one.id),
      kinds.map((one) => one.platform),
      kinds.map((one) => one.kind),
    ],
  });
  const row = rows[0] ?? { connections: [], links: [], pushes: [] };
  const pushes = row.pushes.map((push) => ({
    ...push,
    connectionId: BigInt(push.connectionId),
    subjectId: BigInt(push.subjectId),
    dismissed: push.dismissed === null ? null : { ...push.dismissed, at: new Date(push.dismissed.at) },
  }));
  return {
    connections: row.connections.map((connection) => ({ ...connection, id: BigInt(connection.id) })),
    links: row.links.map((link) => ({
      ...link,
      connectionId: BigInt(link.connectionId),
      subjectId: BigInt(link.subjectId),
      changedAt: link.changedAt === null ? null : new Date(link.changedAt),
    })),
    latest: pushes.flatMap((push) =>
      push.fingerprint === null
        ? []
        : [
            {
              ...push,
              id: 0n,
              status: 'settled' as const,
              attempts: 0,
              body: null,
              fingerprint: push.fingerprint,
              settledAt: push.settledAt === null ? null : new Date(push.settledAt),
            },
          ],
    ),
    versions: pushes,
  };
}

async function carryOut(
  context: WriteContext,
  orders: readonly PushOrder[],
): Promise<{ pushIds: bigint[]; events: NewEvent[] }> {
  if (orders.length === 0) return { pushIds: [], events: [] };
  const { tx } = context;
  const superseded = orders.flatMap(({ supersede }) => (supersede === null ? [] : [supersede]));
  const planned = orders.flatMap(({ push }) => (push === null ? [] : [push]));
  const { rows } = await tx.query<{ id: bigint; ordinality: bigint }>({
    name: 'write-plans',
    // The old one leaves its place before the new one takes it: counting the superseded makes the insert wait for them.
    text: `with superseded as (
             update push set status = 'superseded', settled_at = clock_timestamp(), next_attempt_at = null
             where id = any($1::bigint[]) and status in ('plan', 'pending', 'retrying')
             returning id
           )
           insert into push (connection_id, kind, subject_type, subject_id, version, idempotency_key, body, fingerprint, status,
             delivery_id, created_at)
           select x.connection_id, x.kind, x.subject_type, x.subject_id, x.version, x.idempotency_key, x.body, x.fingerprint,
             x.status::push_status, $3, clock_timestamp()
           from jsonb_to_recordset($2::jsonb) as x(connection_id bigint, kind text, subject_type text, subject_id bigint,
             version int, idempotency_key text, body jsonb, fingerprint text, status text)
           where (select count(*) from superseded) >= 0
           returning id`,
    values: [
      superseded.map((push) => push.id),
      toJson(
        planned.map((push) => ({
          connection_id: push.connection.id,
          kind: push.kind,
          subject_type: push.subjectType,
          subject_id: push.subjectId,
          version: push.version,
          idempotency_key: idempotencyKey(push),
          body: push.body,
          fingerprint: push.fingerprint,
          status: push.status,
        })),
      ),
      context.deliveryId,
    ],
  });
  const pushIds = rows.map((row) => row.id);
  if (superseded.some((push) => push.status !== 'plan'))
    await removePushJobs(
      tx,
      superseded.map((push) => push.id),
    );
  const pending = planned.flatMap(({ status, connection: { id: connectionId, platform } }, index) => {
    const id = pushIds[index];
    return status === 'pending' && id !== undefined ? [{ id, connectionId, platform }] : [];
  });
  if (pending.length > 0) await (context.queue ?? jobQueue).enqueue(tx, pending);
  const about = (push: { kind: string; subjectType: string; subjectId: bigint }) => ({
    kind: push.kind,
    subject: { type: push.subjectType, id: push.subjectId },
  });
  return {
    pushIds,
    events: [
      ...superseded.map((push) => ({
        ...eventOf(
          context,
          'push.superseded',
          { type: 'Push', id: push.id },
          { connectionId: push.connectionId, ...about(push) },
        ),
        pushId: push.id,
      })),
      ...planned.map((push, index) => ({
        ...eventOf(
          context,
          'push.planned',
          { type: 'Push', id: pushIds[index] ?? 0n },
          {
            connectionId: push.connection.id,
            platform: push.connection.platform,
            ...about(push),
            version: push.version,
            status: push.status,
          },
        ),
        pushId: pushIds[index] ?? null,
      })),
    ],
  };
}

/**
 * The same for every attempt of one push, and never for another one: the account, what is written, its version and what
 * it says. Ids and versions begin again in a new database, while platforms remember keys for long.
 */
function idempotencyKey(push: {
  connection: ConnectionRow;
  kind: string;
  subjectType: string;
  subjectId: bigint;
  version: number;
  fingerprint: string;
}): string {
  const { connection, kind, subjectType, subjectId, version, fingerprint } = push;
  const parts = [
    connection.platform,
    connection.accountId,
    kind,
    subjectType,
    subjectId,
    version,
    fingerprint,
  ];
  return `tb-${createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 40)}`;
}
