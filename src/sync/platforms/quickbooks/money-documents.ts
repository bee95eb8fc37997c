import { AppError } from '../../../errors.ts';
import { parseMinor } from '../../../model/money.ts';
import type { PushTask } from '../platform.ts';
import { moneyAccount, receivable, undepositedFunds } from './accounts.ts';
import { booksOf, type DocumentName, type Entity, type QuickBooksSession, quoted } from './client.ts';
import type { Company } from './company.ts';
import { requestIdOf } from './customers.ts';
import { awaitingCredit, businessRule, isFault } from './fault.ts';
import { contentHash, formState, markIn, markOf, noteWithMark } from './form-body.ts';
import { currencyFields, jsonAmount, postingDate } from './form-entity.ts';
import { noteSettled } from './own-records.ts';
import { readSettings } from './settings.ts';
import { updateStanding } from './update-standing.ts';

/** What payments, expenses and applications of one order or refund have in common. */
export interface MoneyContext {
  push: PushTask;
  session: QuickBooksSession;
  company: Company;
  customerId: string;
  currency: string;
  source: string;
  docNumber: string;
  note: string;
  /** It was posted before and may stand already: it is looked for first. */
  isRepost: boolean;
}

/** Money of a customer that came in, spent on an invoice as far as that is open. */
export async function postPayment(
  context: MoneyContext,
  payment: {
    account: string | null;
    amount: string;
    applied: string;
    date: string;
    key: string;
    invoiceId: string;
  },
): Promise<Entity> {
  const { currency } = context;
  const applied = parseMinor(payment.applied, currency);
  const posted = await post(context, 'Payment', `payment ${payment.key}`, payment.date, {
    CustomerRef: { value: context.customerId },
    TotalAmt: Number(payment.amount),
    PaymentRefNum: context.docNumber,
    ...(payment.account === null
      ? {}
      : { DepositToAccountRef: { value: await moneyAccount(context.session, payment.account) } }),
    Line:
      applied <= 0n
        ? []
        : [
            {
              Amount: jsonAmount(applied, currency),
              LinkedTxn: [{ TxnId: payment.invoiceId, TxnType: 'Invoice' }],
            },
          ],
  });
  if (applied > 0n) noteSettled(context.session, posted, [{ type: 'Invoice', id: payment.invoiceId }]);
  return posted;
}

/** Money that went back: out of the account that it left, onto the customer's receivable, where their credit waits for it. */
export async function postExpense(
  context: MoneyContext,
  expense: { account: string | null; amount: string; date: string },
  standingId: string | null,
): Promise<Entity> {
  const { session, company, currency } = context;
  const [account, customers] = await Promise.all([
    expense.account === null ? undepositedFunds(session) : moneyAccount(session, expense.account),
    receivable(session, company, currency),
  ]);
  const lines = [
    {
      Amount: Number(expense.amount),
      DetailType: 'AccountBasedExpenseLineDetail',
      Description: `Refund ${context.docNumber}`,
      AccountBasedExpenseLineDetail: { AccountRef: { value: customers } },
    },
  ];
  if (standingId !== null) return await change(context, 'Purchase', standingId, { Line: lines });
  return await post(context, 'Purchase', `expense ${expense.account ?? ''}`, expense.date, {
    PaymentType: 'Cash',
    DocNumber: context.docNumber,
    AccountRef: { value: account },
    EntityRef: { value: context.customerId, type: 'Customer' },
    // No tax is part of it: the credit memo gave that back.
    ...(company.country === 'US' ? {} : { GlobalTaxCalculation: 'NotApplicable' }),
    Line: lines,
  });
}

export interface Use {
  type: 'CreditMemo' | 'Expense' | 'Invoice';
  id: string;
  amountMinor: bigint;
}

/** Closes credits against what they pay for. It comes to nothing itself. */
export async function postApplication(
  context: MoneyContext,
  date: string,
  uses: readonly Use[],
  standingId: string | null,
): Promise<Entity> {
  const lines = uses.map((one) => ({
    Amount: jsonAmount(one.amountMinor, context.currency),
    LinkedTxn: [{ TxnId: one.id, TxnType: one.type }],
  }));
  const fields = { CustomerRef: { value: context.customerId }, TotalAmt: 0, Line: lines };
  const settles = (payment: Entity): Entity => {
    noteSettled(context.session, payment, uses);
    return payment;
  };
  try {
    if (standingId !== null) return settles(await change(context, 'Payment', standingId, fields));
    const payment = await post(context, 'Payment', `application ${JSON.stringify(lines)}`, date, {
      ...fields,
      PaymentRefNum: context.docNumber,
    });
    return settles(payment);
  } catch (error) {
    throw isFault(error, businessRule) ? awaitingCredit(error) : error;
  }
}

/** What is kept with the link of a document without lines of goods. */
export function moneyState(entity: Entity): Record<string, unknown> {
  return { ...formState(entity), written: contentHash(entity) };
}

/**
 * Creates it once: the request id is made of what it is for. After an attempt whose outcome is unknown it is looked for
 * first, because QuickBooks does not remember request ids for ever.
 */
async function post(
  context: MoneyContext,
  type: Extract<DocumentName, 'Payment' | 'Purchase'>,
  key: string,
  date: string,
  fields: Record<string, unknown>,
): Promise<Entity> {
  const { session, push, source, currency, company } = context;
  const books = booksOf(session);
  const settings = readSettings(session.settings);
  const mark = markOf([key, fields.TotalAmt ?? null, fields.Line]);
  const field = type === 'Payment' ? 'PaymentRefNum' : 'DocNumber';
  if (push.attempt > 1 || context.isRepost) {
    const found = await books.query(type, `where ${field} = ${quoted(context.docNumber)} maxresults 100`);
    const own = found.find((one) => markIn(one)?.source === source && markIn(one)?.mark === mark);
    if (own !== undefined) return own;
  }
  const opened = postingDate({ date }, company, settings);
  const created = await books.create(
    type,
    {
      TxnDate: opened.date,
      PrivateNote: noteWithMark({ note: context.note, source, mark }),
      ...currencyFields(currency, company, settings),
      ...fields,
    },
    {
      // The first id would only bring back the answer of then, about a document that is gone.
      requestId: requestIdOf(
        type,
        context.isRepost ? push.idempotencyKey : session.accountId,
        source,
        key,
        mark,
      ),
      // The money of one refund may leave several accounts under its one number.
      allowDuplicateDocNumber: true,
    },
  );
  const wanted = type === 'Payment' ? Number(fields.TotalAmt) : totalOf(fields.Line);
  if (created.TotalAmt === wanted) return created;
  throw new AppError({
    code: 'BOOKS_DISAGREE',
    retryable: false,
    publicMessage: `QuickBooks made ${String(created.TotalAmt)} of a ${type} over ${String(wanted)} ${currency}.`,
    remedy: 'Compare it with the refund or payment in QuickBooks, then retry.',
  });
}

async function change(
  context: MoneyContext,
  type: Extract<DocumentName, 'Payment' | 'Purchase'>,
  id: string,
  fields: Record<string, unknown>,
): Promise<Entity> {
  return await updateStanding(booksOf(context.session), type, { id, version: null }, fields, {
    requestId: null,
    refuse: () => null,
  });
}

function totalOf(lines: unknown): number {
  return (lines as { Amount: number }[])[0]?.Amount ?? 0;
}
