import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Edit } from '../../model/change.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { toJson } from '../graph/canonical-json.ts';
import { InvalidInput, notFound, planLater, touch, type WriteContext } from '../graph/write-context.ts';
import { findCandidates } from './find-candidates.ts';
import { type Judgement, judgePair, sharedAmong } from './judge.ts';
import { mergeCustomers } from './merge-customers.ts';
import { parametersOf } from './parameters.ts';
import { type PersonRecord, profileOf } from './profile.ts';
import { evidenceOf } from './resolve-duplicates.ts';
import { unmergeCustomer } from './unmerge-customer.ts';

type Merge = Extract<Edit, { kind: 'customerMerge' }>;
type Unmerge = Extract<Edit, { kind: 'customerUnmerge' }>;
type Reject = Extract<Edit, { kind: 'mergeReject' }>;
type Reopen = Extract<Edit, { kind: 'mergeReopen' }>;

/**
 * A person says that two customers are one. Said again of two that are one already it only adds approvals.
 * @throws AppError NOT_FOUND, INVALID_INPUT, ALREADY_MERGED, ERASED
 */
export async function editMerge(context: WriteContext, edit: Merge): Promise<'applied' | 'unchanged'> {
  const { tx, effects } = context;
  const { survivorId, absorbedId } = edit;
  if (survivorId === absorbedId)
    throw new InvalidInput('absorbedId', 'is the customer that it shall become part of.');
  const standing = await loadPair(tx, survivorId, absorbedId);
  touch(effects, 'Customer', survivorId);
  if (standing.absorbedInto === survivorId) return approve(context, edit);
  if (standing.absorbedInto !== null)
    throw alreadyMerged('absorbedId', absorbedId, standing.absorbedInto, survivorId);
  if (standing.survivorInto !== null)
    throw alreadyMerged('survivorId', survivorId, standing.survivorInto, absorbedId);
  const judgement = await judgeRecords(tx, survivorId, absorbedId);
  await mergeCustomers(context, survivorId, absorbedId, {
    decidedBy: 'person',
    actor: edit.actor,
    evidence: judgement === null ? {} : evidenceOf(judgement),
  });
  if (edit.approvedPlatforms.length > 0) await approve(context, edit);
  return 'applied';
}

/** @throws AppError NOT_FOUND, NOT_MERGED, ERASED, MERGED_AT_PLATFORM, MERGED_LATER */
export async function editUnmerge(context: WriteContext, edit: Unmerge): Promise<'applied'> {
  touch(context.effects, 'Customer', edit.absorbedId);
  await unmergeCustomer(context, edit.absorbedId, edit.actor);
  return 'applied';
}

/** A person says that two customers are not one: the pair is neither suggested nor merged again. @throws AppError NOT_FOUND, ALREADY_DECIDED */
export async function editReject(context: WriteContext, edit: Reject): Promise<'applied' | 'unchanged'> {
  const { rows } = await context.tx.query<{ status: string }>({
    name: 'lock-candidate',
    text: 'select status from merge_candidate where id = $1 for update',
    values: [edit.candidateId],
  });
  const status = rows[0]?.status;
  if (status === undefined) throw notFound('merge candidate', edit.candidateId);
  if (status === 'rejected') return 'unchanged';
  if (status === 'merged')
    throw new AppError({
      code: 'ALREADY_DECIDED',
      retryable: false,
      publicMessage: 'The two have been merged. Undo that merge instead; it rejects the pair as well.',
    });
  await context.tx.query({
    name: 'reject-candidate',
    text: `update merge_candidate set status = 'rejected', decided_by = $2, decided_at = clock_timestamp(),
             updated_at = clock_timestamp() where id = $1`,
    values: [edit.candidateId, edit.actor],
  });
  return 'applied';
}

/**
 * A person takes back that two customers are not one: the pair is a question again, with what speaks for and against it now.
 * @throws AppError NOT_FOUND, ALREADY_DECIDED
 */
export async function editReopen(context: WriteContext, edit: Reopen): Promise<'applied' | 'unchanged'> {
  const { tx } = context;
  const { rows } = await tx.query<{ status: string; a: bigint; b: bigint; standing: boolean }>({
    name: 'lock-pair-to-reopen',
    text: `select m.status, m.customer_a_id as a, m.customer_b_id as b,
             a.merged_into_id is null and b.merged_into_id is null as standing
           from merge_candidate m join customer a on a.id = m.customer_a_id join customer b on b.id = m.customer_b_id
           where m.id = $1 for update of m`,
    values: [edit.candidateId],
  });
  const pair = rows[0];
  if (pair === undefined) throw notFound('merge candidate', edit.candidateId);
  if (pair.status === 'open') return 'unchanged';
  if (pair.status === 'merged' || !pair.standing)
    throw new AppError({
      code: 'ALREADY_DECIDED',
      retryable: false,
      publicMessage:
        'One of the two has become part of another customer. Undo that merge first (`customerUnmerge`).',
    });
  const judgement = await judgeRecords(tx, pair.a, pair.b);
  await tx.query({
    name: 'reopen-candidate',
    text: `update merge_candidate set status = 'open', decided_by = null, decided_at = null, updated_at = clock_timestamp(),
             bits = coalesce($2, bits), probability = coalesce($3, probability), evidence = coalesce($4::jsonb, evidence) where id = $1`,
    values: [
      edit.candidateId,
      judgement?.bits ?? null,
      judgement?.probability ?? null,
      judgement === null ? null : toJson(evidenceOf(judgement)),
    ],
  });
  return 'applied';
}

async function approve(context: WriteContext, edit: Merge): Promise<'applied' | 'unchanged'> {
  const unable = edit.approvedPlatforms.filter(
    (platform) => context.platforms[platform]?.pushKinds.includes('contactMerge') !== true,
  );
  if (unable.length > 0)
    throw new InvalidInput('approvePlatforms', `Records cannot be merged from here at ${unable.join(', ')}.`);
  if (edit.approvedPlatforms.length > 0) await refuseThroughAnother(context.tx, edit);
  const { rowCount } = await context.tx.query({
    name: 'approve-merge',
    text: `update customer_merge m set approved_platforms = array(select distinct unnest(approved_platforms || $3::text[]) order by 1)
           where survivor_id = $1 and absorbed_id = $2 and undone_at is null and not approved_platforms @> $3::text[]`,
    values: [edit.survivorId, edit.absorbedId, edit.approvedPlatforms satisfies PlatformName[]],
  });
  if (rowCount === 0) return 'unchanged';
  planLater(context.effects, 'Customer', edit.survivorId);
  return 'applied';
}

/** What became part of a part was never merged with the whole itself: at a platform the two must not become one unasked. */
async function refuseThroughAnother(tx: Tx, { survivorId, absorbedId }: Merge): Promise<void> {
  const { rows } = await tx.query<{ via: bigint }>({
    name: 'merged-through',
    text: 'select survivor_id as via from customer_merge where absorbed_id = $1 and survivor_id <> $2 and undone_at is null',
    values: [absorbedId, survivorId],
  });
  const via = rows[0]?.via;
  if (via !== undefined)
    throw new InvalidInput(
      'approvePlatforms',
      `customer ${absorbedId} came with customer ${via}, into which it was merged before. Undo the merge of customer ${via} first and approve the two one by one.`,
    );
}

async function loadPair(
  tx: Tx,
  survivorId: bigint,
  absorbedId: bigint,
): Promise<{ survivorInto: bigint | null; absorbedInto: bigint | null }> {
  const { rows } = await tx.query<{ id: bigint; into: bigint | null; erased: boolean }>({
    name: 'load-pair',
    text: 'select id, merged_into_id as into, erased_at is not null as erased from customer where id = any($1::bigint[])',
    values: [[survivorId, absorbedId]],
  });
  const intoOf = (field: string, id: bigint) => {
    const row = rows.find((one) => one.id === id);
    if (row === undefined) throw notFound('customer', id);
    if (row.erased)
      throw new AppError({
        code: 'ERASED',
        retryable: false,
        field,
        publicMessage: `${field}: customer ${id} was erased. What is left of them is for the books and belongs to nobody.`,
      });
    return row.into;
  };
  return { survivorInto: intoOf('survivorId', survivorId), absorbedInto: intoOf('absorbedId', absorbedId) };
}

/** What speaks for the two being one, kept with the decision of a person. */
async function judgeRecords(tx: Tx, survivorId: bigint, absorbedId: bigint): Promise<Judgement | null> {
  const { rows } = await tx.query<PersonRecord & { customerId: bigint }>({
    name: 'load-records',
    text: `select customer_id as "customerId", email, phone, first_name as "firstName", last_name as "lastName", company, address
           from customer_identity where customer_id = any($1::bigint[]) order by id`,
    values: [[survivorId, absorbedId]],
  });
  if (rows.length === 0) return null;
  const { parameters } = await findCandidates(tx, survivorId, []);
  const profiles = rows.map((row) => profileOf([row], null));
  const of = (id: bigint) =>
    profileOf(
      rows.filter((row) => row.customerId === id),
      null,
    );
  return judgePair(of(survivorId), of(absorbedId), sharedAmong(profiles), parametersOf(parameters));
}

function alreadyMerged(field: string, id: bigint, into: bigint, other: bigint): AppError {
  return new AppError({
    code: 'ALREADY_MERGED',
    retryable: false,
    field,
    publicMessage:
      into === other
        ? `${field}: customer ${id} is part of customer ${other} already: the two are one.`
        : `${field}: customer ${id} is part of customer ${into} already. Name that one, or undo the merge first.`,
  });
}
