import type { OrderForm, RefundForm } from '../../accounting/documents.ts';
import type { BooksView } from '../platform.ts';
import { shareType } from './day-share.ts';
import { orderPosting, refundPosting } from './postings.ts';
import { policyOf, readSettings } from './settings.ts';

/** What orders and refunds are in these books, without asking them. */
export const booksView: BooksView = {
  forms: ['SalesReceipt', 'Invoice', shareType],
  refundForms: ['CreditMemo', 'RefundReceipt', shareType],
  shareType,
  rows: { Expense: 'Purchase', CreditApplication: 'Payment' },
  posting(order, refundId, settings, standing) {
    const policy = policyOf(readSettings(settings));
    // A share of a day is what a receipt of its own would be.
    const posted = (standing.order === shareType ? 'SalesReceipt' : standing.order) as OrderForm | null;
    return refundId === null
      ? orderPosting(order, policy, posted)
      : refundPosting(order, refundId, policy, {
          order: posted,
          refund: (standing.refund === shareType ? 'RefundReceipt' : standing.refund) as RefundForm | null,
        });
  },
  urlOf: (remoteType, remoteId) =>
    `https://qbo.intuit.com/app/${pages[remoteType] ?? remoteType.toLowerCase()}?txnId=${encodeURIComponent(remoteId)}`,
};

/** Where QuickBooks shows a record; most pages are called as the record is. */
const pages: Readonly<Record<string, string>> = { Payment: 'recvpayment', Purchase: 'expense' };
