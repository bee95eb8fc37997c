import type { Queryable } from '../../db/pool.ts';
import type { PayoutSnapshot, PayoutTransactionSnapshot } from '../../model/snapshot.ts';

/**
 * Payouts by id. Orders and refunds are looked up now and not when the payout became known: they may have come later.
 * Where a webhook told the order its payments have no ids of the platform, so that its charge is known by the order alone.
 */
export async function loadPayoutSnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, PayoutSnapshot>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<PayoutRow>({
    name: 'load-payout-snapshots',
    text: `select p.id, p.connection_id as "connectionId", n.platform, p.remote_id as "remoteId", p.currency, p.status,
             p.net_minor as "netMinor", p.issued_at as "issuedAt", p.trace_id as "traceId", p.created_at as "createdAt",
             coalesce((select json_agg(json_build_object('remoteId', t.remote_id, 'part', t.part, 'type', t.type,
                'amountMinor', t.amount_minor::text, 'feeMinor', t.fee_minor::text, 'reason', t.reason,
                'orderId', o.id::text, 'orderNumber', o.number, 'refundId', x.refund_id::text,
                'documentAt', coalesce(r.refunded_at, o.placed_at)) order by t.processed_at, t.remote_id)
              from payout_transaction t
              left join sales_order o on o.connection_id = p.connection_id and o.remote_id = t.order_remote_id
              left join order_transaction x on x.order_id = o.id and x.remote_id = t.transaction_remote_id
              left join refund r on r.id = x.refund_id
              where t.payout_id = p.id), '[]') as transactions
           from payout p join connection n on n.id = p.connection_id
           where p.id = any($1::bigint[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, payoutOf(row)]));
}

interface PayoutRow extends Omit<PayoutSnapshot, 'type' | 'transactions' | 'gateway'> {
  transactions: (Omit<
    PayoutTransactionSnapshot,
    'amountMinor' | 'feeMinor' | 'orderId' | 'refundId' | 'documentAt'
  > & {
    amountMinor: string;
    feeMinor: string;
    orderId: string | null;
    refundId: string | null;
    documentAt: string | null;
  })[];
}

function payoutOf(row: PayoutRow): PayoutSnapshot {
  return {
    ...row,
    type: 'Payout',
    gateway: 'shopify_payments',
    transactions: row.transactions.map((one) => ({
      ...one,
      amountMinor: BigInt(one.amountMinor),
      feeMinor: BigInt(one.feeMinor),
      orderId: one.orderId === null ? null : BigInt(one.orderId),
      refundId: one.refundId === null ? null : BigInt(one.refundId),
      documentAt: one.documentAt === null ? null : new Date(one.documentAt),
    })),
  };
}
