import type { Tx } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { VariantSnapshot } from '../../model/snapshot.ts';
import { toJson } from '../graph/canonical-json.ts';
import {
  type Allocation,
  type AllocationRule,
  allocate,
  type LatestSales,
  mostSales,
  noRule,
  type Part,
  sumOfSales,
  windowsMs,
} from './allocate.ts';

/** Until a channel's feed is measured it counts as this slow. */
const unmeasured = { publishLatencyMs: 5_000, intakeLatencyMs: 30_000 };

interface OfferRow {
  listingId: bigint;
  variantId: bigint;
  sku: string | null;
  connectionId: bigint;
  remoteVariantId: string;
  allocatedQuantity: number | null;
  allocatedBuffer: number | null;
  allocatedBecause: string | null;
  parts: { available: number; each: number; sales: LatestSales[] }[];
  publishLatencyMs: number | null;
  intakeLatencyMs: number | null;
  silentMs: number;
  staleAfterMs: number | null;
  rules: (AllocationRule & { particular: number })[];
}

/**
 * Works out what the channels that are told quantities may sell of these variants, remembers it with their listings and
 * answers the variants as those channels should offer them. One statement to look it up, one to write down what changed.
 */
export async function allocateVariants(
  tx: Tx,
  variantIds: readonly bigint[],
  platforms: { publishing: readonly PlatformName[]; keeping: readonly PlatformName[] },
): Promise<Map<bigint, VariantSnapshot>> {
  if (variantIds.length === 0 || platforms.publishing.length === 0) return new Map();
  const { rows } = await tx.query<OfferRow>({
    name: 'load-offers',
    text: offersSql,
    values: [variantIds, platforms.publishing, platforms.keeping],
  });
  const variants = new Map<bigint, VariantSnapshot>();
  const changed: { id: bigint; allocation: Allocation }[] = [];
  for (const row of rows) {
    const allocation = allocationOf(row);
    if (
      allocation.quantity !== row.allocatedQuantity ||
      allocation.buffer !== row.allocatedBuffer ||
      allocation.because !== row.allocatedBecause
    )
      changed.push({ id: row.listingId, allocation });
    const variant = variants.get(row.variantId) ?? {
      type: 'Variant',
      id: row.variantId,
      sku: row.sku,
      offers: [],
    };
    variant.offers.push({
      connectionId: row.connectionId,
      remoteVariantId: row.remoteVariantId,
      quantity: allocation.quantity,
    });
    variants.set(row.variantId, variant);
  }
  if (changed.length > 0)
    await tx.query({
      name: 'save-allocations',
      text: `update listing g set allocated_quantity = x.quantity, allocated_buffer = x.buffer, allocated_because = x.because,
               allocated_at = clock_timestamp()
             from jsonb_to_recordset($1::jsonb) as x(id bigint, quantity int, buffer int, because text) where g.id = x.id`,
      values: [toJson(changed.map(({ id, allocation }) => ({ id, ...allocation })))],
    });
  return variants;
}

function allocationOf(row: OfferRow): Allocation {
  const parts = row.parts.map(
    ({ available, each, sales }): Part => ({ available, each, sales: sumOfSales(sales) }),
  );
  const feed = {
    publishLatencyMs: row.publishLatencyMs ?? unmeasured.publishLatencyMs,
    intakeLatencyMs: row.intakeLatencyMs ?? unmeasured.intakeLatencyMs,
    silentMs: row.silentMs,
  };
  return allocate(
    parts,
    feed,
    ruleOf(row.rules),
    row.staleAfterMs === null ? {} : { staleAfterMs: row.staleAfterMs },
  );
}

/** Of each setting the one that the most particular rule makes. */
function ruleOf(rules: OfferRow['rules']): AllocationRule {
  const inOrder = [...rules].sort((a, b) => b.particular - a.particular);
  const first = <K extends keyof AllocationRule>(name: K): AllocationRule[K] =>
    inOrder.find((rule) => rule[name] !== null)?.[name] ?? noRule[name];
  return {
    minBuffer: first('minBuffer'),
    maxQuantity: first('maxQuantity'),
    sharePercent: first('sharePercent'),
    lastUnits: first('lastUnits'),
    paused: first('paused'),
  };
}

const longestMs = Math.max(...windowsMs);
const soldWithin = (ms: number) =>
  `coalesce(sum(m.units) filter (where m.recorded_at > statement_timestamp() - interval '${ms} milliseconds'), 0)`;

// Stock that serves a channel: every active location of the platforms that keep the retailer's own, or those that the
// channel's settings name. A set draws on its parts. The variant's levels come first (`offset 0` keeps the planner from
// beginning with a whole location, which it does while it takes a new shop's tables for small), and times are those of the
// statement, which an index can be asked for; the clock's cannot.
const offersSql = `select g.id as "listingId", g.variant_id as "variantId", v.sku, g.connection_id as "connectionId",
  g.remote_variant_id as "remoteVariantId", g.allocated_quantity as "allocatedQuantity",
  g.allocated_buffer as "allocatedBuffer", g.allocated_because as "allocatedBecause",
  array(
    select json_build_object('available', coalesce(sum(greatest(stock.available, 0)), 0)::int, 'each', p.each,
      'sales', coalesce(json_agg(stock.sales) filter (where stock.sales is not null), '[]'))
    from (
      select coalesce(b.component_variant_id, g.variant_id) as variant_id, coalesce(b.quantity, 1) as each
      from (select 1) as one left join bundle_component b on b.bundle_variant_id = g.variant_id
    ) as p
    left join lateral (
      select s.available, sold.sales
      from (select l.* from stock_level l where l.variant_id = p.variant_id offset 0) as s
      join location l on l.id = s.location_id and l.active
      join connection k on k.id = l.connection_id and k.platform::text = any($3::text[])
      left join lateral (
        select json_build_object('count', count(*), 'units', sum(m.units),
          'reachMs', extract(epoch from statement_timestamp() - min(m.recorded_at)) * 1000,
          'within', json_build_array(${windowsMs.map(soldWithin).join(', ')})) as sales
        from (
          select m.units, m.recorded_at from stock_movement m where m.stock_level_id = s.id and m.cause = 'sale'
            and m.recorded_at > statement_timestamp() - interval '${longestMs} milliseconds'
          order by m.recorded_at desc limit ${mostSales}) as m
        having count(*) > 0
      ) as sold on true
      where (c.settings -> 'stockLocations' is null or c.settings -> 'stockLocations' ? l.id::text)
    ) as stock on true
    group by p.variant_id, p.each
  ) as parts,
  f.publish_latency_ms as "publishLatencyMs", f.intake_latency_ms as "intakeLatencyMs",
  greatest(0, extract(epoch from clock_timestamp() - least(
    greatest(c.last_success_at, c.last_delivery_at, c.swept_until, c.created_at),
    (select min(greatest(k.last_success_at, k.last_delivery_at, k.swept_until, k.created_at)) from connection k
     where k.platform::text = any($3::text[]) and k.status not in ('revoked', 'disconnected'))
  )) * 1000)::float8 as "silentMs",
  (c.settings ->> 'staleAfterMs')::int as "staleAfterMs",
  coalesce((
    select json_agg(json_build_object('minBuffer', r.min_buffer, 'maxQuantity', r.max_quantity,
      'sharePercent', r.share_percent, 'lastUnits', r.last_units, 'paused', r.paused,
      'particular', (r.variant_id is not null)::int * 2 + (r.connection_id is not null)::int))
    from stock_rule r
    where (r.connection_id is null or r.connection_id = g.connection_id) and (r.variant_id is null or r.variant_id = g.variant_id)
  ), '[]') as rules
from listing g join variant v on v.id = g.variant_id
join connection c on c.id = g.connection_id and c.platform::text = any($2::text[])
left join channel_feed f on f.connection_id = g.connection_id
where g.variant_id = any($1::bigint[]) and g.status <> 'removed'
order by g.variant_id, g.id`;
