import { rowsById } from '../../loaders/rows.ts';
import { read, sql } from '../../loaders/sql.ts';
import { type DaySummaryRow, daySummaries } from '../../loaders/tables.ts';
import type { Channel } from '../../model/platform-name.ts';
import type { SummaryFacts } from '../../model/snapshot.ts';
import { builder } from '../builder.ts';
import { ChannelEnum, enumOf } from '../enums.ts';
import type { OperationContext } from '../services.ts';
import { PlatformRecord, recordsOf } from './platform-record.ts';
import { pushesField } from './pushes-of.ts';

const SummaryKindEnum = enumOf('DaySummaryKind', 'What a summary of a day sums up.', {
  sale: 'Orders placed on the day.',
  refund: 'Refunds given on the day.',
});

export const DaySummary = builder.loadableNodeRef<DaySummaryRow, string>('DaySummary', {
  id: { description: 'Globally unique and stable; opaque.', resolve: (row) => row.id },
  load: async (ids, context: OperationContext) =>
    (await rowsById(context.db, daySummaries, ids)) as DaySummaryRow[],
});

DaySummary.implement({
  description:
    'One document of the books for a day, channel, currency and account: the sum of its orders or refunds, written when the day is over and again after each change.',
  fields: (t) => ({
    day: t.exposeString('day', { description: 'The day, for example `2026-11-29`.' }),
    kind: t.field({
      type: SummaryKindEnum,
      description: 'What it sums up.',
      resolve: (row) => factsOf(row).kind,
    }),
    channel: t.field({
      type: ChannelEnum,
      description: 'Of which channel.',
      resolve: (row) => factsOf(row).channel as Channel,
    }),
    currency: t.string({
      description: 'Currency of the document, ISO 4217: `EUR`.',
      resolve: (row) => factsOf(row).currency,
    }),
    account: t.string({
      nullable: true,
      description: 'Account that its money moves through; null: undeposited funds.',
      resolve: (row) => factsOf(row).account,
    }),
    shareCount: t.loadable({
      type: 'Int',
      description: 'How many orders or refunds are part of it.',
      load: (ids: string[], context) => countsOf(context, ids),
      resolve: (row) => row.id,
    }),
    records: t.field({
      type: [PlatformRecord],
      description: 'Its document in the books.',
      resolve: (row, _args, context) => recordsOf(context, 'DaySummary', row.id),
    }),
    pushes: pushesField(t, 'DaySummary'),
  }),
});

function factsOf(row: DaySummaryRow): SummaryFacts {
  return (typeof row.facts === 'string' ? JSON.parse(row.facts) : row.facts) as SummaryFacts;
}

async function countsOf(context: OperationContext, ids: readonly string[]): Promise<number[]> {
  const rows = await read<{ id: string; many: number }>(
    context.db,
    sql`select s.id, count(*)::int as many from day_summary s
        join link l on l.connection_id = s.connection_id and l.remote_type = 'DayShare'
          and l.remote_state ->> 'summary' = s.key and l.remote_state ->> 'void' is null
        where s.id = any(${ids}::bigint[]) group by s.id`,
  );
  const byId = new Map(rows.map((row) => [row.id, Number(row.many)]));
  return ids.map((id) => byId.get(id) ?? 0);
}
