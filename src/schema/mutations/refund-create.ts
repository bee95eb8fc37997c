import { parseMinor } from '../../model/money.ts';
import { InvalidInput } from '../../sync/graph/write-context.ts';
import { builder } from '../builder.ts';
import { enumOf } from '../enums.ts';
import { Order, OrderLine, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const RestockEnum = enumOf('RestockDisposition', 'What becomes of goods that are given back.', {
  return: 'They came back and go onto the shelf.',
  cancel: 'They never left.',
  no_restock: 'They are not sold again: damaged, or kept by the customer.',
});

const RefundToEnum = enumOf('RefundDestination', 'Where money goes back to.', {
  original: 'To where it was paid.',
  store_credit: 'It stays with the shop as credit of the customer.',
});

const DiscrepancyEnum = enumOf('RefundDiscrepancyReason', 'Why less or more goes back than came back.', {
  restock: 'A fee for putting things back.',
  damage: 'They came back damaged.',
  customer: 'For the sake of the customer.',
  other: 'Another reason.',
});

const RefundLineInput = builder.inputType('RefundLineInput', {
  description: 'How much of a line is given back.',
  fields: (t) => ({
    orderLineId: t.globalID({ for: OrderLine, required: true, description: 'Of which line.' }),
    quantity: t.int({ required: true, description: 'How many; above 0.' }),
    restock: t.field({ type: RestockEnum, defaultValue: 'return', description: 'What becomes of them.' }),
  }),
});

const RefundCreateInput = builder.inputType('RefundCreateInput', {
  description: 'What to give back: lines, shipping, an amount, or some of each.',
  fields: (t) => ({
    orderId: t.globalID({ for: Order, required: true, description: 'Of which order.' }),
    lines: t.field({
      type: [RefundLineInput],
      description: 'Lines of the order that are given back, with how many of each; left out: money alone.',
    }),
    shipping: t.boolean({ defaultValue: false, description: 'All that is left of the shipping.' }),
    amount: t.field({
      type: 'Decimal',
      description: "Money in the shop's currency; what lines and shipping are worth unless told.",
    }),
    discrepancyReason: t.field({ type: DiscrepancyEnum, description: 'Why the amount is another one.' }),
    to: t.field({ type: RefundToEnum, defaultValue: 'original', description: 'Where the money goes.' }),
    note: t.string({ description: 'Why, in words.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

interface RefundCreateValue extends PayloadValue {
  orderId: string;
}

const RefundCreatePayload = builder.objectRef<RefundCreateValue>('RefundCreatePayload').implement({
  description: 'What giving something back has done.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order as it is now.',
      authScopes: { can: 'read:orders' },
      resolve: (payload) => (payload.subjectId === null ? null : payload.orderId),
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description:
        'The refund, once the shop has made it: with `wait`, or when asked again with the same key.',
      authScopes: { can: 'read:orders' },
      resolve: (payload, _args, context) => refundOf(context, payload),
    }),
    ...pushFields(t as never, 'write:orders'),
  }),
});

builder.mutationField('refundCreate', (t) =>
  t.field({
    type: RefundCreatePayload,
    description:
      'Gives something back at the shop where the order was placed; books and CRM follow. What is more than was bought or paid is refused before anything is sent.',
    authScopes: { can: 'write:orders' },
    args: { input: t.arg({ type: RefundCreateInput, required: true, description: 'What to give back.' }) },
    resolve: async (_root, { input }, context) => {
      const { orderId, lines, shipping, amount, discrepancyReason, to, note } = input;
      const wish = {
        lines: (lines ?? []).map((line) => ({
          orderLineId: BigInt(line.orderLineId.id),
          quantity: line.quantity,
          restock: line.restock ?? 'return',
        })),
        shipping: shipping ?? false,
        discrepancyReason: discrepancyReason ?? null,
        to: to ?? 'original',
        note: note ?? null,
      };
      const facts = [
        orderId.id,
        JSON.stringify(wish, (_k, v) => (typeof v === 'bigint' ? String(v) : v)),
        amount ?? null,
      ];
      const payload = await mutate(context, { name: 'refundCreate', input, facts }, async (tx) => {
        const { rows } = await tx.query<{ currency: string }>(
          'select currency from sales_order where id = $1',
          [orderId.id],
        );
        const currency = rows[0]?.currency ?? 'USD';
        const effect = await applyEdit(
          tx,
          context,
          {
            kind: 'refundRequest',
            orderId: BigInt(orderId.id),
            wish: { ...wish, amountMinor: amountOf(amount, currency) },
          },
          'RefundRequest',
        );
        return { ...effect, followOrderId: orderId.id };
      });
      return { ...payload, orderId: orderId.id };
    },
  }),
);

function amountOf(amount: string | null | undefined, currency: string): bigint | null {
  if (amount === undefined || amount === null) return null;
  try {
    return parseMinor(amount, currency);
  } catch {
    throw new InvalidInput('amount', `is no amount of ${currency}.`);
  }
}

async function refundOf(context: OperationContext, payload: RefundCreateValue): Promise<string | null> {
  if (payload.subjectId === null) return null;
  const { rows } = await context.db.query<{ id: bigint }>({
    name: 'refund-of-request',
    text: `select r.id from link l join refund r on r.remote_id = l.remote_id and r.order_id = $2
           where l.entity_type = 'RefundRequest' and l.entity_id = $1 and l.remote_type = 'refund'`,
    values: [payload.subjectId, payload.orderId],
  });
  return rows[0]?.id.toString() ?? null;
}
