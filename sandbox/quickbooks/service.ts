import type { Books, Operation } from './books.ts';
import { toMinor } from './decimal.ts';
import {
  type Draft,
  type Entity,
  type EntityType,
  isSalesType,
  isTransactionType,
  type Preferences,
  type Ref,
  type TransactionDraft,
} from './entities.ts';
import { prepareListed } from './lists.ts';
import { preparePurchase } from './purchases.ts';
import {
  alreadyDeposited,
  closedPeriod,
  invalidCompanyStatus,
  missingParameter,
  objectNotFound,
  staleObject,
  unsupportedOperation,
} from './qbo-fault.ts';
import { prepareSale } from './sales.ts';
import {
  linkKey,
  linksOf,
  markDeposited,
  prepareDeposit,
  prepareJournalEntry,
  preparePayment,
  releasePayments,
  relink,
} from './settlements.ts';
import { readBody } from './shapes.ts';
import { inClosedBooks, type Prepared, type SaveContext, voided } from './transaction.ts';

/** Who writes: clients of the API are bound by closed books and versions, a person at the screen is not. */
export interface Writer {
  kind: 'api' | 'person';
  allowDuplicateDocNumber?: boolean;
}

const api: Writer = { kind: 'api' };

export function createEntity(books: Books, type: EntityType, body: unknown, writer: Writer = api): Entity {
  if (writer.kind === 'api' && !creatable.has(type)) throw unsupportedOperation('create');
  const { sparse: _sparse, Id: _id, SyncToken: _token, ...draft } = withoutEmpties(readBody(type, body));
  assertWritable(books, type, writer, [draft.TxnDate ?? books.today()]);
  // The id is only taken from the sequence once nothing can refuse the object any more.
  const prepared = prepare(books, type, draft, {
    id: pendingId,
    previous: null,
    given: new Set(Object.keys(draft)),
    allowDuplicateDocNumber: writer.allowDuplicateDocNumber === true,
  });
  const id = books.nextId(type);
  const stamp = books.stamp();
  const entity = finish(prepared.entity, id, '0', { CreateTime: stamp, LastUpdatedTime: stamp });
  if (prepared.entry !== null)
    books.ledger.post({
      ...prepared.entry,
      id,
      stock: prepared.entry.stock.map((move) => (move.item === pendingId ? { ...move, item: id } : move)),
    });
  books.save(type, entity, 'Create');
  afterCreate(books, type, entity);
  return entity;
}

export function updateEntity(books: Books, type: EntityType, body: unknown, writer: Writer = api): Entity {
  if (writer.kind === 'api' && !updatable.has(type)) throw unsupportedOperation('update');
  const draft = readBody(type, body);
  const previous = current(books, type, draft, writer);
  const sparse = draft.sparse === true || writer.kind === 'person';
  const given = new Set(Object.keys(draft));
  const { sparse: _sparse, ...fields } = draft;
  const merged = withoutEmpties(sparse ? merge(type, previous, fields) : fields);
  const prepared = prepare(books, type, merged, {
    id: previous.Id,
    previous,
    given: sparse ? given : new Set([...given, 'TxnTaxDetail']),
    allowDuplicateDocNumber: writer.allowDuplicateDocNumber === true,
  });
  assertWritable(books, type, writer, [previous.TxnDate, prepared.entity.TxnDate]);
  if (writer.kind === 'api') assertNotDeposited(books, type, previous, prepared.entity);
  const entity = finish(prepared.entity, previous.Id, String(Number(previous.SyncToken) + 1), {
    CreateTime: previous.MetaData.CreateTime,
    LastUpdatedTime: books.stamp(),
  });
  if (isSalesType(type)) entity.LinkedTxn = previous.LinkedTxn ?? [];
  if (prepared.entry !== null) books.ledger.post(prepared.entry);
  books.save(type, entity, 'Update');
  prepared.after?.();
  return entity;
}

export function deleteEntity(books: Books, type: EntityType, body: unknown, writer: Writer = api): Entity {
  if (!isTransactionType(type) && type !== 'Attachable') throw unsupportedOperation('delete');
  const previous = current(books, type, readBody(type, body), writer);
  assertWritable(books, type, writer, [previous.TxnDate]);
  assertNotDeposited(books, type, previous, null);
  unlink(books, type, previous);
  books.ledger.remove(type, previous.Id);
  books.drop(type, previous.Id);
  return previous;
}

export function voidEntity(books: Books, type: EntityType, body: unknown, writer: Writer = api): Entity {
  if (!voidable.has(type)) throw unsupportedOperation('void');
  const previous = current(books, type, readBody(type, body), writer);
  assertWritable(books, type, writer, [previous.TxnDate]);
  assertNotDeposited(books, type, previous, null);
  unlink(books, type, previous);
  books.ledger.remove(type, previous.Id);
  const entity = finish(voided(previous), previous.Id, String(Number(previous.SyncToken) + 1), {
    CreateTime: previous.MetaData.CreateTime,
    LastUpdatedTime: books.stamp(),
  });
  if (type === 'Payment') entity.Line = [];
  books.save(type, entity, 'Void');
  return entity;
}

export function readEntity(books: Books, type: EntityType, id: string): Entity {
  const entity = books.find(type, id);
  if (entity === undefined) throw objectNotFound('id');
  return books.present(type, entity);
}

/** Rebuilds what links transactions to each other, when books are read back from a file. */
export function linkRestored(books: Books, type: EntityType, entity: Entity): void {
  if (type === 'Deposit') for (const key of linksOf(entity)) books.deposited.set(key, entity.Id);
  if (type !== 'Payment') return;
  for (const line of (entity.Line ?? []) as {
    Amount?: number;
    LinkedTxn?: { TxnId: string; TxnType: string }[];
  }[])
    for (const link of line.LinkedTxn ?? []) {
      const key = linkKey(link);
      const payments = books.applied.get(key) ?? new Map<string, bigint>();
      payments.set(entity.Id, (payments.get(entity.Id) ?? 0n) + toMinor(line.Amount ?? 0));
      books.applied.set(key, payments);
    }
}

export const operationNames: Readonly<Record<Operation, string>> = {
  Create: 'created',
  Update: 'updated',
  Delete: 'deleted',
  Void: 'voided',
};

const pendingId = 'pending';

const listed: readonly EntityType[] = [
  'Customer',
  'Vendor',
  'Employee',
  'Item',
  'Account',
  'Class',
  'Department',
  'PaymentMethod',
  'Term',
  'TaxAgency',
];
const posted: readonly EntityType[] = [
  'SalesReceipt',
  'Invoice',
  'CreditMemo',
  'RefundReceipt',
  'Payment',
  'Purchase',
  'Deposit',
  'JournalEntry',
];
/** Tax codes and rates are made through the tax service; company and preferences are always there. */
const creatable: ReadonlySet<EntityType> = new Set([...listed, ...posted, 'Attachable']);
const updatable: ReadonlySet<EntityType> = new Set([
  ...listed.filter((type) => type !== 'TaxAgency'),
  ...posted,
  'Attachable',
  'CompanyInfo',
  'Preferences',
]);
const voidable: ReadonlySet<EntityType> = new Set(['SalesReceipt', 'Invoice', 'Payment', 'RefundReceipt']);

function prepare(books: Books, type: EntityType, draft: Draft, context: SaveContext): Prepared {
  if (isSalesType(type)) return prepareSale(books, type, draft as TransactionDraft, context);
  switch (type) {
    case 'Payment':
      return preparePayment(books, draft as TransactionDraft, context);
    case 'Purchase':
      return preparePurchase(books, draft as TransactionDraft, context);
    case 'Deposit':
      return prepareDeposit(books, draft as TransactionDraft, context);
    case 'JournalEntry':
      return prepareJournalEntry(books, draft as TransactionDraft, context);
    default:
      return prepareListed(books, type, draft, context);
  }
}

/** Links name the object by its id, which a new one only has now. */
function afterCreate(books: Books, type: EntityType, entity: Entity): void {
  if (type === 'Deposit') markDeposited(books, entity.Id, null, linksOf(entity));
  if (type !== 'Payment') return;
  const applied = new Map<string, bigint>();
  for (const line of (entity.Line ?? []) as {
    Amount?: number;
    LinkedTxn?: { TxnId: string; TxnType: string }[];
  }[])
    for (const link of line.LinkedTxn ?? []) {
      const key = linkKey(link);
      applied.set(key, (applied.get(key) ?? 0n) + toMinor(line.Amount ?? 0));
    }
  relink(books, entity.Id, null, applied);
}

function current(books: Books, type: EntityType, draft: Draft, writer: Writer): Entity {
  if (draft.Id === undefined || draft.Id === '') throw missingParameter('Id');
  const previous = books.find(type, draft.Id);
  if (previous === undefined) throw objectNotFound('Id');
  if (writer.kind === 'person') return previous;
  if (draft.SyncToken === undefined || draft.SyncToken === '') throw missingParameter('SyncToken');
  if (draft.SyncToken !== previous.SyncToken) throw staleObject('another user', type);
  return previous;
}

function assertWritable(books: Books, type: EntityType, writer: Writer, dates: readonly unknown[]): void {
  if (writer.kind === 'person') return;
  if (books.settings.companyStatus === 'expired') throw invalidCompanyStatus(200);
  if (isTransactionType(type) && dates.some((date) => inClosedBooks(books, date)))
    throw closedPeriod(books.settings.closedPeriodCode, books.settings.closedPeriodStatus);
}

/** What a deposit took to the bank keeps its amount, account and customer; the rest may be corrected. */
function assertNotDeposited(books: Books, type: EntityType, previous: Entity, next: Entity | null): void {
  if (!books.deposited.has(`${type}:${previous.Id}`)) return;
  if (
    next === null ||
    next.TotalAmt !== previous.TotalAmt ||
    refValue(next.DepositToAccountRef) !== refValue(previous.DepositToAccountRef) ||
    refValue(next.CustomerRef) !== refValue(previous.CustomerRef)
  )
    throw alreadyDeposited();
}

function unlink(books: Books, type: EntityType, entity: Entity): void {
  if (type === 'Invoice' || type === 'CreditMemo' || type === 'Purchase')
    releasePayments(books, type, entity.Id);
  if (type === 'Payment') relink(books, entity.Id, entity, new Map());
  if (type === 'Deposit') markDeposited(books, entity.Id, entity, []);
}

function merge(type: EntityType, previous: Entity, fields: Draft): Draft {
  const { MetaData: _meta, domain: _domain, sparse: _sparse, ...kept } = previous;
  if (type !== 'Preferences') return { ...kept, ...fields };
  // Preferences are groups of switches, and a sparse update names single switches.
  const merged: Draft = { ...kept, ...fields };
  for (const [group, value] of Object.entries(fields))
    if (typeof value === 'object' && value !== null)
      merged[group] = { ...((previous as Preferences)[group] as object), ...value };
  return merged;
}

function withoutEmpties(draft: Draft): Draft {
  return Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== ''));
}

function finish(entity: Entity, id: string, syncToken: string, metaData: Entity['MetaData']): Entity {
  return { ...entity, Id: id, SyncToken: syncToken, domain: 'QBO', sparse: false, MetaData: metaData };
}

function refValue(ref: unknown): string | undefined {
  return (ref as Ref | undefined)?.value;
}
