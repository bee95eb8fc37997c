import type { Edit, PlatformChange } from '../../model/change.ts';
import { fromCrm } from '../crm/custom-properties.ts';
import { fingerprintOf } from '../graph/canonical-json.ts';
import { loadStatement, saveStatement } from '../graph/statements.ts';
import { gateStatement } from '../graph/version.ts';
import {
  type ChangeOutcome,
  type PlatformContext,
  reviewFields,
  touch,
  type WriteContext,
} from '../graph/write-context.ts';
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
  const { tx, connectionId } = context;
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'owner-of-crm-fields',
    text: `select coalesce(c.merged_into_id, c.id) as id from link l join customer c on c.id = l.entity_id
           where l.connection_id = $1 and l.remote_type = $2 and l.remote_id = $3 and l.entity_type = 'Customer'`,
    values: [connectionId, context.platforms[context.source]?.linkTypes.Customer ?? null, change.remoteId],
  });
  const id = rows[0]?.id;
  if (id === undefined) return 'unchanged';
  const fields = (await loadCustomFields(tx)).filter(
    (field) =>
      field.owner === 'Customer' && field.hubspotProperty !== null && field.hubspotProperty in change.values,
  );
  let outcome: ChangeOutcome = 'unchanged';
  for (const field of fields) {
    const read = fromCrm(field, change.values[field.hubspotProperty ?? ''] ?? null);
    if (read.kind === 'problem') continue;
    const { rowCount } = await tx.query({
      name: 'save-crm-claim',
      text: `insert into custom_field_value as v (field_id, entity_id, source, told_at, crm_value, crm_at)
             values ($1, $2, $3, $5, $4, $5)
             on conflict (field_id, entity_id) do update set crm_value = excluded.crm_value, crm_at = excluded.crm_at
             where v.crm_at is null or v.crm_at < excluded.crm_at`,
      values: [
        field.id,
        id,
        context.source,
        read.kind === 'value' ? read.value : null,
        change.version.sourceUpdatedAt,
      ],
    });
    if (rowCount !== 1) continue;
    outcome = 'applied';
    reviewFields(context.effects, 'Customer', id);
  }
  return outcome;
}

/** Works out the fields of these owners anew: a field was declared. */
export function applyReview(context: WriteContext, edit: FieldsReview): ChangeOutcome {
  for (const id of edit.ids) {
    reviewFields(context.effects, edit.owner, id);
    touch(context.effects, edit.owner, id);
  }
  return 'applied';
}
