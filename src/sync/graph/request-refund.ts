import type { Edit } from '../../model/change.ts';
import type { RefundWish } from '../../model/refund-request.ts';
import { toJson } from './canonical-json.ts';
import { InvalidInput, notFound, planLater, touch, type WriteContext } from './write-context.ts';

type RefundRequest = Extract<Edit, { kind: 'refundRequest' }>;

/**
 * Asks the order's own platform to give something back. The graph learns of the refund from there: what is refused leaves
 * nothing behind. Requests that are on their way count as given back already.
 */
export async function requestRefund(context: WriteContext, edit: RefundRequest): Promise<'applied'> {
  const { wish, orderId } = edit;
  const { rows } = await context.tx.query<OrderFacts>({
    name: 'order-to-refund',
    text: `select o.total_minor as "totalMinor", o.paid_minor as "paidMinor", o.refunded_minor as "refundedMinor",
             coalesce((select json_agg(json_build_object('id', l.id::text, 'left', l.quantity - l.refunded_quantity))
               from order_line l where l.order_id = o.id), '[]') as lines,
             array(select q.body from refund_request q where q.order_id = o.id and exists (
               select 1 from push p where p.subject_type = 'RefundRequest' and p.subject_id = q.id
                 and p.status in ('pending', 'running', 'retrying'))) as "underWay"
           from sales_order o where o.id = $1 and o.removed_at is null for no key update of o`,
    values: [orderId],
  });
  const order = rows[0];
  if (order === undefined) throw notFound('order', orderId);
  check(order, wish);
  const written = await context.tx.query<{ id: bigint }>({
    name: 'write-refund-request',
    text: 'insert into refund_request (order_id, body) values ($1, $2::jsonb) returning id',
    values: [orderId, toJson(wish)],
  });
  const id = written.rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  touch(context.effects, 'RefundRequest', id);
  planLater(context.effects, 'RefundRequest', id);
  return 'applied';
}

interface OrderFacts {
  totalMinor: bigint;
  paidMinor: bigint;
  refundedMinor: bigint;
  lines: { id: string; left: number }[];
  underWay: { lines: { orderLineId: string; quantity: number }[]; amountMinor: string | null }[];
}

function check(order: OrderFacts, wish: RefundWish): void {
  if (wish.lines.length === 0 && !wish.shipping && wish.amountMinor === null)
    throw new InvalidInput('lines', 'must name what is given back: lines, shipping or an amount.');
  const wanted = new Map<string, number>();
  for (const line of wish.lines) {
    const key = String(line.orderLineId);
    if (!Number.isSafeInteger(line.quantity) || line.quantity <= 0)
      throw new InvalidInput('lines', 'must each have a quantity above 0.');
    wanted.set(key, (wanted.get(key) ?? 0) + line.quantity);
  }
  for (const [id, quantity] of wanted) {
    const known = order.lines.find((line) => line.id === id);
    if (known === undefined)
      throw new InvalidInput('lines', `names line ${id}, which the order does not have.`);
    const asked = order.underWay
      .flatMap((one) => one.lines)
      .filter((line) => line.orderLineId === id)
      .reduce((all, line) => all + line.quantity, 0);
    const left = known.left - asked;
    if (quantity > left)
      throw new InvalidInput(
        'lines',
        `asks for ${quantity} of a line of which ${left} are left to give back.`,
      );
  }
  if (wish.amountMinor === null) return;
  const asked = order.underWay.reduce((all, one) => all + BigInt(one.amountMinor ?? 0), 0n);
  const left = order.paidMinor - order.refundedMinor - asked;
  if (wish.amountMinor < 0n) throw new InvalidInput('amount', 'must not be below zero.');
  if (wish.amountMinor > left)
    throw new InvalidInput('amount', 'is more than what was paid and not given back yet.');
}
