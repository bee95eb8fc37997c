import { type Amount, addAmounts, allocate, zeroAmount } from '../../../model/money.ts';
import type {
  CanonicalAllocation,
  CanonicalOrder,
  CanonicalOrderLine,
  CanonicalTaxLine,
  CanonicalTransaction,
} from '../../../model/order.ts';
import type { CanonicalRefund } from '../../../model/refund.ts';

/** An order as Shopify tells it, in our words but with Shopify's arithmetic: before edits are settled and sums are made. */
export interface OrderFacts
  extends Omit<CanonicalOrder, 'subtotal' | 'discount' | 'shipping' | 'rounding' | 'orderTaxLines'> {
  /** What the customer has paid, before refunds; shop currency. */
  receivedMinor: bigint;
  /** Added by rounding a cash payment to whole coins. */
  cashRounding: Amount;
  /** Taxes of the whole order by title and rate, as the platform sums them. */
  taxTotals: CanonicalTaxLine[];
}

/**
 * Makes the canonical order of Shopify's facts.
 *
 * Shopify never takes a removed line off `totalPrice`: an edit that removes units is kept as a refund without money.
 * Where the customer had not paid for those units that is no refund but a smaller order, so the units are taken off it.
 * Where they had, the refund stands, and the money follows with a later one. A refund that gave back less money than
 * goods while something was still owed was set off against it. In all three
 * total − refunded = what Shopify calls the current total, as soon as all money has moved.
 */
export function assembleOrder(facts: OrderFacts): CanonicalOrder {
  const counted = withoutTipLine(facts);
  const edited = settleEdits(counted);
  const settled = setOff(edited.facts, edited.paidBack);
  const { receivedMinor: _received, cashRounding, taxTotals, ...order } = settled;
  const parts = [...order.lines, ...order.shippingLines];
  const subtotal = addAmounts(...order.lines.map((line) => times(line.unitPrice, line.quantity)));
  const shipping = addAmounts(...order.shippingLines.map((line) => line.price));
  const discount = addAmounts(...parts.map((part) => part.discount));
  const total = addAmounts(order.total, cashRounding);
  const explained = sumOf({ ...order, subtotal, shipping, discount });
  return {
    ...order,
    fulfilmentStatus: restockedOr(facts),
    subtotal,
    discount,
    shipping,
    total,
    // What the parts do not explain (whole coins; cents lost in converting each part on its own) keeps the total exact.
    rounding: subtract(total, explained),
    orderTaxLines: taxesOfNoPart(taxTotals, counted),
  };
}

/** The sum that the total of an order is, by the model's definition. */
export function sumOf(
  order: Pick<
    CanonicalOrder,
    'subtotal' | 'discount' | 'shipping' | 'tax' | 'taxesIncluded' | 'duties' | 'tip'
  >,
): Amount {
  return subtract(
    addAmounts(
      order.subtotal,
      order.shipping,
      order.taxesIncluded ? zeroAmount : order.tax,
      order.duties,
      order.tip,
    ),
    order.discount,
  );
}

/** What a refund takes off the order: its lines and shipping with their tax, plus or less the differences. */
function refundValue(refund: CanonicalRefund, taxesIncluded: boolean): Amount {
  return addAmounts(
    ...refund.lines.map((line) => (taxesIncluded ? line.subtotal : addAmounts(line.subtotal, line.tax))),
    ...refund.adjustments.map((one) => (taxesIncluded ? one.amount : addAmounts(one.amount, one.tax))),
  );
}

export function subtract(from: Amount, taken: Amount): Amount {
  return { shop: from.shop - taken.shop, presentment: from.presentment - taken.presentment };
}

export function times(amount: Amount, quantity: number): Amount {
  return { shop: amount.shop * BigInt(quantity), presentment: amount.presentment * BigInt(quantity) };
}

/** The GraphQL API no longer says "restocked" where webhooks do; what happened to the goods says it for both. */
function restockedOr(facts: OrderFacts): CanonicalOrder['fulfilmentStatus'] {
  if (facts.fulfilmentStatus !== 'restocked' && facts.fulfilmentStatus !== 'unfulfilled')
    return facts.fulfilmentStatus;
  const backOnShelf =
    facts.cancelledAt !== null &&
    facts.lines.every((line) => line.refundedQuantity === line.quantity) &&
    facts.refunds.every((refund) => refund.lines.every((line) => line.restockType !== 'no_restock'));
  return backOnShelf ? 'restocked' : 'unfulfilled';
}

/** The till sends a tip both as a line without a product and as the tip of the order: it counts once, as the tip. */
function withoutTipLine(facts: OrderFacts): OrderFacts {
  if (facts.tip.shop === 0n) return facts;
  const parts = [...facts.lines, ...facts.shippingLines];
  const sum = sumOf({
    ...facts,
    subtotal: addAmounts(...facts.lines.map((line) => times(line.unitPrice, line.quantity))),
    shipping: addAmounts(...facts.shippingLines.map((line) => line.price)),
    discount: addAmounts(...parts.map((part) => part.discount)),
  });
  if (sum.shop - facts.total.shop !== facts.tip.shop) return facts;
  const tipLine = facts.lines.find(
    (line) =>
      line.variantRemoteId === null &&
      line.sku === null &&
      times(line.unitPrice, line.quantity).shop === facts.tip.shop,
  );
  return tipLine === undefined ? facts : { ...facts, lines: facts.lines.filter((line) => line !== tipLine) };
}

/**
 * Takes unpaid removals off the order. Money that went back because an edit made the order cheaper than what was paid is
 * change, not a refund: what it gave back is no part of the order any more.
 */
function settleEdits(facts: OrderFacts): { facts: OrderFacts; paidBack: ReadonlySet<CanonicalRefund> } {
  const { edits, paidBack } = sortRemovals(facts);
  if (edits.length === 0) return { facts, paidBack };
  const removed = addAmounts(...edits.map((edit) => refundValue(edit, facts.taxesIncluded)));
  const kept = facts.refunds.filter((refund) => !edits.includes(refund));
  const toExplain = beyondValue(facts) - worthOf([...paidBack], facts);
  const { refunds, change } = separateChange(kept, facts, least(removed.shop, toExplain));
  const removals = edits.flatMap((edit) => edit.lines);
  const lines = facts.lines.map((line) =>
    removals.filter((removal) => removal.lineRemoteId === line.remoteId).reduce(takeUnitsOff, line),
  );
  const spokenOf = new Set([
    ...refunds.flatMap((refund) => refund.lines.map((line) => line.lineRemoteId)),
    ...facts.fulfilments.flatMap((fulfilment) => fulfilment.lines.map((line) => line.lineRemoteId)),
  ]);
  const settled = {
    ...facts,
    total: subtract(facts.total, removed),
    tax: subtract(facts.tax, addAmounts(...removals.map((removal) => removal.tax))),
    receivedMinor: facts.receivedMinor - change.reduce((sum, one) => sum + one.amount.shop, 0n),
    lines: lines.filter((line) => line.quantity > 0 || spokenOf.has(line.remoteId)),
    refunds,
    transactions: [...facts.transactions, ...change],
  };
  return { facts: settled, paidBack };
}

/**
 * Removals without money are edits, unless the customer had paid for all of the order or the money came with another
 * refund: money that went back beyond the goods it came with pays for the earliest removals that it covers.
 */
function sortRemovals(facts: OrderFacts): { edits: CanonicalRefund[]; paidBack: Set<CanonicalRefund> } {
  const removals = facts.refunds.filter(
    (refund) =>
      refund.lines.length > 0 &&
      refund.transactions.length === 0 &&
      refund.adjustments.length === 0 &&
      beforeCancellation(refund, facts),
  );
  if (facts.receivedMinor >= facts.total.shop) return { edits: [], paidBack: new Set(removals) };
  let left = beyondValue(facts);
  const paidBack = removals.filter((removal) => {
    const worth = worthOf([removal], facts);
    if (worth > left) return false;
    left -= worth;
    return true;
  });
  return { edits: removals.filter((removal) => !paidBack.includes(removal)), paidBack: new Set(paidBack) };
}

function beyondValue(facts: OrderFacts): bigint {
  return facts.refunds.reduce((sum, refund) => {
    const beyond = sent(refund) - worthOf([refund], facts);
    return beyond > 0n ? sum + beyond : sum;
  }, 0n);
}

function worthOf(refunds: readonly CanonicalRefund[], facts: OrderFacts): bigint {
  return refunds.reduce((sum, refund) => sum + refundValue(refund, facts.taxesIncluded).shop, 0n);
}

const sameMomentMs = 5_000;

/** A cancelled order keeps what was ordered: the refund that its cancellation made is left as it is. */
function beforeCancellation(refund: CanonicalRefund, facts: OrderFacts): boolean {
  return (
    facts.cancelledAt === null || refund.refundedAt.getTime() < facts.cancelledAt.getTime() - sameMomentMs
  );
}

/** Turns money that went back beyond what it came with into change, up to a sum. */
function separateChange(
  refunds: readonly CanonicalRefund[],
  facts: OrderFacts,
  sum: bigint,
): { refunds: CanonicalRefund[]; change: CanonicalTransaction[] } {
  let left = sum;
  const change: CanonicalTransaction[] = [];
  const remaining = refunds.flatMap((refund) => {
    let beyond = sent(refund) - worthOf([refund], facts);
    const transactions = refund.transactions.flatMap((transaction) => {
      if (transaction.status !== 'success') return [transaction];
      const part = least(left, beyond, transaction.amount.shop);
      if (part <= 0n) return [transaction];
      left -= part;
      beyond -= part;
      const amount = partOf(transaction.amount, part);
      const rest = subtract(transaction.amount, amount);
      change.push({
        ...transaction,
        kind: 'change',
        amount,
        remoteId: rest.shop === 0n ? transaction.remoteId : `${transaction.remoteId}-change`,
      });
      return rest.shop === 0n ? [] : [{ ...transaction, amount: rest }];
    });
    const empty = refund.lines.length + refund.adjustments.length + transactions.length === 0;
    return empty ? [] : [{ ...refund, transactions }];
  });
  return { refunds: remaining, change };
}

/** Gateway of payments that no money was needed for. */
const setOffGateway = 'set_off';

/**
 * Goods that came back while the customer still owed for them need no money: what the refund is worth beyond its money
 * counts as given back and as paid, which it was, by each other.
 */
function setOff(facts: OrderFacts, paidBack: ReadonlySet<CanonicalRefund>): OrderFacts {
  let owed = facts.total.shop - facts.receivedMinor;
  const payments: CanonicalTransaction[] = [];
  const refunds = facts.refunds.map((refund) => {
    if (paidBack.has(refund) || !beforeCancellation(refund, facts)) return refund;
    const value = refundValue(refund, facts.taxesIncluded);
    const money = addAmounts(...refund.transactions.filter(moves).map((one) => one.amount));
    const beyond = subtract(value, money);
    if (owed <= 0n || beyond.shop <= 0n) return refund;
    const amount = owed < beyond.shop ? partOf(beyond, owed) : beyond;
    owed -= amount.shop;
    const transaction = (kind: 'sale' | 'refund'): CanonicalTransaction => ({
      remoteId: `${refund.remoteId}-set-off-${kind}`,
      parentRemoteId: null,
      kind,
      status: 'success',
      gateway: setOffGateway,
      amount,
      processedAt: refund.refundedAt,
    });
    payments.push(transaction('sale'));
    return { ...refund, transactions: [...refund.transactions, transaction('refund')] };
  });
  return payments.length === 0
    ? facts
    : { ...facts, refunds, transactions: [...facts.transactions, ...payments] };
}

function takeUnitsOff(
  line: CanonicalOrderLine,
  removal: CanonicalRefund['lines'][number],
): CanonicalOrderLine {
  const discount = subtract(
    line.discount,
    subtract(times(line.unitPrice, removal.quantity), removal.subtotal),
  );
  const tax = subtract(line.tax, removal.tax);
  return {
    ...line,
    quantity: line.quantity - removal.quantity,
    refundedQuantity: line.refundedQuantity - removal.quantity,
    discount,
    tax,
    allocations: respread(discount, line.allocations),
    taxLines: respread(tax, line.taxLines),
  };
}

/** Spreads a new sum over parts as the old one was, to the minor unit. */
function respread<T extends CanonicalAllocation | CanonicalTaxLine>(sum: Amount, parts: readonly T[]): T[] {
  const shop = allocate(
    sum.shop,
    parts.map((part) => part.amount.shop),
  );
  const presentment = allocate(
    sum.presentment,
    parts.map((part) => part.amount.presentment),
  );
  return parts.map((part, index) => ({
    ...part,
    amount: { shop: shop[index] ?? 0n, presentment: presentment[index] ?? 0n },
  }));
}

/** Taxes that the order has and none of its parts tells: on duties, or where lines come without. */
function taxesOfNoPart(totals: readonly CanonicalTaxLine[], facts: OrderFacts): CanonicalTaxLine[] {
  const rest = new Map(totals.map((line) => [taxKey(line), line]));
  for (const line of [...facts.lines, ...facts.shippingLines].flatMap((part) => part.taxLines)) {
    const known = rest.get(taxKey(line));
    if (known !== undefined)
      rest.set(taxKey(line), { ...known, amount: subtract(known.amount, line.amount) });
  }
  return [...rest.values()].filter((line) => line.amount.shop > 0n || line.amount.presentment > 0n);
}

function taxKey(line: CanonicalTaxLine): string {
  return `${line.rate} ${line.channelLiable} ${line.title}`;
}

function sent(refund: CanonicalRefund): bigint {
  return refund.transactions
    .filter((one) => one.status === 'success')
    .reduce((sum, one) => sum + one.amount.shop, 0n);
}

function moves(transaction: CanonicalTransaction): boolean {
  return transaction.status === 'success' || transaction.status === 'pending';
}

function partOf(amount: Amount, shop: bigint): Amount {
  const [presentment = 0n] = allocate(amount.presentment, [shop, amount.shop - shop]);
  return { shop, presentment };
}

function least(first: bigint, ...others: bigint[]): bigint {
  let smallest = first;
  for (const other of others) if (other < smallest) smallest = other;
  return smallest;
}
