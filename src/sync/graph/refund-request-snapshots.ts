import type { Queryable } from '../../db/pool.ts';
import type { RefundWish } from '../../model/refund-request.ts';
import type { RefundRequestSnapshot } from '../../model/snapshot.ts';

interface Row {
  id: bigint;
  connectionId: bigint;
  orderRemoteId: string;
  currency: string;
  body: Omit<RefundWish, 'lines' | 'amountMinor'> & {
    amountMinor: string | null;
    lines: { orderLineId: string; quantity: number; restock: RefundWish['lines'][number]['restock'] }[];
  };
  remoteIds: Record<string, string>;
}

/** Requests by id, in the words of the platform that keeps the order. */
export async function loadRefundRequestSnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, RefundRequestSnapshot>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<Row>({
    name: 'load-refund-request-snapshots',
    text: `select q.id, o.connection_id as "connectionId", o.remote_id as "orderRemoteId", o.currency, q.body,
             (select json_object_agg(l.id::text, l.remote_id) from order_line l where l.order_id = o.id) as "remoteIds"
           from refund_request q join sales_order o on o.id = q.order_id where q.id = any($1::bigint[])`,
    values: [ids],
  });
  return new Map(
    rows.map(({ body, remoteIds, ...row }) => [
      row.id,
      {
        type: 'RefundRequest' as const,
        ...row,
        ...body,
        amountMinor: body.amountMinor === null ? null : BigInt(body.amountMinor),
        lines: body.lines.map((line) => ({
          lineRemoteId: remoteIds[line.orderLineId] ?? '',
          quantity: line.quantity,
          restock: line.restock,
        })),
      },
    ]),
  );
}
