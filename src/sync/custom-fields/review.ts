import type { Queryable, Tx } from '../../db/pool.ts';
import type { CustomField, CustomFieldOwner } from '../../model/custom-field.ts';
import type { Source } from '../../model/platform-name.ts';
import { fromCrm } from '../crm/custom-properties.ts';
import { effectOnCustomer, effectOnOrder, planLater, type WriteContext } from '../graph/write-context.ts';
import { decideValue, type OwnWriting, type StoredValue } from './decide-value.ts';
import { extract, type OwnerFacts } from './extract.ts';
import { loadCustomFields } from './fields.ts';
import { transform } from './transform.ts';

/** What is known of an owner, and since when where that is told. */
interface ReviewedOwner extends OwnerFacts {
  toldAt: Date | null;
}

/**
 * Works out the custom fields of everything that this transaction changed, from what the graph holds: whatever changed and
 * in whichever order, equal facts give equal values. Costs one statement where no field is declared.
 */
export async function reviewCustomFields(context: WriteContext): Promise<void> {
  const { effects, tx } = context;
  const orderIds = new Set(effects.orders.keys());
  const customerIds = new Set(effects.customers.keys());
  for (const { type, id } of effects.fieldOwners.values())
    if (type === 'Order') orderIds.add(id);
    else if (type === 'Customer') customerIds.add(id);
  for (const id of effects.absorbedCustomers) customerIds.delete(id);
  if (orderIds.size + customerIds.size === 0) return;
  const fields = await loadCustomFields(tx);
  if (fields.length === 0) return;
  await reviewOwners(context, 'Order', fields, [...orderIds]);
  await reviewOwners(context, 'Customer', fields, [...customerIds]);
}

async function reviewOwners(
  context: WriteContext,
  owner: CustomFieldOwner,
  all: readonly CustomField[],
  ids: readonly bigint[],
): Promise<void> {
  const fields = all.filter((field) => field.owner === owner);
  if (fields.length === 0 || ids.length === 0) return;
  const owners = await loadOwnerFacts[owner](context.tx, ids);
  const stored = await loadValues(
    context.tx,
    fields.map((field) => field.id),
    ids,
  );
  const changed: ChangedValue[] = [];
  for (const facts of owners) {
    // What is declared anew may have to go elsewhere though it says the same.
    if (context.effects.fieldOwners.has(`${owner}:${facts.id}`)) planLater(context.effects, owner, facts.id);
    for (const field of fields) {
      const before = await readAgain(context.tx, field, facts, stored.get(`${field.id}:${facts.id}`) ?? null);
      const extracted = extract(field, facts);
      const told = {
        ...extracted,
        source: facts.source,
        at: extracted.at ?? facts.toldAt ?? context.now,
        isExact: extracted.at !== null,
      };
      const own = mayBeOurs(field, before) ? await ownWritings(context.tx, field, facts) : [];
      const after = decideValue(field, before, told, own);
      if (after === null || isSame(before, after)) continue;
      changed.push({ ...after, fieldId: field.id, entityId: facts.id });
      // What the source says has changed behind a value that others decided: it may have to be told again.
      if (field.writeBack && before?.sourceValue !== after.sourceValue)
        planLater(context.effects, owner, facts.id);
      if (before?.value === after.value && before?.problem === after.problem) continue;
      const effect =
        owner === 'Order'
          ? effectOnOrder(context.effects, facts.id)
          : effectOnCustomer(context.effects, facts.id);
      effect.changedFields.add(`customFields.${field.key}`);
      planLater(context.effects, owner, facts.id);
    }
  }
  await saveValues(context.tx, changed);
}

/** What people wrote and was not understood may be by now: an option was declared, a limit taken away. */
async function readAgain(
  tx: Tx,
  field: CustomField,
  { id, currency }: ReviewedOwner,
  before: StoredValue | null,
): Promise<StoredValue | null> {
  if (before === null || before.crmProblem === null) return before;
  const read = fromCrm(field, before.crmRaw, currency);
  if (read.kind !== 'value') return before;
  await tx.query({
    name: 'understand-crm-claim',
    text: `update custom_field_value set crm_value = $3, crm_problem = null, crm_raw = null where field_id = $1 and entity_id = $2`,
    values: [field.id, id, read.value],
  });
  return { ...before, crmValue: read.value, crmProblem: null, crmRaw: null };
}

/** Where whoever spoke last is believed, the time of a word decides: only then does it matter that it is our own. */
function mayBeOurs(field: CustomField, before: StoredValue | null): boolean {
  return field.writeBack && field.authority === 'latest' && before !== null && before.crmAt !== null;
}

/** Shopify stamps whole seconds by a clock of its own. */
const clockMs = 3_000;
/** How many writings are looked back: what was written before those was told back long ago. */
const rememberedWritings = 5;

/** What was written into the metafield behind a field, the newest first. */
async function ownWritings(tx: Tx, field: CustomField, facts: ReviewedOwner): Promise<OwnWriting[]> {
  const { source } = field;
  if (source.kind !== 'metafield') return [];
  const { rows } = await tx.query<{
    type: string | null;
    value: string | null;
    saidAt: string;
    settledAt: Date | null;
  }>({
    name: 'own-metafield-writings',
    text: `select m->>'type' as type, m->>'value' as value, m->>'saidAt' as "saidAt", p.settled_at as "settledAt"
           from push p cross join lateral jsonb_array_elements(p.body->'metafields') as m
           where p.subject_type = $1 and p.subject_id = $2 and p.status in ('running', 'retrying', 'settled', 'dead')
             and jsonb_typeof(p.body->'metafields') = 'array' and m->>'namespace' = $3 and m->>'key' = $4
             and m->>'saidAt' is not null
           order by p.id desc limit ${rememberedWritings}`,
    values: [field.owner, facts.id, source.namespace, source.key],
  });
  return rows.map(({ type, value, saidAt, settledAt }) => {
    const read =
      value === null ? null : transform(field, value, { metafieldType: type, currency: facts.currency });
    return {
      value: read?.kind === 'value' ? read.value : null,
      saidAt: new Date(saidAt),
      until: settledAt === null ? null : new Date(settledAt.getTime() + clockMs),
    };
  });
}

type ChangedValue = StoredValue & { fieldId: bigint; entityId: bigint };

function isSame(before: StoredValue | null, after: StoredValue): boolean {
  return (
    before !== null &&
    before.value === after.value &&
    before.problem === after.problem &&
    before.raw === after.raw &&
    before.source === after.source &&
    before.sourceValue === after.sourceValue
  );
}

/** What is known of owners that their custom fields are made from. */
export const loadOwnerFacts: Readonly<
  Record<CustomFieldOwner, (db: Queryable, ids: readonly bigint[]) => Promise<ReviewedOwner[]>>
> = {
  Order: async (db, ids) => {
    const { rows } = await db.query<ReviewedOwner>({
      name: 'custom-field-facts-of-orders',
      text: `select o.id, n.platform as source, o.currency, o.attributes, o.tags, o.source_updated_at as "toldAt",
               coalesce((select jsonb_agg(l.properties order by l.position, l.id) from order_line l where l.order_id = o.id), '[]')
                 as "lineAttributes",
               coalesce((select jsonb_agg(s.told) from source_statement s where s.connection_id = o.connection_id
                 and s.kind = 'metafields' and s.remote_id = 'Order:' || o.remote_id), '[]') as metafields
             from sales_order o join connection n on n.id = o.connection_id
             where o.id = any($1::bigint[]) and o.removed_at is null`,
      values: [ids],
    });
    return rows;
  },
  Customer: async (db, ids) => {
    const { rows } = await db.query<
      Omit<ReviewedOwner, 'attributes' | 'lineAttributes'> & { source: Source }
    >({
      name: 'custom-field-facts-of-customers',
      text: `select c.id, coalesce(m.source, c.provenance->'tags'->>'source', 'tributary') as source, c.currency, c.tags,
               m.told_at as "toldAt", coalesce(m.told, '[]') as metafields
             from customer c left join lateral (
               select jsonb_agg(s.told order by s.source_updated_at desc, s.remote_id) as told,
                 max(s.source_updated_at) as told_at, min(n.platform::text) as source
               from customer_identity i join connection n on n.id = i.connection_id
               join source_statement s on s.connection_id = i.connection_id and s.kind = 'metafields'
                 and s.remote_id = 'Customer:' || i.remote_id
               where i.customer_id = c.id) as m on true
             where c.id = any($1::bigint[]) and c.merged_into_id is null`,
      values: [ids],
    });
    return rows.map((row) => ({ ...row, attributes: [], lineAttributes: [] }));
  },
};

async function loadValues(
  tx: Tx,
  fieldIds: readonly bigint[],
  entityIds: readonly bigint[],
): Promise<Map<string, StoredValue>> {
  const { rows } = await tx.query<ChangedValue>({
    name: 'load-custom-field-values',
    text: `select field_id as "fieldId", entity_id as "entityId", value, problem, raw, source, told_at as "toldAt",
             source_value as "sourceValue", source_at as "sourceAt", crm_value as "crmValue", crm_at as "crmAt",
             crm_problem as "crmProblem", crm_raw as "crmRaw"
           from custom_field_value where field_id = any($1::bigint[]) and entity_id = any($2::bigint[])`,
    values: [fieldIds, entityIds],
  });
  return new Map(rows.map((row) => [`${row.fieldId}:${row.entityId}`, row]));
}

async function saveValues(tx: Tx, values: readonly ChangedValue[]): Promise<void> {
  if (values.length === 0) return;
  await tx.query({
    name: 'save-custom-field-values',
    text: `insert into custom_field_value as v (field_id, entity_id, value, problem, raw, source, told_at, source_value, source_at,
             updated_at)
           select *, clock_timestamp() from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
             $7::timestamptz[], $8::text[], $9::timestamptz[])
           on conflict (field_id, entity_id) do update set value = excluded.value, problem = excluded.problem, raw = excluded.raw,
             source = excluded.source, told_at = excluded.told_at, source_value = excluded.source_value,
             source_at = excluded.source_at, updated_at = excluded.updated_at`,
    values: [
      values.map((one) => one.fieldId),
      values.map((one) => one.entityId),
      values.map((one) => one.value),
      values.map((one) => one.problem),
      values.map((one) => one.raw),
      values.map((one) => one.source),
      values.map((one) => one.toldAt),
      values.map((one) => one.sourceValue),
      values.map((one) => one.sourceAt),
    ],
  });
}
