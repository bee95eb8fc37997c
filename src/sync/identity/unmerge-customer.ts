import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import { sameJson } from '../graph/canonical-json.ts';
import { lockCustomers } from '../graph/locks.ts';
import {
  effectOnCustomer,
  effectOnOrder,
  notFound,
  planLater,
  type WriteContext,
} from '../graph/write-context.ts';
import {
  type CustomerRecord,
  type GoldenRow,
  goldenOfRow,
  loadCustomerRecord,
  updateCustomer,
} from './customer-record.ts';
import { type FactField, type Facts, factFields } from './facts.ts';
import { foldGoldenRecord, type GoldenRecord } from './golden-record.ts';
import { canonicalEmail } from './normalise-email.ts';

interface StoredMerge {
  id: bigint;
  survivorId: bigint;
  decidedBy: string;
  /** Platforms at which the approved merge has been carried out, or may have been. */
  executedAt: string[];
  edits: Partial<Record<FactField, { value: unknown; at: string }>>;
  before: {
    survivor: GoldenRow;
    absorbed: GoldenRow;
    identities: { id: string; customerId: string }[];
    links: { id: string; entity_id: string; connection_id: string; remote_type: string; remote_id: string }[];
    orders: string[];
  };
  laterAbsorbed: bigint | null;
  survivorMergedInto: bigint | null;
  isErased: boolean;
}

/**
 * Undoes the merge of a customer into another. Both are what they were, brought up to date by what happened since:
 * identities and orders that came meanwhile go to whom they belong to by mailbox and buyer; what was edited meanwhile was
 * edited of the survivor. The two are never suggested nor merged again.
 * @throws AppError NOT_MERGED, ERASED, MERGED_AT_PLATFORM, MERGED_LATER
 */
export async function unmergeCustomer(
  context: WriteContext,
  absorbedId: bigint,
  actor: string | null,
): Promise<{ survivorId: bigint; mergeId: bigint }> {
  const { tx, effects } = context;
  const merge = await loadMerge(context, absorbedId);
  await lockCustomers(tx, effects, [merge.survivorId, absorbedId]);
  const merged = await loadCustomerRecord(tx, merge.survivorId);
  if (merged === null) throw new Error(`customer ${merge.survivorId} is gone`);

  const restored = identitiesOf(merged, merge, absorbedId);
  const orderIds = await moveBack(tx, merge, absorbedId, restored);
  await tx.query({
    name: 'record-unmerge',
    text: `with undone as (
             update customer_merge set undone_at = clock_timestamp(), undone_by = $3, approved_platforms = '{}', before = '{}', edits = '{}'
             where id = $2),
           carried as (delete from merge_candidate where merge_id = $2 and status = 'open')
           insert into merge_candidate (customer_a_id, customer_b_id, status, bits, probability, decided_by, decided_at)
           values (least($1::bigint, $4), greatest($1::bigint, $4), 'rejected', 0, 0, $3, clock_timestamp())
           on conflict (customer_a_id, customer_b_id) do update set status = 'rejected', decided_by = excluded.decided_by,
             decided_at = excluded.decided_at, updated_at = clock_timestamp()`,
    values: [merge.survivorId, merge.id, actor ?? context.source, absorbedId],
  });

  const restoredIds = new Set(restored.map((identity) => identity.id));
  const kept = merged.identities.filter((identity) => !restoredIds.has(identity.id));
  const survivorBefore = withEdits(goldenOfRow(merge.before.survivor), merge.edits);
  const survivor = foldGoldenRecord(survivorBefore, kept).record;
  if (!sameJson(survivor, merged.golden)) await updateCustomer(tx, merge.survivorId, survivor);
  const absorbed = foldGoldenRecord(goldenOfRow(merge.before.absorbed), restored).record;
  await updateCustomer(tx, absorbedId, absorbed);

  const changed = effectOnCustomer(effects, merge.survivorId).changedFields.add('identities');
  for (const field of factFields)
    if (!sameJson(survivor.values[field], merged.golden.values[field])) changed.add(field);
  effects.absorbedCustomers.delete(absorbedId);
  const back = effectOnCustomer(effects, absorbedId);
  back.created = true;
  back.facts.unmergedFrom = merge.survivorId;
  effects.customersToSum.add(merge.survivorId).add(absorbedId);
  for (const id of orderIds) effectOnOrder(effects, id).changedFields.add('customer');
  planLater(effects, 'Customer', merge.survivorId);
  planLater(effects, 'Customer', absorbedId);
  return { survivorId: merge.survivorId, mergeId: merge.id };
}

async function loadMerge(context: WriteContext, absorbedId: bigint): Promise<StoredMerge> {
  const { rows } = await context.tx.query<StoredMerge>({
    name: 'load-merge',
    text: `select m.id, m.survivor_id as "survivorId", m.decided_by as "decidedBy", m.edits, m.before,
             array(
               select place from unnest(m.approved_platforms) as a(place)
               where not exists (
                   select 1 from link l join connection c on c.id = l.connection_id
                   where l.entity_type = 'Customer' and l.entity_id = m.absorbed_id and c.platform::text = place)
                 or exists (
                   select 1 from push p join connection c on c.id = p.connection_id
                   where p.subject_type = 'Customer' and p.subject_id = m.survivor_id and p.kind = 'contactMerge'
                     and c.platform::text = place and (p.status = 'running' or (p.status = 'retrying' and p.attempts > 0)))
             ) as "executedAt",
             (select l.absorbed_id from customer_merge l where l.survivor_id = m.survivor_id and l.undone_at is null and l.id > m.id
              order by l.id desc limit 1) as "laterAbsorbed",
             (select merged_into_id from customer where id = m.survivor_id) as "survivorMergedInto",
             m.before = '{}' as "isErased"
           from customer_merge m where m.absorbed_id = $1 and m.undone_at is null for update of m`,
    values: [absorbedId],
  });
  const merge = rows[0];
  if (merge === undefined) throw await whyNotMerged(context, absorbedId);
  if (merge.isErased)
    throw refused(
      'ERASED',
      `Customer ${absorbedId} or what an account told of them was erased: nothing is left from which they could be brought back.`,
    );
  const platform = merge.decidedBy in context.platforms ? merge.decidedBy : merge.executedAt[0];
  if (platform !== undefined)
    throw refused(
      'MERGED_AT_PLATFORM',
      `The two records are one at ${platform} as well, where that cannot be undone: they would be merged again at once.`,
    );
  const first = merge.survivorMergedInto === null ? merge.laterAbsorbed : merge.survivorId;
  if (first !== null)
    throw refused(
      'MERGED_LATER',
      `Later merges stand on this one. Undo them first, the newest first: begin with customer ${first}.`,
    );
  return merge;
}

/**
 * Which identities go back: those that came with the absorbed customer, and of those that came later the ones that
 * would have found them by their mailbox.
 */
function identitiesOf(
  merged: CustomerRecord,
  merge: StoredMerge,
  absorbedId: bigint,
): CustomerRecord['identities'] {
  const home = new Map(merge.before.identities.map((one) => [BigInt(one.id), BigInt(one.customerId)]));
  const emailOf = (facts: Facts) => {
    const email = facts.email?.value;
    return typeof email === 'string' ? canonicalEmail(email) : null;
  };
  const mailboxes = (side: 'survivor' | 'absorbed', isHere: (owner: bigint | undefined) => boolean) =>
    new Set([
      merge.before[side].email === null ? null : canonicalEmail(merge.before[side].email),
      ...merged.identities.filter((one) => isHere(home.get(one.id))).map((one) => emailOf(one.facts)),
    ]);
  const theirs = mailboxes('absorbed', (owner) => owner === absorbedId);
  const ours = mailboxes('survivor', (owner) => owner !== undefined && owner !== absorbedId);
  return merged.identities.filter((identity) => {
    const owner = home.get(identity.id);
    if (owner !== undefined) return owner === absorbedId;
    const email = emailOf(identity.facts);
    return email !== null && theirs.has(email) && !ours.has(email);
  });
}

/** @returns the orders that go back. */
async function moveBack(
  tx: Tx,
  merge: StoredMerge,
  absorbedId: bigint,
  restored: CustomerRecord['identities'],
): Promise<bigint[]> {
  const links = merge.before.links.filter((link) => BigInt(link.entity_id) === absorbedId);
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'move-back',
    // A link that was made meanwhile stands for whose row it is: by the identity behind it.
    text: `with identities as (update customer_identity set customer_id = $2 where id = any($3::bigint[])),
             back as (select connection_id, remote_id from customer_identity where id = any($3::bigint[])),
             links as (
               update link l set entity_id = $2 where l.entity_type = 'Customer' and l.entity_id = $1
                 and (l.id = any($4::bigint[])
                   or exists (select 1 from back where back.connection_id = l.connection_id and back.remote_id = l.remote_id))
             ),
             parts as (
               with recursive part as (
                 select absorbed_id as id from customer_merge where survivor_id = $2 and undone_at is null
                 union select m.absorbed_id from customer_merge m join part on m.survivor_id = part.id where m.undone_at is null)
               select id from part),
             signposts as (
               update customer set merged_into_id = case when id <> $2 then $2::bigint end, updated_at = clock_timestamp()
               where id = $2 or id in (select id from parts))
           update sales_order o set customer_id = $2 where o.customer_id = $1 and case
             when exists (select 1 from back where back.connection_id = o.connection_id and back.remote_id = o.buyer_remote_id) then true
             when exists (select 1 from customer_identity i where i.connection_id = o.connection_id and i.remote_id = o.buyer_remote_id) then false
             else o.id = any($5::bigint[]) end
           returning o.id`,
    values: [
      merge.survivorId,
      absorbedId,
      restored.map((identity) => identity.id),
      links.map((link) => link.id),
      merge.before.orders,
    ],
  });
  return rows.map((row) => row.id).sort((a, b) => (a < b ? -1 : 1));
}

/** The survivor as it was, with what people have edited of it since. */
function withEdits(before: GoldenRecord, edits: StoredMerge['edits']): GoldenRecord {
  const values = { ...before.values };
  const provenance = { ...before.provenance };
  for (const field of factFields) {
    const edit = edits[field];
    if (edit === undefined) continue;
    values[field] = edit.value;
    provenance[field] = { source: 'tributary', at: edit.at };
  }
  return { values, provenance };
}

async function whyNotMerged({ tx }: WriteContext, customerId: bigint): Promise<AppError> {
  const { rowCount } = await tx.query('select from customer where id = $1', [customerId]);
  return rowCount === 0
    ? notFound('customer', customerId)
    : refused(
        'NOT_MERGED',
        `Customer ${customerId} is not part of another customer. \`Customer.merges\` tells which merges stand.`,
      );
}

function refused(code: string, publicMessage: string): AppError {
  return new AppError({ code, retryable: false, publicMessage, field: 'absorbedId' });
}
