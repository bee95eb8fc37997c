import type { Tx } from '../../db/pool.ts';
import { Overtaken } from '../../db/transaction.ts';
import { sameJson, toJson } from '../graph/canonical-json.ts';
import { lockCustomers } from '../graph/locks.ts';
import {
  effectOnCustomer,
  effectOnOrder,
  eventOf,
  type PlatformContext,
  planLater,
  type WriteContext,
} from '../graph/write-context.ts';
import { type CustomerRecord, loadCustomerRecord, updateCustomer } from './customer-record.ts';
import { foldGoldenRecord } from './golden-record.ts';
import { ownClaims } from './own-claims.ts';

/** Customers behind records that a platform has merged into another, oldest first. */
export async function findMergedCustomers(
  context: PlatformContext,
  mergedRemoteIds: readonly string[],
): Promise<bigint[]> {
  if (mergedRemoteIds.length === 0) return [];
  const linkType = context.platforms[context.source]?.linkTypes.Customer ?? null;
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'find-merged-customers',
    text: `select coalesce(c.merged_into_id, c.id) as id from customer c where c.erased_at is null and c.id in (
             select customer_id from customer_identity where connection_id = $1 and remote_id = any($2::text[])
             union all
             select entity_id from link
             where connection_id = $1 and remote_type = $3 and remote_id = any($2::text[]) and entity_type = 'Customer')
           group by 1 order by 1`,
    values: [context.connectionId, mergedRemoteIds, linkType],
  });
  return rows.map((row) => row.id);
}

export interface MergeDecision {
  decidedBy: 'automatic' | 'person' | 'shopify' | 'hubspot' | 'quickbooks' | 'amazon';
  actor: string | null;
  evidence: Record<string, unknown>;
  /** Rows that a platform itself has merged: those are gone there, and so are our links to them. */
  gone?: { connectionId: bigint; remoteType: string | null; remoteIds: readonly string[] };
}

/**
 * Makes two customers one: identities and orders go to the survivor, the absorbed record stays as a signpost, and what both
 * were before is kept so that the merge can be undone. At each platform one row stands for the survivor: its own where it
 * has one, else the absorbed record's; a second row stays linked to the signpost, where nothing is written to it. Signposts that
 * pointed at the absorbed record point at the survivor from now on.
 */
export async function mergeCustomers(
  context: WriteContext,
  survivorId: bigint,
  absorbedId: bigint,
  decision: MergeDecision,
): Promise<bigint> {
  const { tx, effects } = context;
  await lockCustomers(tx, effects, [survivorId, absorbedId]);
  await assertStanding(tx, survivorId, absorbedId);
  const absorbed = await loadCustomerRecord(tx, absorbedId);
  const mergeId = await recordMerge(tx, survivorId, absorbedId, decision);
  const orderIds = await moveToSurvivor(tx, survivorId, absorbedId, decision.gone);
  await carryCandidates(tx, survivorId, absorbedId, mergeId, decision);
  const survivor = await loadCustomerRecord(tx, survivorId);
  if (survivor !== null && absorbed !== null) await foldMerged(context, survivor, absorbed);
  if (effects.customers.get(absorbedId)?.created !== true)
    effects.events.push(
      eventOf(context, 'customer.removed', { type: 'Customer', id: absorbedId }, { mergedInto: survivorId }),
    );
  effects.customers.delete(absorbedId);
  effects.absorbedCustomers.add(absorbedId);
  effects.touched.delete(`Customer:${absorbedId}`);
  effects.toPlan.delete(`Customer:${absorbedId}`);
  effects.customersToSum.add(survivorId).add(absorbedId);
  // The platforms' orders name their customer, too.
  for (const id of orderIds) effectOnOrder(effects, id).changedFields.add('customer');
  planLater(effects, 'Customer', survivorId);
  return mergeId;
}

/** Whom a transaction found before it had their lock may have been merged or erased by another one since: it finds anew. */
async function assertStanding(tx: Tx, survivorId: bigint, absorbedId: bigint): Promise<void> {
  const { rows } = await tx.query({
    name: 'who-stands',
    text: 'select id from customer where id = any($1::bigint[]) and merged_into_id is null and erased_at is null',
    values: [[survivorId, absorbedId]],
  });
  if (rows.length < 2)
    throw new Overtaken(`customer ${survivorId} or ${absorbedId} was merged or erased meanwhile`);
}

/** Among the claims of the absorbed record are those that were edited here; they belong to no identity. */
async function foldMerged(
  context: WriteContext,
  survivor: CustomerRecord,
  absorbed: CustomerRecord,
): Promise<void> {
  const golden = foldGoldenRecord(survivor.golden, [...survivor.identities, ownClaims(absorbed.golden)]);
  if (!sameJson(survivor.golden, golden.record)) await updateCustomer(context.tx, survivor.id, golden.record);
  const effect = effectOnCustomer(context.effects, survivor.id);
  for (const field of [...golden.changedFields, 'identities']) effect.changedFields.add(field);
}

async function recordMerge(
  tx: Tx,
  survivorId: bigint,
  absorbedId: bigint,
  decision: MergeDecision,
): Promise<bigint> {
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'record-merge',
    text: `insert into customer_merge (survivor_id, absorbed_id, decided_by, actor, evidence, merged_at, before)
           select $1, $2, $3, $4, $5::jsonb, clock_timestamp(), jsonb_build_object(
             'survivor', (select to_jsonb(c) from customer c where id = $1),
             'absorbed', (select to_jsonb(c) from customer c where id = $2),
             'identities', coalesce((select jsonb_agg(jsonb_build_object('id', id::text, 'customerId', customer_id::text) order by id)
                            from customer_identity where customer_id in ($1, $2)), '[]'),
             'links', coalesce((select jsonb_agg(to_jsonb(l) || jsonb_build_object('id', id::text, 'entity_id', entity_id::text,
                         'connection_id', connection_id::text) order by id) from link l
                       where entity_type = 'Customer' and entity_id in ($1, $2)), '[]'),
             'orders', coalesce((select jsonb_agg(id::text order by id) from sales_order where customer_id = $2), '[]'))
           returning id`,
    values: [survivorId, absorbedId, decision.decidedBy, decision.actor, toJson(decision.evidence)],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  return id;
}

/** @returns the orders that changed hands. */
async function moveToSurvivor(
  tx: Tx,
  survivorId: bigint,
  absorbedId: bigint,
  gone: MergeDecision['gone'],
): Promise<bigint[]> {
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'move-to-survivor',
    text: `with identities as (update customer_identity set customer_id = $1 where customer_id = $2),
             gone as (
               delete from link where entity_type = 'Customer' and connection_id = $3 and remote_type = $4
                 and remote_id = any($5::text[])
             ),
             links as (
               update link l set entity_id = $1 where entity_type = 'Customer' and entity_id = $2
                 and not (connection_id is not distinct from $3 and remote_type is not distinct from $4 and remote_id = any($5::text[]))
                 and not exists (
                   select 1 from link s where s.entity_type = 'Customer' and s.entity_id = $1
                     and s.connection_id = l.connection_id and s.remote_type = l.remote_type
                     and not (s.connection_id is not distinct from $3 and s.remote_type is not distinct from $4
                       and s.remote_id = any($5::text[])))
             ),
             pushes as (
               update push set status = 'superseded', settled_at = clock_timestamp(), next_attempt_at = null
               where subject_type = 'Customer' and subject_id = $2 and status in ('plan', 'pending', 'retrying')
             ),
             signposts as (
               update customer set merged_into_id = $1, updated_at = clock_timestamp() where id = $2 or merged_into_id = $2)
           update sales_order set customer_id = $1 where customer_id = $2 returning id`,
    values: [
      survivorId,
      absorbedId,
      gone?.connectionId ?? null,
      gone?.remoteType ?? null,
      gone?.remoteIds ?? [],
    ],
  });
  return rows.map((row) => row.id).sort((a, b) => (a < b ? -1 : 1));
}

/** The question whether the two are one is answered; questions about the absorbed record are asked about the survivor. */
async function carryCandidates(
  tx: Tx,
  survivorId: bigint,
  absorbedId: bigint,
  mergeId: bigint,
  decision: MergeDecision,
): Promise<void> {
  await tx.query({
    name: 'carry-candidates',
    text: `with answered as (
             update merge_candidate set status = 'merged', decided_by = $4, decided_at = clock_timestamp(),
               updated_at = clock_timestamp()
             where customer_a_id = least($1::bigint, $2) and customer_b_id = greatest($1::bigint, $2) and status <> 'merged'
           )
           insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, evidence, merge_id)
           select least($1::bigint, other), greatest($1::bigint, other), bits, probability, evidence, $3
           from (
             select case when customer_a_id = $2 then customer_b_id else customer_a_id end as other, bits, probability, evidence
             from merge_candidate where (customer_a_id = $2 or customer_b_id = $2) and status = 'open') as about
           where other <> $1
           on conflict (customer_a_id, customer_b_id) do nothing`,
    values: [survivorId, absorbedId, mergeId, decision.actor ?? decision.decidedBy],
  });
}
