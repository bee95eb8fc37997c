import type { OrderSnapshot } from '../../model/snapshot.ts';
import { type DocumentLine, type DocumentTax, least, plainLine } from './document-lines.ts';
import type { PostingPolicy } from './policy.ts';
import { salesDocument } from './sales-document.ts';
import { type OrderSettlement, type RefundSettlement, settlementsOf } from './settlements.ts';

/** A document with lines. Σ line.netMinor + Σ tax.amountMinor = totalMinor. */
export interface SalesForm {
  type: 'SalesReceipt' | 'Invoice' | 'CreditMemo' | 'RefundReceipt';
  currency: string;
  /** The shop's prices contain the tax: `netMinor + taxMinor` is the price that the customer saw. */
  pricesIncludeTax: boolean;
  lines: DocumentLine[];
  taxes: DocumentTax[];
  /** What the document comes to, after tenders that are no money. */
  totalMinor: bigint;
  /** What was sold or came back: the order's total, the refund's worth. */
  valueMinor: bigint;
  /** Invoices: what came back and is spent on it. */
  creditedMinor: bigint;
  /** What the parts lack of the total, already part of the lines; anything but zero is worth a look. */
  differenceMinor: bigint;
  /** Account that the money moves through, for receipts; null is the books' default. */
  account: string | null;
  at: Date;
}

/** Money of a customer: a payment comes in and settles the order's invoice, an expense goes out and settles a credit. */
export interface MoneyMovement {
  type: 'Payment' | 'Expense';
  currency: string;
  amountMinor: bigint;
  account: string | null;
  gateways: string[];
  at: Date;
}

/** Which credit pays for what. It moves no account: it closes what is open on the customer's. */
export interface CreditApplication {
  type: 'CreditApplication';
  currency: string;
  /** Credit of this refund's memo that is used. */
  ownMinor: bigint;
  /** Credit that earlier refunds of the order had left. */
  fromEarlier: { refundId: bigint; amountMinor: bigint }[];
  /** To the expenses beside it. */
  toMoneyMinor: bigint;
  /** To the order's invoice. */
  toInvoiceMinor: bigint;
  at: Date;
}

export type PostingDocument = SalesForm | MoneyMovement | CreditApplication;

export type Posting =
  | { status: 'post'; documents: PostingDocument[]; why: string }
  /** Something has to happen first; it is posted by itself then. */
  | { status: 'waits'; why: string }
  /** It does not belong into the books. */
  | { status: 'never'; why: string; reason?: 'beforeHandover' }
  /** The books have no form for it: a person decides. */
  | { status: 'person'; why: string };

/** The form that an order has, or will have, in the books. */
export type OrderForm = 'SalesReceipt' | 'Invoice';

/** What stands in the books already: a document never turns into another kind, whatever the policy has become. */
export interface PostedForms {
  order: OrderForm | null;
  refund: RefundForm | null;
}
export type RefundForm = 'CreditMemo' | 'RefundReceipt';
const nothingPosted: PostedForms = { order: null, refund: null };

/**
 * The documents of an order's sale. What is given back later makes documents of its own and leaves these alone, except
 * that a return spent on the same order (an exchange) is one of its tenders.
 * @param posted the form that stands in the books already: a document never turns into another kind
 */
export function documentsForOrder(
  order: OrderSnapshot,
  policy: PostingPolicy,
  posted: OrderForm | null = null,
): Posting {
  const settlement = settlementsOf(order, policy);
  const form = formOf(order, settlement, policy, posted);
  if (typeof form !== 'string') return form;
  return form === 'Invoice' ? invoiced(order, settlement) : received(order, settlement);
}

/**
 * The documents of one refund. A credit memo with lines says what came back; an expense from the account that the money
 * left pays it out, and the application closes both on the customer's account. With the policy `refundReceipt` one
 * document does it all, where money and worth are the same.
 */
export function documentsForRefund(
  order: OrderSnapshot,
  refundId: bigint,
  policy: PostingPolicy,
  { order: posted, refund: postedRefund }: PostedForms = nothingPosted,
): Posting {
  const settlement = settlementsOf(order, policy);
  const form = formOf(order, settlement, policy, posted);
  const one = settlement.refunds.find(({ refund }) => refund.id === refundId);
  if (one === undefined) return { status: 'never', why: 'The order has no such refund.' };
  if (isEarlier(order, policy)) {
    if (policy.ordersFrom !== null && one.refund.refundedAt < policy.ordersFrom)
      return {
        status: 'never',
        why: 'It was given before the books were handed over.',
        reason: 'beforeHandover',
      };
  } else if (typeof form !== 'string' && posted === null) {
    // An order that waits for its money and is cancelled meanwhile never comes into the books, nor does its end.
    return { status: form.status, why: `The order is not posted: ${form.why}` };
  }
  if (one.status === 'waits') return { status: 'waits', why: 'The money is still on its way back.' };
  if (one.status === 'failed')
    return one.worth.valueMinor === 0n
      ? { status: 'never', why: 'The money did not go back and nothing came back.' }
      : { status: 'waits', why: 'The money did not go back; waiting for another attempt.' };
  const wish = postedRefund ?? (policy.refunds === 'refundReceipt' ? 'RefundReceipt' : 'CreditMemo');
  const posting = givenBack(order, one, form === 'Invoice' || posted === 'Invoice', policy, wish);
  const isOther =
    postedRefund === 'RefundReceipt' &&
    posting.status === 'post' &&
    posting.documents.some((document) => document.type === 'CreditMemo');
  if (!isOther) return posting;
  return {
    status: 'person',
    why: 'It stands as a refund receipt, which cannot hold what the refund has become. Void it, then post it anew.',
  };
}

/** Whether an order is posted, and as what. */
function formOf(
  order: OrderSnapshot,
  settlement: OrderSettlement,
  policy: PostingPolicy,
  posted: OrderForm | null,
): OrderForm | Exclude<Posting, { status: 'post' }> {
  if (order.test) return { status: 'never', why: 'It is a test order.' };
  const isPaid = isPaidInFull(order, settlement);
  if (posted !== null) {
    // Cancelled before anybody paid, with nothing given back: what stands is all there was.
    const isGone =
      order.cancelledAt !== null && settlement.receivedMinor === 0n && order.refunds.length === 0;
    if (posted === 'Invoice' || isPaid || (policy.unpaidOrders === 'invoice' && !isGone)) return posted;
    return { status: 'waits', why: 'What was added to the order is not paid yet.' };
  }
  if (isEarlier(order, policy))
    return {
      status: 'never',
      why: 'It was placed before the books were handed over.',
      reason: 'beforeHandover',
    };
  if (isEmpty(order)) return { status: 'never', why: 'There is nothing in it.' };
  if (isPaid) return hasOneAccount(settlement) ? 'SalesReceipt' : 'Invoice';
  if (order.cancelledAt !== null || ['voided', 'expired'].includes(order.financialStatus))
    return { status: 'never', why: 'It was cancelled before it was paid.' };
  if (order.financialStatus === 'authorized')
    return { status: 'waits', why: 'The payment is authorised and not captured yet.' };
  if (policy.unpaidOrders === 'invoice') return 'Invoice';
  return { status: 'waits', why: 'It is not paid yet.' };
}

/**
 * An order is called refunded as soon as some of its money went back, also where an edit added to it since or where not all
 * of it had come in: then the payments say it.
 */
function isPaidInFull(order: OrderSnapshot, settlement: OrderSettlement): boolean {
  if (order.financialStatus === 'paid') return true;
  if (!['partially_refunded', 'refunded'].includes(order.financialStatus)) return false;
  const lackingMinor = lackingOf(order, settlement);
  if (order.currency === order.presentmentCurrency) return lackingMinor === 0n;
  // Each part and each payment is converted on its own and loses less than one unit by that.
  const converted = order.lines.length + order.shippingLines.length + order.transactions.length;
  return lackingMinor <= BigInt(converted);
}

/** What neither money nor anything that came back has paid for. */
function lackingOf(order: OrderSnapshot, { receivedMinor, fromRefundsMinor }: OrderSettlement): bigint {
  const paidMinor = receivedMinor + fromRefundsMinor;
  return paidMinor < order.totalMinor ? order.totalMinor - paidMinor : 0n;
}

function isEarlier(order: OrderSnapshot, policy: PostingPolicy): boolean {
  return policy.ordersFrom !== null && order.placedAt < policy.ordersFrom;
}

function isEmpty(order: OrderSnapshot): boolean {
  return (
    order.totalMinor === 0n &&
    order.shippingLines.length === 0 &&
    order.lines.every((line) => line.quantity === 0)
  );
}

/** A receipt puts its money into one account; an order paid through several is an invoice with a payment for each. */
function hasOneAccount({ payments }: OrderSettlement): boolean {
  return new Set(payments.map((one) => one.account)).size <= 1;
}

function received(order: OrderSnapshot, settlement: OrderSettlement): Posting {
  const account = settlement.payments[0]?.account ?? null;
  const sale = saleOf(order, settlement);
  // A receipt that stands and was added to says what came in: the rest is owed on the account that credits are owed on.
  const lackingMinor = isPaidInFull(order, settlement) ? 0n : lackingOf(order, settlement);
  const lacking = lackingMinor === 0n ? [] : [plainLine('overpayment', 'Not paid yet', -lackingMinor)];
  const form = withTenders(
    {
      ...sale,
      type: 'SalesReceipt',
      account,
      lines: [...sale.lines, ...lacking],
      totalMinor: sale.totalMinor - lackingMinor,
    },
    [
      ['giftCardTender', 'Paid by gift card', settlement.giftCardMinor],
      ['storeCreditTender', 'Paid by store credit', settlement.storeCreditMinor],
      ['exchangeTender', 'Paid by what was returned', settlement.fromRefundsMinor],
    ],
    sale.totalMinor - lackingMinor,
  );
  const why = lackingMinor === 0n ? 'It is paid.' : 'What was added to it is not paid yet.';
  return { status: 'post', documents: [form], why };
}

function invoiced(order: OrderSnapshot, settlement: OrderSettlement): Posting {
  // What was cancelled before anybody paid is owed no longer.
  const isVoid = order.cancelledAt !== null && settlement.receivedMinor === 0n && order.refunds.length === 0;
  if (isVoid) return { status: 'never', why: 'It was cancelled before it was paid.' };
  const form = withTenders(
    {
      ...saleOf(order, settlement),
      type: 'Invoice',
      account: null,
      creditedMinor: settlement.fromRefundsMinor,
    },
    [
      ['giftCardTender', 'Paid by gift card', settlement.giftCardMinor],
      ['storeCreditTender', 'Paid by store credit', settlement.storeCreditMinor],
    ],
    order.totalMinor + settlement.overpaidMinor,
  );
  const payments = settlement.payments.map(
    (one): MoneyMovement => ({
      type: 'Payment',
      currency: order.currency,
      amountMinor: one.amountMinor,
      account: one.account,
      gateways: one.gateway === '' ? [] : [one.gateway],
      at: one.at,
    }),
  );
  const why = payments.length === 0 ? 'It is not paid yet.' : 'Its payments are posted one by one.';
  return { status: 'post', documents: [form, ...payments], why };
}

function givenBack(
  order: OrderSnapshot,
  one: RefundSettlement,
  isInvoiced: boolean,
  policy: PostingPolicy,
  form: RefundForm,
): Posting {
  const { worth, refund } = one;
  if (worth.valueMinor < 0n)
    return {
      status: 'person',
      why: 'More was kept back than came back: the customer owes money for this refund.',
    };
  const at = refund.refundedAt;
  const { currency } = order;
  const spent = isInvoiced ? 0n : one.onOrderMinor;
  const tenders: Tenders = [
    ['giftCardTender', 'Put onto a gift card', one.giftCardMinor],
    ['storeCreditTender', 'Given as store credit', one.storeCreditMinor],
    ['exchangeTender', 'Spent on the exchange', spent],
  ];
  const asTender = one.giftCardMinor + one.storeCreditMinor + spent;
  const moneyMinor = one.money.reduce((all, part) => all + part.amountMinor, 0n);
  const creditMinor = worth.valueMinor - asTender;
  const isOneReceipt =
    form === 'RefundReceipt' &&
    creditMinor === moneyMinor &&
    one.money.length <= 1 &&
    one.fromEarlier.length === 0;
  const documents: PostingDocument[] = [];
  const amounts = [...worth.lines.map((line) => line.netMinor), ...worth.taxes.map((tax) => tax.amountMinor)];
  // Also where it comes to nothing: a return of which all was kept moves accounts none the less.
  if (amounts.some((one) => one !== 0n))
    documents.push(
      withTenders(
        {
          type: isOneReceipt ? 'RefundReceipt' : 'CreditMemo',
          currency,
          pricesIncludeTax: order.taxesIncluded,
          lines: worth.lines,
          taxes: worth.taxes,
          totalMinor: worth.valueMinor,
          valueMinor: worth.valueMinor - one.overpaymentMinor,
          creditedMinor: 0n,
          differenceMinor: 0n,
          account: isOneReceipt ? (one.money[0]?.account ?? policy.depositAccount) : null,
          at,
        },
        tenders,
        worth.valueMinor,
      ),
    );
  if (!isOneReceipt)
    documents.push(
      ...one.money.map(
        ({ account, gateways, amountMinor }): MoneyMovement => ({
          type: 'Expense',
          currency,
          amountMinor,
          account,
          gateways,
          at,
        }),
      ),
    );
  const fromEarlierMinor = one.fromEarlier.reduce((all, part) => all + part.amountMinor, 0n);
  const toInvoiceMinor = isInvoiced ? one.onOrderMinor : 0n;
  if (!isOneReceipt && moneyMinor + toInvoiceMinor > 0n)
    documents.push({
      type: 'CreditApplication',
      currency,
      ownMinor: moneyMinor + toInvoiceMinor - fromEarlierMinor,
      fromEarlier: one.fromEarlier,
      toMoneyMinor: moneyMinor,
      toInvoiceMinor,
      at,
    });
  if (documents.length === 0)
    return {
      status: 'never',
      why:
        one.movedMinor > 0n
          ? 'It is part of the earlier return whose credit it used up.'
          : 'Nothing of value came back.',
    };
  return { status: 'post', documents, why: whyOf(one, creditMinor - moneyMinor) };
}

function whyOf(one: RefundSettlement, creditMinor: bigint): string {
  if (one.fromEarlier.length > 0) return 'It pays out what an earlier return had left.';
  if (one.onOrderMinor > 0n) return 'It was spent on the same order.';
  return creditMinor > 0n ? 'The customer keeps a credit.' : 'The money went back.';
}

function saleOf(
  order: OrderSnapshot,
  { overpaidMinor }: OrderSettlement,
): Omit<SalesForm, 'type' | 'account'> {
  const document = salesDocument(order);
  const over = overpaidMinor === 0n ? [] : [plainLine('overpayment', 'Paid beyond the total', overpaidMinor)];
  return {
    ...document,
    lines: [...document.lines, ...over],
    totalMinor: document.totalMinor + overpaidMinor,
    valueMinor: document.totalMinor,
    creditedMinor: 0n,
    at: order.placedAt,
  };
}

type Tenders = [kind: DocumentLine['kind'], title: string, amountMinor: bigint][];

/** Tenders that are no money take their part off what the document comes to, at most all of it. */
function withTenders(form: SalesForm, tenders: Tenders, mostMinor: bigint): SalesForm {
  let leftMinor = mostMinor;
  const lines: DocumentLine[] = [];
  for (const [kind, title, given] of tenders) {
    const amountMinor = least(given, leftMinor);
    if (amountMinor <= 0n) continue;
    leftMinor -= amountMinor;
    lines.push(plainLine(kind, title, -amountMinor));
  }
  return { ...form, lines: [...form.lines, ...lines], totalMinor: form.totalMinor - mostMinor + leftMinor };
}
