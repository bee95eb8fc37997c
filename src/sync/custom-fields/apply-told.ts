import type { Tx } from '../../db/pool.ts';
import type { Edit, PlatformChange } from '../../model/change.ts';
import { fromCrm } from '../crm/custom-properties.ts';
import { fingerprintOf, toJson } from '../graph/canonical-json.ts';
import { loadStatement, saveStatement } from '../graph/statements.ts';
import { gateStatement } from '../graph/version.ts';
import {
  type ChangeOutcome,
  type PlatformContext,
  reviewFields,
  touch,
  type WriteContext,
} from '../graph/write-context.ts';
import { keptRaw } from './decide-value.ts';
import { loadCustomFields } from './fields.ts';

type MetafieldsChange = Extract<PlatformChange, { kind: 'metafields' }>;
type CrmFieldsChange = Extract<PlatformChange, { kind: 'crmFields' }>;
type FieldsReview = Extract<Edit, { kind: 'customFieldsReview' }>;

/** Keeps what a platform says of its metafields; what is not named stays as it was told before. */
export async function applyMetafields(
  context: PlatformContext,
  change: MetafieldsChange,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const { rows } = await tx.query<{ id: bigint; erased: boolean }>({
    name: 'owner-of-metafields',
    text: `select id, erased_at is not null as erased from sales_order
           where $2 = 'Order' and connection_id = $1 and remote_id = $3
           union all
           select customer_id, false from customer_identity
           where $2 = 'Customer' and connection_id = $1 and remote_id = $3`,
    values: [connectionId, change.owner, change.remoteId],
  });
  if (rows[0]?.erased === true) return 'unchanged';
  const name = `${change.owner}:${change.remoteId}`;
  const before = await loadStatement(tx, connectionId, 'metafields', name);
  const told = { ...before?.told, ...change.values };
  const hash = fingerprintOf(told);
  const gate = gateStatement({ version: change.version, hash }, before);
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, 'metafields', name, { version: change.version, hash, told });
  if (gate === 'confirm') return 'unchanged';
  const id = rows[0]?.id;
  // Kept until its owner is known.
  if (id === undefined) return 'unchanged';
  reviewFields(context.effects, change.owner, id);
  return 'applied';
}

/** What HubSpot's people wrote into properties of ours: a claim of its own, which each field believes or not. */
export async function applyCrmFields(
  context: PlatformContext,
  change: CrmFieldsChange,
): Promise<ChangeOutcome> {
  const { tx } = context;
  const owner = await ownerOfRow(context, change);
  if (owner === null) return 'unchanged';
  const fields = (await loadCustomFields(tx)).filter(
    (field) =>
      field.owner === change.owner &&
      field.hubspotProperty !== null &&
      field.hubspotProperty in change.values,
  );
  if (fields.length === 0) return 'unchanged';
  // What stands there is news even where nobody is believed: it may have to be written over.
  let isNews = await observeRow(context, change);
  for (const field of fields) {
    const currency = field.type === 'money' ? await currencyOf(tx, field.id, owner) : null;
    const read = fromCrm(field, change.values[field.hubspotProperty ?? ''] ?? null, currency);
    const { rowCount } = await tx.query({
      name: 'save-crm-claim',
      text: `insert into custom_field_value as v (field_id, entity_id, source, told_at, crm_value, crm_at, crm_problem, crm_raw)
             values ($1, $2, $3, $5, $4, $5, $6, $7)
             on conflict (field_id, entity_id) do update set crm_value = excluded.crm_value, crm_at = excluded.crm_at,
               crm_problem = excluded.crm_problem, crm_raw = excluded.crm_raw
             where v.crm_at is null or v.crm_at < excluded.crm_at`,
      values: [
        field.id,
        owner.id,
        context.source,
        read.kind === 'value' ? read.value : null,
        change.version.sourceUpdatedAt,
        read.kind === 'problem' ? read.problem : null,
        read.kind === 'problem' ? keptRaw(change.values[field.hubspotProperty ?? ''] ?? null) : null,
      ],
    });
    if (rowCount === 1) isNews = true;
  }
  if (!isNews) return 'unchanged';
  reviewFields(context.effects, change.owner, owner.id);
  return 'applied';
}

interface RowOwner {
  id: bigint;
  currency: string | null;
}

/** Whose row it is; null where it stands for nobody of ours, or for somebody who was erased. */
async function ownerOfRow(context: PlatformContext, change: CrmFieldsChange): Promise<RowOwner | null> {
  const remoteType = context.platforms[context.source]?.linkTypes[change.owner] ?? null;
  const { rows } = await context.tx.query<RowOwner>({
    name: `owner-of-crm-fields-${change.owner}`,
    text:
      change.owner === 'Customer'
        ? `select coalesce(c.merged_into_id, c.id) as id, c.currency from link l join customer c on c.id = l.entity_id
           where l.connection_id = $1 and l.remote_type = $2 and l.remote_id = $3 and l.entity_type = 'Customer'`
        : `select o.id, o.currency from link l join sales_order o on o.id = l.entity_id
           where l.connection_id = $1 and l.remote_type = $2 and l.remote_id = $3 and l.entity_type = 'Order'
             and o.removed_at is null and o.erased_at is null`,
    values: [context.connectionId, remoteType, change.remoteId],
  });
  return rows[0] ?? null;
}

/**
 * Notes what the row was seen to hold, unless something was written there since: the receipt knows better then.
 * @returns whether that is news
 */
async function observeRow(context: PlatformContext, change: CrmFieldsChange): Promise<boolean> {
  if (change.observed === undefined) return false;
  const { rowCount } = await context.tx.query({
    name: 'observe-crm-fields',
    text: `update link l set remote_state = remote_state || $4::jsonb, changed_at = clock_timestamp()
           where connection_id = $1 and remote_type = $2 and remote_id = $3 and not remote_state @> $4::jsonb
             and not exists (
               select from push p where p.connection_id = l.connection_id and p.subject_type = l.entity_type
                 and p.subject_id = l.entity_id and p.status = 'settled' and p.settled_at > $5)`,
    values: [
      context.connectionId,
      context.platforms[context.source]?.linkTypes[change.owner] ?? null,
      change.remoteId,
      toJson(change.observed),
      change.version.observedAt,
    ],
  });
  return rowCount === 1;
}

/** Amounts are bare numbers there: they are in the currency of the value that stands, else in the owner's. */
async function currencyOf(tx: Tx, fieldId: bigint, owner: RowOwner): Promise<string | null> {
  const { rows } = await tx.query<{ value: string | null }>({
    name: 'value-of-custom-field',
    text: `select coalesce(value, source_value) as value from custom_field_value where field_id = $1 and entity_id = $2`,
    values: [fieldId, owner.id],
  });
  return /^\S+ ([A-Z]{3})$/.exec(rows[0]?.value ?? '')?.[1] ?? owner.currency;
}

/** Works out the fields of these owners anew: a field was declared. */
export function applyReview(context: WriteContext, edit: FieldsReview): ChangeOutcome {
  for (const id of edit.ids) {
    reviewFields(context.effects, edit.owner, id);
    touch(context.effects, edit.owner, id);
  }
  return 'applied';
}
