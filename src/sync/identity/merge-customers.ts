import { sameJson, toJson } from '../graph/canonical-json.ts';
import { lockCustomers } from '../graph/locks.ts';
import { effectOnCustomer, eventOf, type PlatformContext, planLater } from '../graph/write-context.ts';
import { loadCustomerRecord, updateCustomer } from './customer-record.ts';
import { foldGoldenRecord } from './golden-record.ts';

/** Customers behind records that a platform has merged into another, oldest first. */
export async function findMergedCustomers(
  context: PlatformContext,
  mergedRemoteIds: readonly string[],
): Promise<bigint[]> {
  if (mergedRemoteIds.length === 0) return [];
  const linkType = context.platforms[context.source]?.linkTypes.Customer ?? null;
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'find-merged-customers',
    text: `select customer_id as id from customer_identity where connection_id = $1 and remote_id = any($2::text[])
           union
           select entity_id from link
           where connection_id = $1 and remote_type = $3 and remote_id = any($2::text[]) and entity_type = 'Customer'
           order by 1`,
    values: [context.connectionId, mergedRemoteIds, linkType],
  });
  return rows.map((row) => row.id);
}

/**
 * Makes two customers one: identities, orders and links go to the survivor, the absorbed record stays as a signpost, and
 * what both were before is kept so that the merge can be undone.
 */
export async function mergeCustomers(
  context: PlatformContext,
  survivorId: bigint,
  absorbedId: bigint,
  evidence: Record<string, unknown>,
): Promise<void> {
  const { tx, effects } = context;
  await lockCustomers(tx, effects, [survivorId, absorbedId]);
  const linkType = context.platforms[context.source]?.linkTypes.Customer ?? null;
  await tx.query({
    name: 'record-merge',
    text: `insert into customer_merge (survivor_id, absorbed_id, decided_by, evidence, before)
           select $1, $2, $3, $4::jsonb, jsonb_build_object(
             'survivor', (select to_jsonb(c) from customer c where id = $1),
             'absorbed', (select to_jsonb(c) from customer c where id = $2),
             'identities', coalesce((select jsonb_agg(jsonb_build_object('id', id::text, 'customerId', customer_id::text) order by id)
                            from customer_identity where customer_id in ($1, $2)), '[]'),
             'links', coalesce((select jsonb_agg(to_jsonb(l) order by id) from link l
                       where entity_type = 'Customer' and entity_id in ($1, $2)), '[]'),
             'orders', coalesce((select jsonb_agg(id::text order by id) from sales_order where customer_id = $2), '[]'))`,
    values: [survivorId, absorbedId, context.source, toJson(evidence)],
  });
  // The platform's own rows of the merged records are gone; those at other platforms now stand for the survivor.
  await tx.query({
    name: 'move-to-survivor',
    text: `with identities as (update customer_identity set customer_id = $1 where customer_id = $2),
             orders as (update sales_order set customer_id = $1 where customer_id = $2),
             gone as (
               delete from link where entity_type = 'Customer' and connection_id = $3 and remote_type = $4
                 and remote_id = any($5::text[])
             ),
             links as (
               update link set entity_id = $1 where entity_type = 'Customer' and entity_id = $2
                 and not (connection_id = $3 and remote_type is not distinct from $4 and remote_id = any($5::text[]))
             ),
             pushes as (
               update push set status = 'superseded', settled_at = clock_timestamp()
               where subject_type = 'Customer' and subject_id = $2 and status in ('plan', 'pending', 'retrying')
             )
           update customer set merged_into_id = $1, updated_at = clock_timestamp() where id = $2`,
    values: [survivorId, absorbedId, context.connectionId, linkType, evidence.mergedIds ?? []],
  });
  const survivor = await loadCustomerRecord(tx, survivorId);
  if (survivor !== null) {
    const golden = foldGoldenRecord(survivor.golden, survivor.identities);
    if (!sameJson(survivor.golden, golden.record)) await updateCustomer(tx, survivorId, golden.record);
    const effect = effectOnCustomer(effects, survivorId);
    for (const field of [...golden.changedFields, 'identities']) effect.changedFields.add(field);
  }
  effects.events.push(
    eventOf(context, 'customer.removed', { type: 'Customer', id: absorbedId }, { mergedInto: survivorId }),
  );
  effects.customers.delete(absorbedId);
  effects.toPlan.delete(`Customer:${absorbedId}`);
  effects.customersToSum.add(survivorId).add(absorbedId);
  planLater(effects, 'Customer', survivorId);
}
