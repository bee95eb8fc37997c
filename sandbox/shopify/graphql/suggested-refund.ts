import { add, type Bag, mulDiv, parseMinor, short, subtract, zeroBag, zip } from '../commerce/money.ts';
import { planRefund, type RefundPlan } from '../commerce/refund.ts';
import { refundable, refundedWorth, summarise } from '../commerce/summary.ts';
import type { Order, RestockType } from '../commerce/types.ts';
import { idOf } from '../shop.ts';
import type { Args } from './context.ts';

/** What the platform would give back for these lines and this shipping, and to which payments. Changes nothing. */
export function suggestedRefund(order: Order, args: Args): unknown {
  const all = args.suggestFullRefund === true;
  const lines = all
    ? order.lines.map((line) => ({
        lineId: line.id,
        quantity: line.quantity - line.refundedQuantity,
        restockType: 'NO_RESTOCK' as RestockType,
        locationId: null,
      }))
    : ((args.refundLineItems as Args[] | undefined) ?? []).map((one) => ({
        lineId: idOf('LineItem', String(one.lineItemId)) ?? '',
        quantity: one.quantity as number,
        restockType: 'NO_RESTOCK' as RestockType,
        locationId: null,
      }));
  const plan = planRefund(order, {
    lines: lines.filter((line) => line.quantity > 0),
    shipping:
      all || args.refundShipping === true
        ? { full: true }
        : args.shippingAmount == null
          ? null
          : { amount: shippingAmount(order, String(args.shippingAmount)) },
    duties: all || ((args.refundDuties as unknown[] | undefined) ?? []).length > 0,
    payments: [],
    allowOverRefunding: true,
    settle: false,
    status: 'SUCCESS',
    discrepancyReason: null,
  });
  const parts: Pick<RefundPlan, 'lines' | 'shipping' | 'duties'> = Array.isArray(plan)
    ? { lines: [], shipping: [], duties: [] }
    : plan;
  const { net } = summarise(order);
  const worth = add(
    ...[...parts.lines, ...parts.shipping].map((one) =>
      refundedWorth(one as Parameters<typeof refundedWorth>[0], order.taxesIncluded),
    ),
    ...parts.duties.map((one) => one.amount),
  );
  const amount = zip(worth, net, Math.min);
  const bag = (value: Bag): unknown => bagOf(order, value);
  const shippingSum = add(...parts.shipping.map((one) => one.subtotal));
  const shippingTax = add(...parts.shipping.flatMap((one) => one.taxes));
  let left = amount;
  const suggestedTransactions = order.transactions.flatMap((paid) => {
    const room = refundable(order, paid.id);
    if (room.shop <= 0) return [];
    const share = left.shop <= 0 ? zeroBag : left.shop >= room.shop ? room : left;
    left = subtract(left, share);
    return [
      {
        kind: 'SUGGESTED_REFUND',
        gateway: paid.gateway,
        amountSet: bag(share),
        maximumRefundableSet: bag(room),
        parentTransaction: paid,
      },
    ];
  });
  return {
    amountSet: bag(amount),
    maximumRefundableSet: bag(net),
    subtotalSet: bag(add(...parts.lines.map((one) => one.subtotal))),
    discountedSubtotalSet: bag(add(...parts.lines.map((one) => one.subtotal))),
    totalTaxSet: bag(add(...parts.lines.flatMap((one) => one.taxes), shippingTax)),
    totalDutiesSet: bag(add(...parts.duties.map((one) => one.amount))),
    totalCartDiscountAmountSet: bag(add(...parts.lines.map((one) => one.discount))),
    shipping: {
      amountSet: bag(shippingSum),
      taxSet: bag(shippingTax),
      maximumRefundableSet: bag(summarise(order).currentShipping),
    },
    suggestedTransactions,
  };
}

function shippingAmount(order: Order, text: string): Bag {
  const { currentShipping } = summarise(order);
  const minor = parseMinor(text, order.currency);
  return {
    shop: minor,
    presentment:
      currentShipping.shop === 0 ? 0 : mulDiv(currentShipping.presentment, minor, currentShipping.shop),
  };
}

function bagOf(order: Order, bag: Bag): unknown {
  return {
    shopMoney: { amount: short(bag.shop, order.currency), currencyCode: order.currency },
    presentmentMoney: {
      amount: short(bag.presentment, order.presentmentCurrency),
      currencyCode: order.presentmentCurrency,
    },
  };
}
