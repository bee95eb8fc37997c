import type { Connection as ConnectionModel, Sweep as SweepModel } from '../../db/generated/client.ts';
import { read, sql } from '../../loaders/sql.ts';
import { connectAgain } from '../../sync/connections/disconnect.ts';
import { transientRemedy } from '../../sync/retry.ts';
import { builder } from '../builder.ts';
import type { OperationContext } from '../services.ts';
import { Connection, circuitOf } from './sync.ts';

type ConnectionFacts = Omit<ConnectionModel, 'credentials'>;

interface WorkValue {
  what: 'delivery' | 'push';
  kind: string;
  status: string;
  count: number;
  oldestSeconds: number;
  reason: string;
  remedy: string | null;
}

interface ConnectionSyncValue {
  connection: ConnectionFacts;
  work: WorkValue[];
  sweep: SweepModel | null;
}

interface SyncStatusValue {
  connections: ConnectionSyncValue[];
  head: string;
  lagSeconds: number;
}

const Work = builder.objectRef<WorkValue>('OpenWork').implement({
  description: 'Deliveries or pushes of one kind that are not done.',
  fields: (t) => ({
    what: t.exposeString('what', { description: '`delivery`: from the platform; `push`: to it.' }),
    kind: t.exposeString('kind', { description: 'Topic of the deliveries, or kind of the pushes.' }),
    status: t.string({
      description: '`WAITING`, `RETRYING`, `DEAD`, or `PLANNED` where writing is not unlocked.',
      resolve: (work) => statusWords[work.status] ?? work.status.toUpperCase(),
    }),
    count: t.exposeInt('count', {
      description: 'How many deliveries or pushes are in this state for this reason.',
    }),
    oldestSeconds: t.exposeFloat('oldestSeconds', { description: 'Age of the oldest, in seconds.' }),
    reason: t.exposeString('reason', { description: 'Why they are not done, in words.' }),
    remedy: t.exposeString('remedy', { nullable: true, description: 'What a person can do about it.' }),
  }),
});

const statusWords: Readonly<Record<string, string>> = {
  pending: 'WAITING',
  running: 'WAITING',
  retrying: 'RETRYING',
  dead: 'DEAD',
  plan: 'PLANNED',
};

const Sweep = builder.objectRef<SweepModel>('Sweep').implement({
  description: 'Reading an account for what its deliveries did not tell: the one under way, or the last one.',
  fields: (t) => ({
    since: t.expose('since', {
      type: 'DateTime',
      nullable: true,
      description: 'Changes since then are read; null: everything there is.',
    }),
    reading: t.exposeString('reading', {
      nullable: true,
      description: 'What was read last, for example `order`.',
    }),
    read: t.exposeInt('readCount', { description: 'Changes read so far.' }),
    expected: t.exposeInt('expectedCount', {
      nullable: true,
      description:
        'About how many it will have read at its end; null where the platform does not tell, as for changes since a time.',
    }),
    applied: t.exposeInt('appliedCount', { description: 'Those that the graph did not hold yet.' }),
    drifted: t.exposeInt('driftedCount', {
      description:
        'Those that a delivery should have told before; always 0 while the account is read for the first time.',
    }),
    passedOver: t.exposeInt('passedOverCount', {
      description: 'Those that could not be applied; they are read again for a day.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it ended early, in words.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    progressedAt: t.expose('progressedAt', {
      type: 'DateTime',
      description: 'When it last told how far it is.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it is under way.',
    }),
  }),
});

const ConnectionSync = builder.objectRef<ConnectionSyncValue>('ConnectionSyncStatus').implement({
  description: 'How well one account is kept in step.',
  fields: (t) => ({
    connection: t.field({
      type: Connection,
      description: 'The account.',
      authScopes: { can: 'read:sync' },
      resolve: (status) => status.connection as ConnectionModel,
    }),
    waiting: t.int({
      description: 'Deliveries and pushes waiting for their turn.',
      resolve: (status) => sum(status.work, ['pending', 'running']),
    }),
    retrying: t.int({
      description: 'Those that failed and will be tried again.',
      resolve: (status) => sum(status.work, ['retrying']),
    }),
    dead: t.int({
      description: 'Those that a person must look at.',
      resolve: (status) => sum(status.work, ['dead']),
    }),
    planned: t.int({
      description: 'Pushes that would be made if writing were unlocked.',
      resolve: (status) => sum(status.work, ['plan']),
    }),
    oldestWaitingSeconds: t.float({
      nullable: true,
      description: 'Age of the oldest that waits or is retried; null when nothing does.',
      resolve: (status) => oldest(status.work),
    }),
    sweep: t.field({
      type: Sweep,
      nullable: true,
      description: 'The sweep under way or the last one; null where there was none.',
      resolve: (status) => status.sweep,
    }),
    work: t.field({
      type: [Work],
      description: 'The same by kind, with the reason in words.',
      resolve: (status) => status.work,
    }),
  }),
});

export const SyncStatus = builder.objectRef<SyncStatusValue>('SyncStatus').implement({
  description: 'How well the platforms are kept in step.',
  fields: (t) => ({
    connections: t.field({
      type: [ConnectionSync],
      description: 'By account.',
      resolve: (status) => status.connections,
    }),
    head: t.exposeString('head', { description: 'Cursor of the latest event.' }),
    lagSeconds: t.exposeFloat('lagSeconds', {
      description: 'Age of the oldest delivery or push that waits or is retried; 0 when all is done.',
    }),
  }),
});

interface OpenRow {
  connectionId: string;
  what: 'delivery' | 'push';
  kind: string;
  status: string;
  count: string;
  oldestSeconds: string;
  error: string | null;
  remedy: string | null;
}

export async function readSyncStatus(context: OperationContext): Promise<SyncStatusValue> {
  const [connections, open, head] = await Promise.all([
    context.services.prisma.connection.findMany({ orderBy: { id: 'asc' }, include: { sweep: true } }),
    // Both tables are read through their partial indexes of open work.
    read<OpenRow>(
      context.db,
      sql`select connection_id as "connectionId", 'delivery' as what, topic as kind, status::text as status, count(*) as count,
                 extract(epoch from clock_timestamp() - min(received_at))::text as "oldestSeconds",
                 (array_agg(error order by id desc) filter (where error is not null))[1] as error,
                 (array_agg(remedy order by id desc) filter (where remedy is not null))[1] as remedy
          from delivery where status in ('pending', 'retrying', 'dead') group by 1, 3, 4
          union all
          select connection_id, 'push', kind, status::text, count(*),
                 extract(epoch from clock_timestamp() - min(created_at))::text,
                 (array_agg(error order by id desc) filter (where error is not null))[1],
                 (array_agg(remedy order by id desc) filter (where remedy is not null))[1]
          from push where status not in ('settled', 'superseded', 'dismissed') group by 1, 3, 4
          order by 1, 2, 3, 4`,
    ),
    context.services.events.head(),
  ]);
  const byConnection = Map.groupBy(open, (row) => row.connectionId);
  const statuses = connections.map((connection) => ({
    connection,
    sweep: connection.sweep,
    work: (byConnection.get(connection.id.toString()) ?? []).map((row) => ({
      what: row.what,
      kind: row.kind,
      status: row.status,
      count: Number(row.count),
      oldestSeconds: Math.max(0, Number(row.oldestSeconds)),
      ...explained(row, connection),
    })),
  }));
  return {
    connections: statuses,
    head: head.toString(),
    lagSeconds: Math.max(0, ...statuses.map((status) => oldest(status.work) ?? 0)),
  };
}

/**
 * The first of these that holds is what somebody waiting would want to hear. What an attempt failed of is no reason any more
 * once the next one is under way, and no remedy once there is nothing left to do.
 */
function explained(row: OpenRow, connection: ConnectionFacts): { reason: string; remedy: string | null } {
  const { name } = connection;
  const isPush = row.what === 'push';
  if (row.status === 'dead') return { reason: row.error ?? 'It failed for good.', remedy: row.remedy };
  if (connection.status === 'disconnected') {
    return {
      reason: `${name} is disconnected${because(connection.statusReason)}`,
      remedy: connectAgain,
    };
  }
  if (isPush && row.status === 'plan') {
    return {
      reason: `Writing \`${row.kind}\` is not unlocked for ${name}.`,
      remedy: 'Look at the plans in `pushes`, then unlock with `connectionWriteUnlock`.',
    };
  }
  const waitsForAccess = isPush || (row.status === 'pending' && row.error !== null);
  if (waitsForAccess && connection.status === 'revoked') {
    return {
      reason: `${name} has withdrawn its authorisation${because(connection.statusReason)}`,
      remedy:
        row.remedy ??
        'Connect the account again, or resume it with `connectionResume` where its credentials are right.',
    };
  }
  if (isPush && connection.status === 'paused') {
    return {
      reason: `${name} is paused${because(connection.statusReason)}`,
      remedy: 'Resume with `connectionResume`.',
    };
  }
  if (row.status === 'running') return { reason: 'Being carried out.', remedy: null };
  if (isPush && circuitOf(connection, Date.now()) === 'open') {
    return {
      reason: `Calls to ${name} are held back${because(connection.circuitReason)}`,
      remedy: row.remedy ?? transientRemedy,
    };
  }
  if (row.status !== 'retrying') return { reason: 'Waiting for its turn.', remedy: null };
  const error = row.error ?? 'The last attempt failed; it will be tried again.';
  return isPush && row.remedy === transientRemedy && answers(connection)
    ? { reason: `${error} ${name} answers again: it is tried anew by itself.`, remedy: null }
    : { reason: error, remedy: row.remedy };
}

/** Its last call went well, or it was not called since it was connected. */
function answers({ consecutiveFailures, circuitOpenUntil }: ConnectionFacts): boolean {
  return consecutiveFailures === 0 && circuitOpenUntil === null;
}

function because(reason: string | null): string {
  return reason === null ? '.' : `: ${reason}`;
}

function sum(work: readonly WorkValue[], statuses: readonly string[]): number {
  return work.filter((one) => statuses.includes(one.status)).reduce((total, one) => total + one.count, 0);
}

function oldest(work: readonly WorkValue[]): number | null {
  const ages = work
    .filter((one) => ['pending', 'running', 'retrying'].includes(one.status))
    .map((one) => one.oldestSeconds);
  return ages.length === 0 ? null : Math.max(...ages);
}
