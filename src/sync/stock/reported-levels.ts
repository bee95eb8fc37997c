import type { SourceVersion } from '../../model/change.ts';
import { toJson } from '../graph/canonical-json.ts';
import { parseStatement, type StoredStatement } from '../graph/statements.ts';
import type { PlatformContext } from '../graph/write-context.ts';
import type { Counts } from './counts.ts';
import { type ExpectationJson, expectationOf } from './expectations.ts';
import type { Expectation } from './explain.ts';
import { type DebtRow, debtColumns, debtFrom, debtOf, type StockDebt } from './stock-debt.ts';
import { listingColumns, publishingPlatforms, type StockLevel } from './stock-level.ts';

// Three statements carry any number of reports: lock what they are about, look up what bears on them (after the lock, so
// that nothing of it can change any more), and write down what was told.

interface ReportKey {
  key: string;
  change: { inventoryItemRemoteId: string; locationRemoteId: string };
}

export interface LockedLevel {
  id: bigint;
  counts: Counts;
  countedAt: Date | null;
  statement: StoredStatement | null;
}

/** Everything that bears on a report. */
export interface Reported {
  /** Null until its goods and its location are known. */
  place: Pick<StockLevel, 'variantId' | 'locationId' | 'sku' | 'platforms' | 'publishedVariantIds'> | null;
  /** Null until the first report. */
  level: StockLevel | null;
  statement: StoredStatement | null;
  /** What the platform was last known to hold available. */
  held: number | null;
  debt: StockDebt | null;
  /** What orders have told and no report has shown. */
  expectations: Expectation[];
}

type StatementJson = Parameters<typeof parseStatement>[0];

const places = `unnest($2::text[], $3::text[], $4::text[]) as x(key, item, place)`;
const variantOfItem = `lateral (
    select g.variant_id from listing g where g.connection_id = $1 and g.remote_inventory_item_id = x.item
    order by g.status = 'removed', g.id limit 1) as g`;
const statementOf = `(select to_json(t) from source_statement t
    where t.connection_id = $1 and t.kind = 'stockLevel' and t.remote_id = x.key) as statement`;

/** Locks the levels that are reported, in the order of their ids, and tells what was last said about them. */
export async function lockReported(
  context: PlatformContext,
  reports: readonly ReportKey[],
): Promise<Map<string, LockedLevel>> {
  const { rows } = await context.tx.query<
    Counts & { key: string; id: bigint; countedAt: Date | null; statement: StatementJson }
  >({
    name: 'lock-reported-levels',
    text: `select x.key, s.id, s.on_hand as "onHand", s.committed, s.reserved, s.incoming, s.safety,
             s.counted_at as "countedAt", ${statementOf}
           from ${places} join ${variantOfItem} on true
           join location l on l.connection_id = $1 and l.remote_id = x.place
           join stock_level s on s.variant_id = g.variant_id and s.location_id = l.id
           order by s.id for no key update of s`,
    values: keysOf(context, reports),
  });
  return new Map(
    rows.map(({ key, id, countedAt, statement, ...counts }) => [
      key,
      { id, counts, countedAt, statement: parseStatement(statement) },
    ]),
  );
}

/** Looks up the rest. The levels are locked: nothing of it changes until this transaction ends. */
export async function loadReported(
  context: PlatformContext,
  reports: readonly ReportKey[],
  locked: ReadonlyMap<string, LockedLevel>,
): Promise<Map<string, Reported>> {
  if (reports.length === 0) return new Map();
  const linkType = context.platforms[context.source]?.linkTypes.StockLevel ?? null;
  const { rows } = await context.tx.query<
    DebtRow & {
      key: string;
      variantId: bigint | null;
      locationId: bigint | null;
      sku: string | null;
      platforms: StockLevel['platforms'];
      publishedVariantIds: string[];
      statement: StatementJson;
      held: unknown;
      expectations: ExpectationJson[];
    }
  >({
    name: 'load-reported-levels',
    text: `select x.key, g.variant_id as "variantId", l.id as "locationId", v.sku, ${statementOf},
             (select k.remote_state -> 'available' from link k
              where k.connection_id = $1 and k.remote_type = $6 and k.remote_id = x.key) as held,
             coalesce((select json_agg(json_build_object('id', e.id::text, 'cause', e.cause, 'quantity', e.quantity,
                'committed', e.committed, 'location_id', e.location_id::text, 'order_id', e.order_id::text,
                'refund_id', e.refund_id::text, 'movement_id', null, 'full', false, 'occurred_at', e.occurred_at))
              from stock_expectation e where e.variant_id = g.variant_id and e.movement_id is null
                and (e.location_id is null or e.location_id = l.id)), '[]') as expectations,
             ${debtColumns}, ${listingColumns('v.id', '$7')}
           from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) as x(key, item, place, level)
           left join ${variantOfItem} on true
           left join variant v on v.id = g.variant_id
           left join location l on l.connection_id = $1 and l.remote_id = x.place
           left join lateral ${debtOf('$1', 'x.level')} on true`,
    values: [
      ...keysOf(context, reports),
      reports.map((report) => locked.get(report.key)?.id ?? null),
      linkType,
      publishingPlatforms(context),
    ],
  });
  return new Map(
    rows.map((row) => {
      const { variantId, locationId, sku, platforms } = row;
      const level = locked.get(row.key);
      const place =
        variantId === null || locationId === null
          ? null
          : {
              variantId,
              locationId,
              sku,
              platforms,
              publishedVariantIds: (row.publishedVariantIds ?? []).map(BigInt),
            };
      const reported: Reported = {
        place,
        level:
          place === null || level === undefined
            ? null
            : { ...place, id: level.id, counts: level.counts, countedAt: level.countedAt },
        statement: level?.statement ?? parseStatement(row.statement),
        held: typeof row.held === 'number' ? row.held : null,
        debt: level === undefined ? null : debtFrom(row),
        expectations: row.expectations.map(expectationOf),
      };
      return [row.key, reported];
    }),
  );
}

export interface SavedReport {
  key: string;
  hash: string;
  version: SourceVersion;
  /** Null where only the statement is to be remembered. */
  level: StockLevel | null;
  /** What the platform holds now; null where that is known already. */
  observed: Record<string, unknown> | null;
  /** True where all counts were told. */
  whole: boolean;
}

/** Writes down what was told: the statements, how fresh the levels are and what the platform holds. */
export async function saveReports(context: PlatformContext, saved: readonly SavedReport[]): Promise<void> {
  if (saved.length === 0) return;
  const linkType = context.platforms[context.source]?.linkTypes.StockLevel ?? null;
  await context.tx.query({
    name: 'save-stock-reports',
    text: `with told as (
             select * from jsonb_to_recordset($2::jsonb) as x(key text, hash text, at timestamptz, read_at timestamptz,
               level bigint, observed jsonb, whole boolean)
           ), dated as (
             update stock_level s set source_updated_at = t.at, observed_at = coalesce(t.read_at, $3),
               counted_at = case when t.whole then coalesce(t.read_at, $3) else s.counted_at end
             from told t where s.id = t.level
           ), linked as (
             insert into link as l (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state, seen_at)
             select $1, 'StockLevel', t.level, $4, t.key, t.observed, clock_timestamp()
             from told t where t.level is not null and t.observed is not null and $4::text is not null order by t.key
             on conflict (connection_id, remote_type, remote_id) do update set
               entity_type = excluded.entity_type, entity_id = excluded.entity_id,
               remote_state = l.remote_state || excluded.remote_state, seen_at = excluded.seen_at,
               changed_at = case when l.remote_state || excluded.remote_state = l.remote_state then l.changed_at
                 else excluded.seen_at end
           )
           insert into source_statement (connection_id, kind, remote_id, source_updated_at, read_at, hash)
           select $1, 'stockLevel', key, at, read_at, hash from told order by key
           on conflict (connection_id, kind, remote_id) do update set
             source_updated_at = excluded.source_updated_at, read_at = excluded.read_at, hash = excluded.hash,
             removed = false`,
    values: [
      context.connectionId,
      toJson(
        saved.map(({ key, hash, version, level, observed, whole }) => ({
          key,
          hash,
          at: version.sourceUpdatedAt,
          read_at: version.observedAt,
          level: level?.id ?? null,
          observed,
          whole,
        })),
      ),
      context.now,
      linkType,
    ],
  });
}

function keysOf(context: PlatformContext, reports: readonly ReportKey[]) {
  return [
    context.connectionId,
    reports.map((report) => report.key),
    reports.map((report) => report.change.inventoryItemRemoteId),
    reports.map((report) => report.change.locationRemoteId),
  ];
}
