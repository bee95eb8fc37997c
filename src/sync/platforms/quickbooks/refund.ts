import { AppError } from '../../../errors.ts';
import { parseMinor } from '../../../model/money.ts';
import type { LinkFacts, PushOutcome, PushTask } from '../platform.ts';
import type { Entity, QuickBooksSession } from './client.ts';
import { ensureBuyer } from './customers.ts';
import type { FormBody } from './form-body.ts';
import { currentStanding, postForm, type Standing, withCompany } from './forms.ts';
import { type MoneyContext, moneyState, postApplication, postExpense, type Use } from './money-documents.ts';
import type { ApplicationBody, RefundBody } from './refund-plan.ts';
import { orderLink } from './sale.ts';
import { takeBack, voidDocument } from './void.ts';

/** How long a refund waits for its order within one attempt: both often become known in the same moment. */
const orderWaitMs = 1500;

/**
 * Posts one refund: what came back and the money that left side by side, then the application that closes one with the
 * other. Two calls one after the other where buyer and items are known.
 */
export async function performRefund(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as RefundBody & { problem?: string };
  if (body.problem !== undefined) throw unpostable(body.docNumber, body.problem);
  const link = await refundLink(session, push.subjectId);
  if (body.isVoid === true) {
    // What holds the others goes first.
    const { application, expenses } = moneyOf(link);
    if (application !== null) await takeBack(session, 'Payment', application.id);
    for (const one of expenses) await takeBack(session, 'Purchase', one.id);
    return await voidDocument(session, link, body.docNumber);
  }
  const order =
    body.orderForm === null ? undefined : await standingOrder(session, BigInt(body.orderId), body);
  return await withCompany(session, async (company, isForced) => {
    const context: RefundContext = {
      push,
      session,
      company,
      ...body,
      body,
      order,
      customerId: await ensureBuyer(session, company, body.buyer, body.currency, isForced),
      isRepost: link?.state.consent === true,
      known: moneyOf(link),
    };
    const [form, expenses] = await Promise.all([
      body.form === null ? null : standingForm(context, body.form, link),
      Promise.all(body.expenses.map((one) => postOneExpense(context, one))),
    ]);
    // Remembered before the application: a failure on the way must not lead to a second memo.
    if (form !== null && body.form !== null)
      await session.links.save({
        entityType: 'Refund',
        entityId: push.subjectId,
        remoteType: body.form.type,
        remoteId: form.id,
        remoteVersion: form.version,
        state: { ...form.state, orderId: body.orderId, ...context.known, expenses },
      });
    const application = await apply(context, form, expenses);
    for (const one of context.known.expenses)
      if (!expenses.some(({ id }) => id === one.id)) await takeBack(session, 'Purchase', one.id);
    return outcomeOf(context, form, { expenses, application });
  });
}

/** The money documents of a refund, as its link remembers them. */
interface RefundMoney {
  expenses: { account: string | null; id: string; amount: string }[];
  application: { id: string; uses: string } | null;
}

interface RefundContext extends MoneyContext {
  body: RefundBody;
  order: LinkFacts | undefined;
  known: RefundMoney;
}

function moneyOf(link: LinkFacts | undefined): RefundMoney {
  const state = (link?.state ?? {}) as Partial<RefundMoney>;
  return { expenses: state.expenses ?? [], application: state.application ?? null };
}

async function refundLink(session: QuickBooksSession, refundId: bigint): Promise<LinkFacts | undefined> {
  const found = await Promise.all(
    ['CreditMemo', 'RefundReceipt', 'Purchase'].map((type) => session.links.find('Refund', [refundId], type)),
  );
  return found.flatMap((links) => links.get(refundId) ?? [])[0];
}

/** The order's document: it is waited for, because a refund cannot stand before what it refunds. */
async function standingOrder(
  session: QuickBooksSession,
  orderId: bigint,
  body: RefundBody,
): Promise<LinkFacts> {
  const known = await orderLink(session, orderId);
  if (known !== undefined) return known;
  const form = body.orderForm ?? 'SalesReceipt';
  return await session.links.waitFor('Order', orderId, form, orderWaitMs);
}

async function standingForm(
  { push, session }: RefundContext,
  form: FormBody,
  link: LinkFacts | undefined,
): Promise<Standing> {
  // A refund that was only money before has no document with lines yet.
  const own = link?.remoteType === form.type ? link : undefined;
  const current = currentStanding(own, form);
  if (current !== null) return current;
  return await postForm(push, session, form, { entityType: 'Refund', entityId: push.subjectId, link: own });
}

async function postOneExpense(
  context: RefundContext,
  expense: RefundBody['expenses'][number],
): Promise<RefundMoney['expenses'][number]> {
  const { account, amount } = expense;
  const known = context.known.expenses.find((one) => one.account === account);
  if (known !== undefined && known.amount === amount) return known;
  const entity = await postExpense(context, { ...expense, date: context.body.date }, known?.id ?? null);
  await saveMoney(context, 'Purchase', entity, { account, gateway: expense.gateway });
  return { account, id: entity.Id, amount };
}

/** Closes the credit with what it pays for: the money that went back, or the order's invoice. */
async function apply(
  context: RefundContext,
  form: Standing | null,
  expenses: RefundMoney['expenses'],
): Promise<RefundMoney['application']> {
  const { body, order, known } = context;
  const { application, currency } = body;
  if (application === null) return null;
  const minor = (amount: string): bigint => parseMinor(amount, currency);
  const earlier = await earlierMemos(context.session, application);
  const uses: Use[] = [
    ...(form === null
      ? []
      : [{ type: 'CreditMemo' as const, id: form.id, amountMinor: minor(application.own) }]),
    ...earlier.map((one) => ({ type: 'CreditMemo' as const, id: one.id, amountMinor: minor(one.amount) })),
    ...expenses.map((one) => ({ type: 'Expense' as const, id: one.id, amountMinor: minor(one.amount) })),
    ...(order?.remoteType === 'Invoice'
      ? [{ type: 'Invoice' as const, id: order.remoteId, amountMinor: minor(application.toInvoice) }]
      : []),
  ].filter((one) => one.amountMinor > 0n);
  const told = uses.map((one) => `${one.type} ${one.id} ${one.amountMinor}`).join(', ');
  if (known.application?.uses === told) return known.application;
  const entity = await postApplication(context, body.date, uses, known.application?.id ?? null);
  await saveMoney(context, 'Payment', entity, {});
  return { id: entity.Id, uses: told };
}

/** Remembered at once: what was paid out must never be paid out again. */
async function saveMoney(
  context: RefundContext,
  remoteType: 'Purchase' | 'Payment',
  entity: Entity,
  more: Record<string, unknown>,
): Promise<void> {
  await context.session.links.save({
    entityType: 'Refund',
    entityId: context.push.subjectId,
    remoteType,
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: { ...moneyState(entity), ...more },
  });
}

/** Credit memos of earlier refunds whose credit is paid out now. */
async function earlierMemos(
  session: QuickBooksSession,
  application: ApplicationBody,
): Promise<{ id: string; amount: string }[]> {
  return await Promise.all(
    application.fromEarlier.map(async ({ refundId, amount }) => {
      const link = await session.links.waitFor('Refund', BigInt(refundId), 'CreditMemo', orderWaitMs);
      return { id: link.remoteId, amount };
    }),
  );
}

function outcomeOf(context: RefundContext, form: Standing | null, money: RefundMoney): PushOutcome {
  const { body } = context;
  const about = { refundMark: body.mark, orderId: body.orderId, ...money };
  const documents = [
    ...money.expenses.map((one) => ({ type: 'Purchase', id: one.id })),
    ...(money.application === null ? [] : [{ type: 'Payment', id: money.application.id }]),
  ];
  if (form !== null && body.form !== null)
    return {
      remoteType: body.form.type,
      remoteId: form.id,
      remoteVersion: form.version,
      state: { ...form.state, ...about },
      adopted: form.adopted,
      detail: { ...form.detail, documents },
    };
  const [first] = money.expenses;
  if (first === undefined) throw unpostable(body.docNumber, 'Neither goods nor money went back.');
  return {
    remoteType: 'Purchase',
    remoteId: first.id,
    remoteVersion: '0',
    state: { ...about, total: first.amount, currency: body.currency, docNumber: body.docNumber },
    adopted: false,
    detail: { docNumber: body.docNumber, total: first.amount, currency: body.currency, documents },
  };
}

function unpostable(docNumber: string, why: string): AppError {
  return new AppError({
    code: 'REFUND_NOT_POSTABLE',
    retryable: false,
    publicMessage: `Refund ${docNumber} has no form in the books: ${why}`,
    remedy: 'Post it in QuickBooks by hand; this push may stay as it is.',
  });
}
