import type { OrderForm, RefundForm } from '../../accounting/documents.ts';
import { documentsForOrder, documentsForRefund } from '../../accounting/documents.ts';
import type { BooksView } from '../platform.ts';
import { policyOf, readSettings } from './settings.ts';

/** What orders and refunds are in these books, without asking them. */
export const booksView: BooksView = {
  forms: ['SalesReceipt', 'Invoice'],
  refundForms: ['CreditMemo', 'RefundReceipt'],
  rows: { Expense: 'Purchase', CreditApplication: 'Payment' },
  posting(order, refundId, settings, standing) {
    const policy = policyOf(readSettings(settings));
    const posted = standing.order as OrderForm | null;
    return refundId === null
      ? documentsForOrder(order, policy, posted)
      : documentsForRefund(order, refundId, policy, {
          order: posted,
          refund: standing.refund as RefundForm | null,
        });
  },
  urlOf: (remoteType, remoteId) =>
    `https://qbo.intuit.com/app/${pages[remoteType] ?? remoteType.toLowerCase()}?txnId=${encodeURIComponent(remoteId)}`,
};

/** Where QuickBooks shows a record; most pages are called as the record is. */
const pages: Readonly<Record<string, string>> = { Payment: 'recvpayment', Purchase: 'expense' };
