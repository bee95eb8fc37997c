import { AppError } from '../../../errors.ts';
import type { Platform, PushOutcome, PushTask } from '../platform.ts';
import { booksView } from './books.ts';
import type { QuickBooksSession } from './client.ts';
import { prepareCompany } from './company.ts';
import { performCustomer, performCustomerErase, planCustomer } from './customers.ts';
import { documentsOn } from './day-documents.ts';
import { performShare, shareType } from './day-share.ts';
import { performDaySummary, planDaySummary } from './day-summary.ts';
import { performDeposit, planDeposit } from './deposit.ts';
import { door } from './door.ts';
import { examine } from './examine.ts';
import { toAppError } from './fault.ts';
import { interpret } from './interpret.ts';
import { policyDesk } from './policy.ts';
import { assertReady } from './readiness.ts';
import { performRefund } from './refund.ts';
import { planRefund } from './refund-plan.ts';
import { performSale } from './sale.ts';
import { planSale } from './sale-plan.ts';
import { type QuickBooksCredentials, quickBooksCredentials } from './settings.ts';
import { sweep } from './sweep.ts';

export const quickbooks: Platform<QuickBooksCredentials> = {
  name: 'quickbooks',
  credentials: quickBooksCredentials,
  door,
  // An order's sale is one kind of push, whichever form it has in the books: a receipt or an invoice with payments.
  pushKinds: ['salesReceipt', 'creditMemo', 'deposit', 'daySummary', 'customer', 'customerErase'],
  // QuickBooks grants 500 a minute and 10 a second; 8 a second keep within both.
  rateLimit: { requests: 8, windowMs: 1000, concurrent: 8 },
  linkTypes: {
    Customer: 'Customer',
    Order: 'SalesReceipt',
    Refund: 'CreditMemo',
    Payout: 'Deposit',
    DaySummary: 'SalesReceipt',
  },
  keepsBooks: true,
  books: booksView,
  policy: policyDesk,
  otherLinkTypes: {
    Order: ['Invoice', shareType],
    Refund: ['RefundReceipt', 'Purchase', shareType],
    Payout: ['Purchase'],
    DaySummary: ['RefundReceipt'],
  },
  interpret: (delivery, session) => interpret(delivery, session),
  plan(snapshot, context) {
    switch (snapshot.type) {
      case 'Order':
        return planSale(snapshot, context);
      case 'Customer':
        return planCustomer(snapshot, context);
      case 'Refund':
        return planRefund(snapshot, context);
      case 'Payout':
        return planDeposit(snapshot, context);
      case 'DaySummary':
        return planDaySummary(snapshot, context);
      case 'RefundRequest':
      case 'StockLevel':
      case 'Variant':
        return [];
      default:
        return snapshot satisfies never;
    }
  },
  async perform(push, session) {
    try {
      return await carryOut(push, session);
    } catch (error) {
      throw toAppError(error, doing[push.kind] ?? push.kind);
    }
  },
  /** Webhook subscriptions belong to the app and are set up there once; items and accounts belong to the company. */
  async prepare(session) {
    await assertReady(session);
    await prepareCompany(session);
  },
  examine,
  documentsOn,
  sweep,
};

const doing: Readonly<Record<string, string>> = {
  salesReceipt: 'posting the sale',
  creditMemo: 'posting the refund',
  deposit: 'posting the payout',
  daySummary: 'posting the day',
  customer: 'updating the customer',
  customerErase: 'erasing the customer',
};

/** Kinds of pushes that write documents. */
const documentKinds: readonly string[] = ['salesReceipt', 'creditMemo', 'deposit', 'daySummary'];

async function carryOut(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  if ((push.body as { type?: unknown }).type === shareType) return await performShare(push, session);
  if (documentKinds.includes(push.kind)) await assertReady(session);
  switch (push.kind) {
    case 'salesReceipt':
      return performSale(push, session);
    case 'creditMemo':
      return performRefund(push, session);
    case 'deposit':
      return performDeposit(push, session);
    case 'daySummary':
      return performDaySummary(push, session);
    case 'customer':
      return performCustomer(push, session);
    case 'customerErase':
      return performCustomerErase(push, session);
    default:
      throw new AppError({
        code: 'UNKNOWN_PUSH_KIND',
        retryable: false,
        publicMessage: `QuickBooks is never sent a ${push.kind}.`,
      });
  }
}
