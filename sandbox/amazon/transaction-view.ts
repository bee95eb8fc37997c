import type { Account, Transaction } from './account.ts';
import { decimal, iso } from './views.ts';

/** Amounts are JSON numbers here, and only here. */
export function transactionView(account: Account, transaction: Transaction): object {
  const money = (minor: number) => ({
    currencyCode: transaction.currency,
    currencyAmount: Number(decimal(minor)),
  });
  const total = transaction.lines.flatMap((line) => line.amounts).reduce((sum, one) => sum + one.minor, 0);
  const breakdowns = (amounts: Transaction['lines'][number]['amounts']): object[] =>
    [...Map.groupBy(amounts, (one) => one.container)].map(([container, inner]) => ({
      breakdownType: container,
      breakdownAmount: money(inner.reduce((sum, one) => sum + one.minor, 0)),
      breakdowns: inner.map((one) => ({
        breakdownType: one.type,
        breakdownAmount: money(one.minor),
        breakdowns: [],
      })),
    }));
  return {
    sellingPartnerMetadata: {
      sellingPartnerId: account.profile.sellerId,
      accountType: 'Standard Orders',
      marketplaceId: account.profile.marketplaceId,
    },
    relatedIdentifiers: [
      { relatedIdentifierName: 'ORDER_ID', relatedIdentifierValue: transaction.orderId },
      ...(transaction.refundId === null
        ? []
        : [{ relatedIdentifierName: 'REFUND_ID', relatedIdentifierValue: transaction.refundId }]),
      ...(transaction.releases === null
        ? []
        : [
            {
              relatedIdentifierName: 'DEFERRED_TRANSACTION_ID',
              relatedIdentifierValue: transaction.releases,
            },
          ]),
    ],
    transactionType: transaction.type,
    transactionId: transaction.id,
    transactionStatus: transaction.status,
    description: transaction.type === 'Refund' ? 'Refund Order' : 'Order Payment',
    postedDate: iso(transaction.postedMs),
    totalAmount: money(total),
    marketplaceDetails: {
      marketplaceId: account.profile.marketplaceId,
      marketplaceName: account.profile.marketplaceName,
    },
    items: transaction.lines.map((line) => ({
      description: line.title,
      relatedIdentifiers: [],
      totalAmount: money(line.amounts.reduce((sum, one) => sum + one.minor, 0)),
      breakdowns: breakdowns(line.amounts),
      contexts: [
        {
          contextType: 'ProductContext',
          asin: line.asin,
          sku: line.sku,
          quantityShipped: line.quantity,
          fulfillmentNetwork: line.fulfilledBy === 'AMAZON' ? 'AFN' : 'MFN',
        },
      ],
    })),
    contexts: [],
    breakdowns: breakdowns(transaction.lines.flatMap((line) => line.amounts)),
  };
}
