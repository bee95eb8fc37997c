import type { Tx } from '../../db/pool.ts';
import type { Edit, PlatformChange } from '../../model/change.ts';
import {
  InvalidInput,
  notFound,
  type PlatformContext,
  touch,
  type WriteContext,
} from '../graph/write-context.ts';
import { canonicalEmail } from '../identity/normalise-email.ts';
import { erasePerson } from './erase.ts';
import { findStart, type PersonStart } from './person.ts';
import { addCounts, completeRequest, recordRequest } from './requests.ts';

type PersonErase = Extract<PlatformChange, { kind: 'personErase' }>;
type PersonExport = Extract<PlatformChange, { kind: 'personExport' }>;
type CustomerErase = Extract<Edit, { kind: 'customerErase' }>;

/** Name of the job that erases everybody an account brought. */
export const privacyTask = 'privacy';

/** A platform asks for a person to be erased. */
export async function applyPersonErase(context: PlatformContext, change: PersonErase): Promise<'applied'> {
  const { tx, connectionId, source } = context;
  const start = await findStart(tx, { connectionId, ...change });
  const { id } = await recordRequest(tx, {
    kind: 'erase_person',
    connectionId,
    requestedBy: source,
    reference: change.remoteId,
    customerId: start.customers[0] ?? null,
  });
  const counts = await erasePerson(context, start, {
    requestId: id,
    alsoNames: namesOf(connectionId, change),
    atPlatforms: true,
  });
  await addCounts(tx, id, counts);
  await completeRequest(tx, id, 'tributary');
  return 'applied';
}

/** A platform asks what is kept about a person: a task for a person, who hands it over. */
export async function applyPersonExport(context: PlatformContext, change: PersonExport): Promise<'applied'> {
  const { tx, connectionId, source } = context;
  const start = await findStart(tx, { connectionId, ...change });
  await recordRequest(tx, {
    kind: 'export',
    connectionId,
    requestedBy: source,
    reference: change.reference,
    customerId: start.customers[0] ?? null,
  });
  return 'applied';
}

/** A platform asks for all that its account brought to be erased: too much for one transaction, so that a job does it. */
export async function applyAccountErase(context: PlatformContext): Promise<'applied'> {
  const { tx, connectionId, source } = context;
  const { id } = await recordRequest(tx, {
    kind: 'erase_account',
    connectionId,
    requestedBy: source,
    reference: 'account',
    customerId: null,
  });
  await tx.query(`update privacy_request set completed_at = null, completed_by = null where id = $1`, [id]);
  await tx.query(
    `select graphile_worker.add_job($1, json_build_object('id', $2::text), job_key => 'privacy:' || $2::text, priority => 30)`,
    [privacyTask, id.toString()],
  );
  return 'applied';
}

/** Somebody asks here, or an account's erasure comes to this customer. @throws AppError NOT_FOUND */
export async function eraseCustomer(context: WriteContext, edit: CustomerErase): Promise<'applied'> {
  const { tx } = context;
  const customerId = edit.customerId === null ? null : await survivorOf(tx, edit.customerId);
  if (customerId !== null) touch(context.effects, 'Customer', customerId);
  const requestId =
    edit.requestId ??
    (
      await recordRequest(tx, {
        kind: 'erase_person',
        connectionId: null,
        requestedBy: edit.by,
        reference: `customer ${customerId}`,
        customerId,
      })
    ).id;
  const counts = await erasePerson(context, startOf({ ...edit, customerId }), {
    requestId,
    alsoNames: [],
    atPlatforms: edit.atPlatforms,
  });
  await addCounts(tx, requestId, counts);
  if (edit.requestId === null) await completeRequest(tx, requestId, edit.by);
  return 'applied';
}

export function startOf({
  customerId,
  orderIds,
}: Pick<CustomerErase, 'customerId' | 'orderIds'>): PersonStart {
  return { customers: customerId === null ? [] : [customerId], orders: orderIds };
}

async function survivorOf(tx: Tx, id: bigint): Promise<bigint> {
  const { rows } = await tx.query<{ id: bigint }>(
    'select coalesce(merged_into_id, id) as id from customer where id = $1',
    [id],
  );
  const row = rows[0];
  if (row === undefined) throw notFound('customer', id);
  return row.id;
}

/** Somebody has handed over what was asked for. @throws AppError NOT_FOUND, InvalidInput */
export async function completeExport(
  context: WriteContext,
  edit: Extract<Edit, { kind: 'privacyRequestComplete' }>,
): Promise<'applied' | 'unchanged'> {
  const { rows } = await context.tx.query<{ kind: string; done: boolean }>(
    'select kind, completed_at is not null as done from privacy_request where id = $1 for no key update',
    [edit.requestId],
  );
  const request = rows[0];
  if (request === undefined) throw notFound('privacy request', edit.requestId);
  if (request.kind !== 'export') throw new InvalidInput('id', 'is of an erasure, which completes by itself.');
  if (request.done) return 'unchanged';
  await completeRequest(context.tx, edit.requestId, edit.by);
  return 'applied';
}

/** What the platform calls the person and their orders, whether we know them or not. */
function namesOf(connectionId: bigint, change: PersonErase): string[] {
  return [
    `customer:${connectionId}:${change.remoteId}`,
    `subject:${connectionId}:customer:${change.remoteId.toLowerCase()}`,
    ...(change.email === null ? [] : [`email:${canonicalEmail(change.email)}`]),
    ...change.orderRemoteIds.flatMap((id) => [
      `order:${connectionId}:${id}`,
      `subject:${connectionId}:order:${id.toLowerCase()}`,
    ]),
  ];
}
