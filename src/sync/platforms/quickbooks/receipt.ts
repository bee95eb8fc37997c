import { AppError } from '../../../errors.ts';
import type { LinkFacts, PushOutcome, PushTask } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import {
  type Company,
  companyOf,
  depositAccount,
  forgetReferences,
  readCompany,
  roleItem,
} from './company.ts';
import { ensureBuyer, requestIdOf, updateRebasing } from './customers.ts';
import { deadReferences, docNumberTaken, Fault, isClosedBooks, isFault } from './fault.ts';
import { ensureProducts } from './products.ts';
import { amountText, markIn, noteWithMark, type ReceiptBody, receiptState } from './receipt-body.ts';
import { assertPostable, receiptEntity, rolesOf } from './receipt-entity.ts';
import { type QuickBooksSettings, type Role, readSettings } from './settings.ts';

/** A created receipt that is older than this was not created just now: the answer is a replay. */
const replayAgeMs = 2 * 60_000;

/**
 * Posts an order once. Buyer and items are found or made side by side, then the receipt is written: one call where they
 * are known. Creation carries one request id per order, whatever the version, so that an answer lost on the way never
 * leads to a second receipt.
 */
export async function performReceipt(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as ReceiptBody;
  const settings = readSettings(session.settings);
  const link = (await session.links.find('Order', [push.subjectId], 'SalesReceipt')).get(push.subjectId);
  try {
    return await post(push, session, body, settings, link, await companyOf(session), false);
  } catch (error) {
    // What we knew of the company was out of date: once more with what holds now.
    const isDeadReference = isFault(error, ...deadReferences);
    if (!isDeadReference && !isClosedBooks(error)) throw error;
    if (isDeadReference) forgetReferences(session);
    return await post(push, session, body, settings, link, await readCompany(session), isDeadReference);
  }
}

async function post(
  push: PushTask,
  session: QuickBooksSession,
  body: ReceiptBody,
  settings: QuickBooksSettings,
  link: LinkFacts | undefined,
  company: Company,
  isForced: boolean,
): Promise<PushOutcome> {
  assertPostable(body, company, settings);
  const references = await referencesOf(session, body, company, settings, isForced);
  const entity = receiptEntity(body, references, company, settings);
  if (link !== undefined) {
    try {
      const updated = await update(session, push, link.remoteId, link.remoteVersion, entity);
      return await outcomeOf(session, push, body, updated, false);
    } catch (error) {
      // A person deleted the receipt; that they retry this push says that they want it back.
      if (!(error instanceof AppError) || error.code !== 'QUICKBOOKS_GONE' || push.attempt === 1) throw error;
    }
  }
  if (push.attempt > 1) {
    const existing = await findOwn(session, body);
    if (existing !== null) return await takeOver(session, push, body, entity, existing);
  }
  // The request id of the order's first receipt would only bring back the answer of then.
  const requestId =
    link === undefined ? requestIdOf('salesReceipt', session.accountId, body.source) : push.idempotencyKey;
  return await create(session, push, body, entity, requestId);
}

async function create(
  session: QuickBooksSession,
  push: PushTask,
  body: ReceiptBody,
  entity: Record<string, unknown>,
  requestId: string,
): Promise<PushOutcome> {
  const books = booksOf(session);
  let created: Entity;
  try {
    created = await books.create('SalesReceipt', entity, { requestId });
  } catch (error) {
    if (!isFault(error, docNumberTaken)) throw error;
    const existing = await findOwn(session, body);
    if (existing !== null) return await takeOver(session, push, body, entity, existing);
    // Somebody else's document has this number; ours keeps the order's.
    created = await books.create('SalesReceipt', entity, { requestId, allowDuplicateDocNumber: true });
  }
  if (session.now() - Date.parse(created.MetaData.CreateTime) > replayAgeMs) {
    const current = await books.read('SalesReceipt', created.Id);
    if (current === null) {
      // It was posted before and deleted since; whoever asks again wants it again.
      created = await books.create('SalesReceipt', entity, { requestId: push.idempotencyKey });
      return await outcomeOf(session, push, body, created, false);
    }
    return await takeOver(session, push, body, entity, current);
  }
  // The first answer to this request id may speak of an earlier version of the order.
  if (markIn(created)?.mark !== body.mark) return await takeOver(session, push, body, entity, created);
  return await outcomeOf(session, push, body, created, false);
}

/** A receipt of this order that stands already: brought up to date where it holds another version. */
async function takeOver(
  session: QuickBooksSession,
  push: PushTask,
  body: ReceiptBody,
  entity: Record<string, unknown>,
  existing: Entity,
): Promise<PushOutcome> {
  const isCurrent = markIn(existing)?.mark === body.mark;
  const standing = isCurrent
    ? existing
    : await update(session, push, existing.Id, existing.SyncToken, entity);
  return await outcomeOf(session, push, body, standing, true);
}

function update(
  session: QuickBooksSession,
  push: PushTask,
  id: string,
  version: string | null,
  entity: Record<string, unknown>,
): Promise<Entity> {
  // Lines are replaced as a whole; what people added elsewhere in the receipt stays.
  return updateRebasing(booksOf(session), 'SalesReceipt', id, version, () => entity, push.idempotencyKey);
}

/** By number and by the mark in the note: a number alone may be anybody's. */
async function findOwn(session: QuickBooksSession, body: ReceiptBody): Promise<Entity | null> {
  const found = await booksOf(session).query(
    'SalesReceipt',
    `where DocNumber = ${quoted(body.docNumber)} maxresults 100`,
  );
  return found.find((one) => markIn(one)?.source === body.source) ?? null;
}

async function referencesOf(
  session: QuickBooksSession,
  body: ReceiptBody,
  company: Company,
  settings: QuickBooksSettings,
  isForced: boolean,
): Promise<Parameters<typeof receiptEntity>[1]> {
  const products = body.lines.flatMap((line) => line.product ?? []);
  const roles = [...rolesOf(body, company, settings)];
  const [customerId, productIds, roleIds, depositAccountId] = await Promise.all([
    ensureBuyer(session, company, body.buyer, body.currency, isForced),
    ensureProducts(session, products, isForced),
    Promise.all(roles.map((role) => roleItem(session, role))),
    depositAccount(session, settings),
  ]);
  const idByRole = new Map<Role, string>(roles.map((role, index) => [role, roleIds[index] ?? '']));
  const roleId = (role: Role): string => idByRole.get(role) ?? '';
  let next = 0;
  return {
    customerId,
    itemIds: body.lines.map((line) =>
      line.product === null ? roleId(line.kind) : (productIds[next++] ?? ''),
    ),
    roleItem: roleId,
    depositAccountId,
  };
}

async function outcomeOf(
  session: QuickBooksSession,
  push: PushTask,
  body: ReceiptBody,
  entity: Entity,
  adopted: boolean,
): Promise<PushOutcome> {
  const outcome: PushOutcome = {
    remoteType: 'SalesReceipt',
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: receiptState(entity),
    adopted,
    detail: {
      docNumber: entity.DocNumber ?? null,
      total: amountText(entity.TotalAmt, body.currency),
      currency: body.currency,
      date: entity.TxnDate ?? null,
    },
  };
  if (outcome.detail.total === body.total) return outcome;
  // The receipt stands: it is remembered before anything else, so that it is never written a second time.
  await session.links.save({ ...outcome, entityType: 'Order', entityId: push.subjectId });
  throw new AppError({
    code: 'BOOKS_DISAGREE',
    retryable: false,
    publicMessage: `QuickBooks made ${String(outcome.detail.total)} of receipt ${body.docNumber}; the order is ${body.total} ${body.currency}.`,
    remedy:
      'Compare the receipt with the order in QuickBooks: tax settings of the company are the usual cause. Then retry.',
    cause: new Fault({ status: 200, code: '', message: noteWithMark(body) }),
  });
}
