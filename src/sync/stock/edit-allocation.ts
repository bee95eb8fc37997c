import type { StockEdit } from '../../model/stock.ts';
import { InvalidInput, notFound, planLater, touch, type WriteContext } from '../graph/write-context.ts';

type EditOf<K extends StockEdit['kind']> = Extract<StockEdit, { kind: K }>;

const mostUnits = 1_000_000;

/** Sets, replaces or removes a rule. What it concerns is worked out anew: one variant at once, all of them by the upkeep. */
export async function setRule(context: WriteContext, edit: EditOf<'stockRuleSet'>): Promise<'applied'> {
  for (const field of ['minBuffer', 'maxQuantity', 'lastUnits'] as const) {
    const value = edit[field];
    if (value !== null && (!Number.isSafeInteger(value) || value < 0 || value > mostUnits))
      throw new InvalidInput(field, `must be a whole number between 0 and ${mostUnits}.`);
  }
  const { connectionId, variantId, minBuffer, maxQuantity, sharePercent, lastUnits, paused } = edit;
  if (
    sharePercent !== null &&
    (!Number.isSafeInteger(sharePercent) || sharePercent < 0 || sharePercent > 100)
  )
    throw new InvalidInput('sharePercent', 'must be a whole number between 0 and 100.');
  const { tx } = context;
  if (variantId !== null) await mustExist(context, 'variant', variantId);
  if (connectionId !== null) await mustExist(context, 'connection', connectionId);
  const says = [minBuffer, maxQuantity, sharePercent, lastUnits, paused].some((value) => value !== null);
  if (says)
    await tx.query({
      name: 'set-stock-rule',
      text: `insert into stock_rule (connection_id, variant_id, min_buffer, max_quantity, share_percent, last_units, paused)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (connection_id, variant_id) do update set min_buffer = excluded.min_buffer,
               max_quantity = excluded.max_quantity, share_percent = excluded.share_percent,
               last_units = excluded.last_units, paused = excluded.paused, updated_at = clock_timestamp()`,
      values: [connectionId, variantId, minBuffer, maxQuantity, sharePercent, lastUnits, paused],
    });
  else
    await tx.query({
      name: 'remove-stock-rule',
      text: `delete from stock_rule where connection_id is not distinct from $1 and variant_id is not distinct from $2`,
      values: [connectionId, variantId],
    });
  if (variantId === null)
    await tx.query({
      name: 'review-listings',
      text: 'update listing set allocated_at = null where ($1::bigint is null or connection_id = $1) and allocated_at is not null',
      values: [connectionId],
    });
  else {
    touch(context.effects, 'Variant', variantId);
    planLater(context.effects, 'Variant', variantId);
  }
  return 'applied';
}

/** Says what a set is made of. Its parts must not be sets themselves: what may be sold would be worked out in circles. */
export async function setBundle(context: WriteContext, edit: EditOf<'bundleSet'>): Promise<'applied'> {
  const { tx } = context;
  const { variantId, components } = edit;
  if (components.length > 100) throw new InvalidInput('components', 'must be at most 100.');
  if (new Set(components.map((one) => one.variantId)).size !== components.length)
    throw new InvalidInput('components', 'must name each part once.');
  for (const { variantId: part, quantity } of components) {
    if (part === variantId) throw new InvalidInput('components', 'must not contain the set itself.');
    if (!Number.isSafeInteger(quantity) || quantity < 1 || quantity > 10_000)
      throw new InvalidInput('components', 'must have quantities between 1 and 10000.');
    await mustExist(context, 'variant', part);
  }
  await mustExist(context, 'variant', variantId);
  const { rows } = await tx.query<{ nested: boolean }>({
    name: 'nested-bundles',
    text: `select exists (select 1 from bundle_component where bundle_variant_id = any($2::bigint[])
             or (component_variant_id = $1 and cardinality($2::bigint[]) > 0)) as nested`,
    values: [variantId, components.map((one) => one.variantId)],
  });
  if (rows[0]?.nested === true)
    throw new InvalidInput('components', 'must not be sets, and a part of a set cannot become one.');
  await tx.query({
    name: 'clear-bundle',
    text: 'delete from bundle_component where bundle_variant_id = $1',
    values: [variantId],
  });
  if (components.length > 0)
    await tx.query({
      name: 'set-bundle',
      text: `insert into bundle_component (bundle_variant_id, component_variant_id, quantity)
             select $1, * from unnest($2::bigint[], $3::int[])`,
      values: [variantId, components.map((one) => one.variantId), components.map((one) => one.quantity)],
    });
  touch(context.effects, 'Variant', variantId);
  planLater(context.effects, 'Variant', variantId);
  return 'applied';
}

async function mustExist(context: WriteContext, what: 'variant' | 'connection', id: bigint): Promise<void> {
  const { rowCount } = await context.tx.query({
    name: `${what}-exists`,
    text: `select 1 from ${what} where id = $1`,
    values: [id],
  });
  if (rowCount === 0) throw notFound(what, id);
}
