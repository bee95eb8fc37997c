import type { OrderSnapshot } from '../../../model/snapshot.ts';
import { inBookDecimals } from '../../accounting/book-decimals.ts';
import {
  documentsForOrder,
  documentsForRefund,
  type OrderForm,
  type PostedForms,
  type Posting,
} from '../../accounting/documents.ts';
import type { PostingPolicy } from '../../accounting/policy.ts';

// What orders and refunds are in QuickBooks, which keeps two decimals of every currency.

export function orderPosting(
  order: OrderSnapshot,
  policy: PostingPolicy,
  posted: OrderForm | null = null,
): Posting {
  return inBookDecimals(documentsForOrder(order, policy, posted));
}

export function refundPosting(
  order: OrderSnapshot,
  refundId: bigint,
  policy: PostingPolicy,
  posted: PostedForms,
): Posting {
  return inBookDecimals(documentsForRefund(order, refundId, policy, posted));
}
