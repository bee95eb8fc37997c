import { currencyExponent } from '../../model/money.ts';
import { type DepositDocument, residualLine } from './deposit.ts';
import { countBases, type DocumentLine, type DocumentTax } from './document-lines.ts';
import type { CreditApplication, MoneyMovement, Posting, PostingDocument, SalesForm } from './documents.ts';

/*
 * Books may keep fewer decimals than a currency has: QuickBooks keeps two, a dinar has three. A document is then rounded as a
 * whole, and its parts so that they add up to it: taxes to the nearest first, because each is owed to an office, lines by
 * largest remainder. Payments are rounded in their sum, so that many of them lose no more than one.
 */

/** The posting in as many decimals as the books keep; itself, where the currency has no more than that. Pure. */
export function inBookDecimals(posting: Posting, decimals = 2): Posting {
  if (posting.status !== 'post') return posting;
  const [first] = posting.documents;
  const extra = first === undefined ? 0 : currencyExponent(first.currency) - decimals;
  if (extra <= 0) return posting;
  const step = 10n ** BigInt(extra);
  const payments = new RunningSum(step);
  const expenses = new RunningSum(step);
  const documents = posting.documents.map((one): PostingDocument => {
    if ('lines' in one) return roundedForm(one, step);
    if (one.type === 'CreditApplication') return one;
    return roundedMovement(one, one.type === 'Payment' ? payments : expenses);
  });
  const spent = documents.reduce((sum, one) => (one.type === 'Expense' ? sum + one.amountMinor : sum), 0n);
  return {
    ...posting,
    documents: documents.map((one) =>
      one.type === 'CreditApplication' ? roundedApplication(one, spent, step) : one,
    ),
  };
}

/**
 * A deposit in as many decimals as the books keep; itself, where the currency has no more than that. Payments are rounded
 * as their receipts are, so that each still takes the whole of its receipt. What that moves between the parts and the
 * payout the fees take up, or where there are none the residual. Pure.
 */
export function depositInBookDecimals(document: DepositDocument, decimals = 2): DepositDocument {
  const extra = currencyExponent(document.currency) - decimals;
  if (extra <= 0) return document;
  const step = 10n ** BigInt(extra);
  const totalMinor = toStep(document.totalMinor, step);
  const rounded = document.lines.map((line) => ({ ...line, amountMinor: toStep(line.amountMinor, step) }));
  const apartMinor = totalMinor - rounded.reduce((sum, line) => sum + line.amountMinor, 0n);
  const taker = rounded.find(({ kind }) => kind === 'fee') ?? rounded.find(({ kind }) => kind === 'residual');
  if (taker !== undefined) taker.amountMinor += apartMinor;
  else rounded.push(residualLine('Rounded to the decimals of the books', apartMinor));
  const lines = rounded.filter(({ amountMinor }) => amountMinor !== 0n);
  const residual = lines.find(({ kind }) => kind === 'residual');
  return { ...document, lines, totalMinor, residualMinor: residual?.amountMinor ?? 0n };
}

function roundedForm(form: SalesForm, step: bigint): SalesForm {
  const totalMinor = toStep(form.totalMinor, step);
  const taxes = form.taxes.map(
    (tax): DocumentTax => ({ ...tax, amountMinor: toStep(tax.amountMinor, step) }),
  );
  const taxMinor = taxes.reduce((sum, tax) => sum + tax.amountMinor, 0n);
  const nets = roundedParts(
    form.lines.map((line) => line.netMinor),
    totalMinor - taxMinor,
    step,
  );
  const lines = form.lines.map((line, index): DocumentLine => ({ ...line, netMinor: nets[index] ?? 0n }));
  countBases(taxes, lines);
  const beside = lines.filter((line) => besideKinds.includes(line.kind));
  return {
    ...form,
    lines,
    taxes,
    totalMinor,
    valueMinor: totalMinor - beside.reduce((sum, line) => sum + line.netMinor, 0n),
    creditedMinor: toStep(form.creditedMinor, step),
    // What a line held with its tax is no price any more.
    pricesIncludeTax: false,
  };
}

/** Lines that are no part of what was sold or came back. */
const besideKinds: readonly DocumentLine['kind'][] = [
  'giftCardTender',
  'storeCreditTender',
  'exchangeTender',
  'overpayment',
];

function roundedMovement(movement: MoneyMovement, sum: RunningSum): MoneyMovement {
  return { ...movement, amountMinor: sum.add(movement.amountMinor) };
}

function roundedApplication(one: CreditApplication, spentMinor: bigint, step: bigint): CreditApplication {
  const toInvoiceMinor = toStep(one.toInvoiceMinor, step);
  const fromEarlier = one.fromEarlier.map((part) => ({
    ...part,
    amountMinor: toStep(part.amountMinor, step),
  }));
  const earlier = fromEarlier.reduce((sum, part) => sum + part.amountMinor, 0n);
  return {
    ...one,
    toMoneyMinor: spentMinor,
    toInvoiceMinor,
    fromEarlier,
    ownMinor: spentMinor + toInvoiceMinor - earlier,
  };
}

/** Amounts one after the other, each as far as it takes the rounded sum on. */
class RunningSum {
  readonly #step: bigint;
  #exact = 0n;
  #given = 0n;

  constructor(step: bigint) {
    this.#step = step;
  }

  add(amountMinor: bigint): bigint {
    this.#exact += amountMinor;
    const part = toStep(this.#exact, this.#step) - this.#given;
    this.#given += part;
    return part;
  }
}

/** To the nearest multiple, half away from zero. */
function toStep(amountMinor: bigint, step: bigint): bigint {
  const size = amountMinor < 0n ? -amountMinor : amountMinor;
  const rounded = ((2n * size + step) / (2n * step)) * step;
  return amountMinor < 0n ? -rounded : rounded;
}

/** Multiples that add up to the sum: each rounded down, those that lost most take up what is missing. */
function roundedParts(amounts: readonly bigint[], sumMinor: bigint, step: bigint): bigint[] {
  const parts = amounts.map((amount, index) => {
    const floor = (amount >= 0n ? amount / step : -((step - 1n - amount) / step)) * step;
    return { index, floor, lost: amount - floor, isNothing: amount === 0n };
  });
  let missing = (sumMinor - parts.reduce((sum, one) => sum + one.floor, 0n)) / step;
  const takers = parts.filter((one) => !one.isNothing).sort((a, b) => (a.lost > b.lost ? -1 : 1));
  const rounded = parts.map((one) => one.floor);
  for (let turn = 0; missing !== 0n && takers.length > 0; turn += 1) {
    const isMore = missing > 0n;
    const order = isMore ? turn : takers.length - 1 - (turn % takers.length);
    const taker = takers[order % takers.length];
    if (taker === undefined) break;
    rounded[taker.index] = (rounded[taker.index] ?? 0n) + (isMore ? step : -step);
    missing += isMore ? -1n : 1n;
  }
  return rounded;
}
