import { parsePhoneNumberFromString } from 'libphonenumber-js';
import type { CustomerPatch, Edit } from '../../model/change.ts';
import { normalizeEmail } from '../../model/customer.ts';
import { loadCustomerRecord, updateCustomer } from '../identity/customer-record.ts';
import type { FactField } from '../identity/facts.ts';
import type { GoldenRecord } from '../identity/golden-record.ts';
import { requestReading } from '../notes/request-reading.ts';
import { sameJson, toJson } from './canonical-json.ts';
import { lockCustomers } from './locks.ts';
import {
  effectOnCustomer,
  effectOnOrder,
  InvalidInput,
  notFound,
  planLater,
  touch,
  type WriteContext,
} from './write-context.ts';

type CustomerEdit = Extract<Edit, { kind: 'customerEdit' }>;
type OrderEdit = Extract<Edit, { kind: 'orderEdit' }>;

/** Changes fields of a customer's golden record. An edit is a claim of its own, as old as this moment. */
export async function editCustomer(
  context: WriteContext,
  edit: CustomerEdit,
): Promise<'applied' | 'unchanged'> {
  const patch = checkedPatch(edit.patch);
  const record = await loadCustomerRecord(context.tx, edit.customerId);
  if (record === null) throw notFound('customer', edit.customerId);
  if (record.mergedIntoId !== null) {
    await lockCustomers(context.tx, context.effects, [record.mergedIntoId]);
    return editCustomer(context, { ...edit, customerId: record.mergedIntoId });
  }
  touch(context.effects, 'Customer', record.id);
  const golden: GoldenRecord = {
    values: { ...record.golden.values },
    provenance: { ...record.golden.provenance },
  };
  const changed = Object.entries(patch).filter(
    ([field, value]) => !sameJson(golden.values[field as FactField], value),
  );
  if (changed.length === 0) return 'unchanged';
  const effect = effectOnCustomer(context.effects, record.id);
  for (const [field, value] of changed) {
    golden.values[field as FactField] = value;
    golden.provenance[field as FactField] = { source: 'tributary', at: context.now.toISOString() };
    effect.changedFields.add(field);
  }
  await updateCustomer(context.tx, record.id, golden);
  await keepEditForUnmerge(context, record.id, Object.fromEntries(changed));
  planLater(context.effects, 'Customer', record.id);
  return 'applied';
}

/** What is edited of a customer whom others are merged into is theirs, also once that is undone. */
async function keepEditForUnmerge(
  { tx, now }: WriteContext,
  customerId: bigint,
  changed: Record<string, unknown>,
): Promise<void> {
  const at = now.toISOString();
  const edits = Object.fromEntries(Object.entries(changed).map(([field, value]) => [field, { value, at }]));
  await tx.query({
    name: 'keep-edit-for-unmerge',
    text: 'update customer_merge set edits = edits || $2::jsonb where survivor_id = $1 and undone_at is null',
    values: [customerId, toJson(edits)],
  });
}

/** Changes an order's note and tags, which are all that may be changed of it from here. */
export async function editOrder(context: WriteContext, edit: OrderEdit): Promise<'applied' | 'unchanged'> {
  const { note, tags } = edit.patch;
  const { rows } = await context.tx.query<{ note: string | null; tags: string[]; removed: boolean }>({
    name: 'load-order-for-edit',
    text: 'select note, tags, removed_at is not null as removed from sales_order where id = $1 for no key update',
    values: [edit.orderId],
  });
  const order = rows[0];
  if (order === undefined || order.removed) throw notFound('order', edit.orderId);
  touch(context.effects, 'Order', edit.orderId);
  const after = {
    note: note === undefined ? order.note : checkedText('note', note, 5_000),
    tags: tags === undefined ? order.tags : checkedTags(tags),
  };
  const changedFields = (['note', 'tags'] as const).filter((field) => !sameJson(order[field], after[field]));
  if (changedFields.length === 0) return 'unchanged';
  await context.tx.query({
    name: 'edit-order',
    text: 'update sales_order set note = $2, tags = $3, updated_at = clock_timestamp() where id = $1',
    values: [edit.orderId, after.note, after.tags],
  });
  const effect = effectOnOrder(context.effects, edit.orderId);
  for (const field of changedFields) effect.changedFields.add(field);
  if (changedFields.includes('note')) await requestReading(context.tx, edit.orderId, after.note);
  planLater(context.effects, 'Order', edit.orderId);
  return 'applied';
}

/** The e-mail address that an edit sets: who else has it must not be decided at the same moment. */
export function editedEmail(patch: CustomerPatch): string | null {
  return patch.email === undefined ? null : normalizeEmail(patch.email);
}

function checkedPatch(patch: CustomerPatch): Partial<Record<FactField, unknown>> {
  const checked: Partial<Record<FactField, unknown>> = {};
  for (const field of ['firstName', 'lastName', 'company'] as const) {
    if (patch[field] !== undefined) checked[field] = checkedText(field, patch[field], 255);
  }
  if (patch.note !== undefined) checked.note = checkedText('note', patch.note, 5_000);
  if (patch.email !== undefined) checked.email = checkedEmail(patch.email);
  if (patch.phone !== undefined) checked.phone = checkedPhone(patch.phone);
  if (patch.tags !== undefined) checked.tags = checkedTags(patch.tags);
  return checked;
}

function checkedText(field: string, text: string | null, most: number): string | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed.includes('\0')) throw new InvalidInput(field, 'must not contain the character NUL.');
  if (trimmed.length > most) throw new InvalidInput(field, `must have at most ${most} characters.`);
  return trimmed === '' ? null : trimmed;
}

function checkedEmail(email: string | null): string | null {
  const normal = normalizeEmail(email);
  if (normal === null) return null;
  if (normal.length > 254 || !/^[^\s@"(),:;<>[\]\\]+@[^\s@.]+(\.[^\s@.]+)+$/.test(normal))
    throw new InvalidInput('email', 'is not an e-mail address.');
  return normal;
}

function checkedPhone(phone: string | null): string | null {
  const trimmed = phone?.trim() ?? '';
  if (trimmed === '') return null;
  const number = parsePhoneNumberFromString(trimmed);
  if (number?.isPossible() !== true)
    throw new InvalidInput('phone', 'is not a phone number with its country code, such as +49 30 123456.');
  return number.number;
}

function checkedTags(tags: readonly string[]): string[] {
  const trimmed = [...new Set(tags.map((tag) => tag.trim()))];
  if (trimmed.some((tag) => tag === '')) throw new InvalidInput('tags', 'must not contain an empty tag.');
  if (trimmed.some((tag) => tag.includes(','))) throw new InvalidInput('tags', 'must not contain commas.');
  if (trimmed.some((tag) => tag.length > 40))
    throw new InvalidInput('tags', 'must have at most 40 characters each.');
  if (trimmed.length > 250) throw new InvalidInput('tags', 'must be at most 250.');
  return trimmed;
}
