import {
  type Account,
  AccountError,
  type AmazonOrder,
  type OrderItem,
  type Transaction,
  type TransactionLine,
} from './account.ts';

/** Amazon's share of the price, in tenths of a per cent. */
const commissionPerMille = 150;

export function postShipment(
  account: Account,
  order: AmazonOrder,
  sent: readonly { item: OrderItem; quantity: number }[],
): Transaction {
  const lines = sent.map(({ item, quantity }) =>
    lineOf(order, item, quantity, 1, wholeOf(order, item, quantity)),
  );
  return post(account, order, { type: 'Shipment', status: 'DEFERRED', refundId: null, lines });
}

export interface RefundInput {
  /** What is given back; everything where it is absent. `amount` gives money without taking goods back. */
  items?: { sku: string; quantity?: number; amount?: string }[];
  shipping?: boolean;
  /** Amazon keeps the money back until delivery: the refund is told as deferred, and again when it is released. */
  deferred?: boolean;
}

/** Gives money back to the buyer. Amazon's order does not change by it. */
export function refundOrder(account: Account, id: string, input: RefundInput = {}): Transaction {
  const order = account.order(id);
  if (order.items.every((item) => item.fulfilled === 0))
    throw new AccountError(`order ${id} was not charged: cancel it instead`);
  const asked =
    input.items ??
    order.items
      .filter((item) => item.fulfilled > item.refunded)
      .map((item): { sku: string; quantity?: number; amount?: string } => ({ sku: item.sku }));
  const lines = asked.map(({ sku, quantity, amount }) => {
    const item = order.items.find(
      (one) => one.sku === sku && (amount !== undefined || one.fulfilled > one.refunded),
    );
    if (item === undefined) throw new AccountError(`nothing of ${sku} is left to refund`);
    if (amount !== undefined)
      return lineOf(order, item, item.quantity, -1, {
        ...nothing,
        principal: Math.round(Number(amount) * 100),
      });
    const pieces = Math.min(quantity ?? item.fulfilled - item.refunded, item.fulfilled - item.refunded);
    item.refunded += pieces;
    const whole = wholeOf(order, item, pieces);
    const withShipping = input.shipping ?? input.items === undefined;
    return lineOf(
      order,
      item,
      pieces,
      -1,
      withShipping ? whole : { ...whole, shipping: 0, shippingTax: 0, shippingDiscount: 0 },
    );
  });
  const refund = post(account, order, {
    type: 'Refund',
    status: input.deferred === true ? 'DEFERRED' : 'RELEASED',
    refundId: `RF-${account.digits('refund', 12)}`,
    lines,
  });
  return refund;
}

/** The same refund under a new id and a new status. */
export function releaseRefund(account: Account, transactionId: string): Transaction {
  const deferred = account.state.transactions.find((one) => one.id === transactionId);
  if (deferred === undefined || deferred.status !== 'DEFERRED')
    throw new AccountError(`no deferred transaction ${transactionId}`);
  deferred.status = 'DEFERRED_RELEASED';
  return post(account, account.order(deferred.orderId), {
    type: deferred.type,
    status: 'RELEASED',
    refundId: deferred.refundId,
    lines: deferred.lines,
    releases: deferred.id,
  });
}

interface Money {
  principal: number;
  tax: number;
  discount: number;
  shipping: number;
  shippingTax: number;
  shippingDiscount: number;
  wrap: number;
  wrapTax: number;
}

const nothing: Money = {
  principal: 0,
  tax: 0,
  discount: 0,
  shipping: 0,
  shippingTax: 0,
  shippingDiscount: 0,
  wrap: 0,
  wrapTax: 0,
};

/** A share of the item by pieces, rounded so that all shares add up; prices without the tax that they contain. */
function wholeOf(order: AmazonOrder, item: OrderItem, pieces: number): Money {
  const done = item.refunded >= pieces ? item.refunded - pieces : 0;
  const share = (minor: number) =>
    Math.round((minor * (done + pieces)) / item.quantity) - Math.round((minor * done) / item.quantity);
  const net = (minor: number, tax: number) => (order.taxesIncluded ? minor - tax : minor);
  return {
    principal: share(net(item.unitMinor * item.quantity, item.taxMinor)),
    tax: share(item.taxMinor),
    discount: share(item.discountMinor),
    shipping: share(net(item.shippingMinor, item.shippingTaxMinor)),
    shippingTax: share(item.shippingTaxMinor),
    shippingDiscount: share(item.shippingDiscountMinor),
    wrap: share(net(item.wrapMinor, item.wrapTaxMinor)),
    wrapTax: share(item.wrapTaxMinor),
  };
}

function lineOf(
  order: AmazonOrder,
  item: OrderItem,
  quantity: number,
  sign: 1 | -1,
  money: Money,
): TransactionLine {
  const withheld = order.marketplaceTax ? money.tax + money.shippingTax + money.wrapTax : 0;
  const fee = Math.round(((money.principal - money.discount) * commissionPerMille) / 1000);
  const amounts = [
    { container: 'ProductCharges', type: 'OurPricePrincipal', minor: sign * money.principal },
    { container: 'PromoRebates', type: 'OurPriceDiscount', minor: -sign * money.discount },
    { container: 'Tax', type: 'OurPriceTax', minor: sign * money.tax },
    { container: 'Shipping', type: 'ShippingPrincipal', minor: sign * money.shipping },
    { container: 'PromoRebates', type: 'ShippingDiscount', minor: -sign * money.shippingDiscount },
    { container: 'Tax', type: 'ShippingTax', minor: sign * money.shippingTax },
    { container: 'Giftwrap', type: 'GiftwrapPrincipal', minor: sign * money.wrap },
    { container: 'Tax', type: 'GiftwrapTax', minor: sign * money.wrapTax },
    { container: 'Tax', type: 'MarketplaceFacilitatorTax-Principal', minor: -sign * withheld },
    { container: 'AmazonFees', type: 'Commission', minor: -sign * fee },
    { container: 'AmazonFees', type: 'RefundCommission', minor: sign === -1 ? -Math.round(fee / 5) : 0 },
  ];
  return {
    sku: item.sku,
    asin: item.asin,
    title: item.title,
    quantity,
    fulfilledBy: order.fulfilledBy,
    amounts: amounts.filter((one) => one.minor !== 0),
  };
}

function post(
  account: Account,
  order: AmazonOrder,
  facts: Pick<Transaction, 'type' | 'status' | 'refundId' | 'lines'> & { releases?: string },
): Transaction {
  const transaction: Transaction = {
    ...facts,
    id: `TX-${account.digits('transaction', 14)}`,
    releases: facts.releases ?? null,
    postedMs: account.tick(),
    orderId: order.id,
    currency: order.currency,
  };
  account.state.transactions.push(transaction);
  account.tell({ kind: 'transaction', transactionId: transaction.id });
  return transaction;
}
