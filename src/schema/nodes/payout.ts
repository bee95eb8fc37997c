import { rowsById, rowsOfParents } from '../../loaders/rows.ts';
import { read, sql } from '../../loaders/sql.ts';
import {
  type PayoutRow,
  type PayoutTransactionRow,
  payouts,
  payoutTransactions,
} from '../../loaders/tables.ts';
import { builder } from '../builder.ts';
import { Money, money } from '../common.ts';
import { enumOf } from '../enums.ts';
import { Order, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { PlatformRecord, recordsOf } from './platform-record.ts';
import { pushesField } from './pushes-of.ts';

const PayoutStatusEnum = enumOf('PayoutStatus', 'What became of a payout.', {
  scheduled: 'On its way to the bank.',
  paid: 'In the bank.',
  failed: 'The bank sent it back; its money is part of a later one.',
  cancelled: 'Never sent.',
});

const PayoutPartEnum = enumOf('PayoutPart', 'What a part of a payout is about.', {
  charge: 'A payment of a customer.',
  refund: 'Money that went back to a customer.',
  dispute: 'A payment that a customer disputes, or won back.',
  reserve: 'Held back by the payment company, or let go.',
  adjustment: 'Anything else that it gave or took.',
  returned_payout: 'Money of an earlier payout that the bank had sent back.',
});

/** Parts carry the currency of their payout and the graph's ids of what they are about. */
type Part = PayoutTransactionRow & { currency: string; orderId: string | null; refundId: string | null };

const PayoutTransaction = builder.objectRef<Part>('PayoutTransaction').implement({
  description: 'One part of a payout.',
  fields: (t) => ({
    part: t.expose('part' as never, { type: PayoutPartEnum, description: 'What it is about.' }),
    type: t.exposeString('type', { description: "The platform's own word for it." }),
    amount: t.field({
      type: Money,
      description: 'Before the fee; below zero where money was taken.',
      resolve: (one) => money(one.amountMinor, one.currency),
    }),
    fee: t.field({
      type: Money,
      description: 'What the payment company kept.',
      resolve: (one) => money(one.feeMinor, one.currency),
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, in words.' }),
    processedAt: t.expose('processedAt', {
      type: 'DateTime',
      description: 'When the payment company booked it.',
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order it is about; null where there is none or the graph does not know it.',
      authScopes: { can: 'read:orders' },
      resolve: (one) => one.orderId,
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund whose money it took back.',
      authScopes: { can: 'read:orders' },
      resolve: (one) => one.refundId,
    }),
  }),
});

export const Payout = builder.loadableNodeRef<PayoutRow, string>('Payout', {
  id: { description: 'Globally unique and stable; opaque.', resolve: (row) => row.id },
  load: async (ids, context: OperationContext) => (await rowsById(context.db, payouts, ids)) as PayoutRow[],
});

Payout.implement({
  description: "What a payment company paid out to the retailer's bank.",
  fields: (t) => ({
    remoteId: t.exposeString('remoteId', { description: "The platform's id." }),
    status: t.expose('status' as never, { type: PayoutStatusEnum, description: 'What became of it.' }),
    net: t.field({
      type: Money,
      description: 'What reached the bank; below zero where the bank was debited.',
      resolve: (payout) => money(payout.netMinor, payout.currency),
    }),
    fees: t.loadable({
      type: Money,
      description: 'What the payment company kept of it.',
      load: (ids: string[], context) => feesOf(context, ids),
      resolve: (payout) => payout.id,
    }),
    issuedAt: t.expose('issuedAt', { type: 'DateTime', description: 'When it was sent.' }),
    traceId: t.exposeString('traceId', {
      nullable: true,
      description: 'What the bank statement names it by.',
    }),
    transactions: t.loadableGroup({
      type: PayoutTransaction,
      description: 'What it is made of.',
      load: (ids: string[], context) => partsOf(context, ids),
      group: (part) => (part as Part).payoutId,
      resolve: (payout) => payout.id,
    }),
    records: t.field({
      type: [PlatformRecord],
      description: 'The records that stand for it at the platforms: the deposit in the books.',
      resolve: (payout, _args, context) => recordsOf(context, 'Payout', payout.id),
    }),
    pushes: pushesField(t, 'Payout'),
  }),
});

async function partsOf(context: OperationContext, ids: readonly string[]): Promise<Part[]> {
  const rows = await rowsOfParents(context.db, payoutTransactions, 'payoutId', ids, {
    orderBy: 't.processed_at, t.id',
  });
  const links = await read<{ id: string; currency: string; orderId: string | null; refundId: string | null }>(
    context.db,
    sql`select t.id, p.currency, o.id as "orderId", x.refund_id as "refundId"
        from payout_transaction t join payout p on p.id = t.payout_id
        left join sales_order o on o.connection_id = p.connection_id and o.remote_id = t.order_remote_id
        left join order_transaction x on x.order_id = o.id and x.remote_id = t.transaction_remote_id
        where t.payout_id = any(${ids}::bigint[])`,
  );
  const byId = new Map(links.map((link) => [link.id, link]));
  return rows.flatMap((row) => {
    const link = byId.get(row.id);
    return link === undefined ? [] : [{ ...row, ...link }];
  });
}

async function feesOf(context: OperationContext, ids: readonly string[]) {
  const rows = await read<{ id: string; currency: string; feeMinor: string }>(
    context.db,
    sql`select p.id, p.currency, coalesce(sum(t.fee_minor), 0)::bigint as "feeMinor"
        from payout p left join payout_transaction t on t.payout_id = p.id
        where p.id = any(${ids}::bigint[]) group by p.id`,
  );
  const byId = new Map(rows.map((row) => [row.id, money(row.feeMinor, row.currency)]));
  return ids.map((id) => byId.get(id) ?? new Error(`there is no payout ${id}`));
}
