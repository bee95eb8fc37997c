import { allocate } from '../../model/money.ts';
import type { OrderLineSnapshot, OrderSnapshot, RefundSnapshot, TaxSnapshot } from '../../model/snapshot.ts';
import {
  countBases,
  type DocumentLine,
  type DocumentTax,
  discountTitle,
  keyOf,
  least,
  plainLine,
  share,
  sortedTaxes,
  sumNet,
  treatmentOf,
} from './document-lines.ts';

/** What came back with one refund, in the books' terms; amounts are positive. Σ net + Σ tax = valueMinor. */
export interface RefundWorth {
  lines: DocumentLine[];
  taxes: DocumentTax[];
  valueMinor: bigint;
}

type RefundedLine = RefundSnapshot['lines'][number];
type Adjustment = RefundSnapshot['adjustments'][number];

/**
 * Takes an order apart, refund by refund. Each refund takes from what is left of its lines, so that refunds of parts add
 * up to exactly what the order was, per line, discount and tax rate, in whichever steps it is given back.
 */
export class RemainingOrder {
  readonly #order: OrderSnapshot;
  readonly #lines: Map<bigint, Rest>;
  readonly #shipping: Rest[];
  #tipMinor: bigint;
  #dutiesMinor: bigint;
  #roundingMinor: bigint;

  constructor(order: OrderSnapshot) {
    this.#order = order;
    const isInclusive = order.taxesIncluded;
    this.#lines = new Map(
      order.lines.map((line): [bigint, Rest] => [
        line.id,
        restOf(line.unitPriceMinor * BigInt(line.quantity), line.quantity, line, isInclusive),
      ]),
    );
    this.#shipping = order.shippingLines.map((line) => restOf(line.priceMinor, 1, line, isInclusive));
    this.#tipMinor = order.tipMinor;
    this.#dutiesMinor = order.dutiesMinor;
    this.#roundingMinor = order.roundingMinor;
  }

  /** What a refund would give back, without anything being used up. */
  look(refund: RefundSnapshot): RefundWorth {
    return new RemainingOrder(this.#order).take(refund);
  }

  /** What a refund gives back, by its own account; `settle` adds what its money says beyond that. */
  take(refund: RefundSnapshot): RefundWorth {
    const isInclusive = this.#order.taxesIncluded;
    const draft = new Draft(discountTitle(this.#order), isInclusive);
    for (const line of refund.lines) this.#takeLine(draft, line);
    this.#takeDuties(draft, refund);
    for (const one of refund.adjustments) {
      if (one.kind === 'duty_refund') continue;
      if (one.kind === 'cash_rounding') {
        draft.lines.push(plainLine('rounding', 'Cash rounding', one.amountMinor));
        this.#roundingMinor -= one.amountMinor;
        continue;
      }
      if (one.kind === 'shipping_refund') this.#takeShipping(draft, one);
      else this.#takeDifference(draft, one.amountMinor + (isInclusive ? 0n : one.taxMinor), reasonOf(one));
    }
    return draft.worth();
  }

  /** Money that had come in beyond the order's total goes back: it was never part of the sale. */
  returnOverpayment(worth: RefundWorth, amountMinor: bigint): RefundWorth {
    const line = plainLine('overpayment', 'Paid beyond the total', amountMinor);
    return { ...worth, lines: [...worth.lines, line], valueMinor: worth.valueMinor + amountMinor };
  }

  /** Money beyond (or below) what came back becomes part of the worth: what the order has left of tip, duties and rounding first. */
  settle(worth: RefundWorth, differenceMinor: bigint, title: string): RefundWorth {
    const draft = new Draft(discountTitle(this.#order), this.#order.taxesIncluded, worth);
    this.#takeDifference(draft, differenceMinor, title);
    return draft.worth();
  }

  #takeLine(draft: Draft, given: RefundedLine): void {
    const line = this.#order.lines.find((one) => one.id === given.orderLineId);
    const rest = this.#lines.get(given.orderLineId);
    if (line === undefined || rest === undefined) return;
    const netMinor = this.#order.taxesIncluded ? given.subtotalMinor - given.taxMinor : given.subtotalMinor;
    const parts = line.giftCard ? [{ fate: 'sale' as const, quantity: given.quantity }] : partsByFate(given);
    const sizes = parts.length === 1 ? [1n] : parts.map(({ quantity }) => BigInt(quantity));
    const nets = allocate(netMinor, sizes);
    const taxes = allocate(given.taxMinor, sizes);
    for (const [index, { fate, quantity }] of parts.entries()) {
      const net = nets[index] ?? 0n;
      const priceMinor = takePrice(rest, quantity, net);
      draft.add(lineOf(line, fate, quantity), net, priceMinor, takeTaxes(rest, taxes[index] ?? 0n));
    }
  }

  #takeShipping(draft: Draft, { amountMinor, taxMinor }: Adjustment): void {
    const isInclusive = this.#order.taxesIncluded;
    const paidOf = (rest: Rest): bigint => rest.priceMinor - rest.discountMinor;
    const open = this.#shipping.filter((rest) => paidOf(rest) > 0n);
    const netMinor = isInclusive ? amountMinor - taxMinor : amountMinor;
    // Platforms give shipping back line by line: where one line is exactly this, it is this one.
    const exact = open.find((rest) => paidOf(rest) === netMinor && taxLeft(rest) === taxMinor);
    const rests = open.length > 0 ? open : this.#shipping.slice(0, 1);
    const takers = exact === undefined ? rests : [exact];
    if (takers.length === 0) {
      draft.add(plainLine('shipping', 'Shipping', netMinor), netMinor, netMinor, untiedTaxes(taxMinor));
      return;
    }
    const nets = allocate(netMinor, takers.map(paidOf));
    const taxes = allocate(taxMinor, takers.map(taxLeft));
    for (const [index, rest] of takers.entries()) {
      const net = nets[index] ?? 0n;
      const tax = taxes[index] ?? 0n;
      if (net === 0n && tax === 0n) continue;
      // Of a discounted price as much as of what was paid for it.
      const whole = paidOf(rest);
      const price = whole > 0n && net <= whole ? share(rest.priceMinor, net, whole) : net;
      rest.priceMinor -= price;
      rest.discountMinor -= price - net;
      draft.add(plainLine('shipping', 'Shipping', price), net, price, takeTaxes(rest, tax));
    }
  }

  /** Duties that are named as such, be it for one line of several. */
  #takeDuties(draft: Draft, { adjustments }: RefundSnapshot): void {
    const toldMinor = adjustments
      .filter((one) => one.kind === 'duty_refund')
      .reduce((sum, one) => sum + one.amountMinor, 0n);
    const amountMinor = least(toldMinor, this.#dutiesMinor);
    if (amountMinor > 0n) draft.lines.push(plainLine('duties', 'Import duties', amountMinor));
    this.#dutiesMinor -= amountMinor;
    this.#takeDifference(draft, toldMinor - amountMinor, 'Import duties beyond those of the order');
  }

  /** Where what is left of tip, duties or rounding explains an amount exactly, it is that. */
  #takeDifference(draft: Draft, amountMinor: bigint, title: string): void {
    if (amountMinor === 0n) return;
    const rests = [
      ['tip', 'Tip', this.#tipMinor],
      ['duties', 'Import duties', this.#dutiesMinor],
      ['rounding', 'Cash rounding', this.#roundingMinor],
    ] as const;
    for (let set = 1; set < 2 ** rests.length; set += 1) {
      const chosen = rests.filter((_, index) => (set & (1 << index)) !== 0);
      if (chosen.some(([, , rest]) => rest === 0n)) continue;
      if (chosen.reduce((all, [, , rest]) => all + rest, 0n) !== amountMinor) continue;
      for (const [kind, name, rest] of chosen) {
        draft.lines.push(plainLine(kind, name, rest));
        if (kind === 'tip') this.#tipMinor = 0n;
        else if (kind === 'duties') this.#dutiesMinor = 0n;
        else this.#roundingMinor = 0n;
      }
      return;
    }
    draft.lines.push(plainLine('refundAdjustment', title, amountMinor));
  }
}

/** What has not been given back yet. */
interface Rest {
  quantity: number;
  /** Without tax, before discounts. */
  priceMinor: bigint;
  /** Without tax. */
  discountMinor: bigint;
  taxes: { tax: TaxSnapshot; restMinor: bigint }[];
}

function restOf(
  grossMinor: bigint,
  quantity: number,
  part: { discountMinor: bigint; taxes: readonly TaxSnapshot[] },
  isInclusive: boolean,
): Rest {
  const paid = grossMinor - part.discountMinor;
  const included = isInclusive ? part.taxes.reduce((all, tax) => all + tax.amountMinor, 0n) : 0n;
  const onPrice = included === 0n ? 0n : share(included, grossMinor, paid);
  return {
    quantity,
    priceMinor: grossMinor - onPrice,
    discountMinor: part.discountMinor - (onPrice - included),
    taxes: part.taxes.map((tax) => ({ tax, restMinor: tax.amountMinor })),
  };
}

function taxLeft(rest: Rest): bigint {
  return rest.taxes.reduce((all, tax) => all + tax.restMinor, 0n);
}

/**
 * The price before discounts of so many pieces. The amount after discounts is the platform's; the discount is the
 * difference, so that the sum always holds. The last pieces take what is left.
 */
function takePrice(rest: Rest, quantity: number, netMinor: bigint): bigint {
  const isLast = quantity >= rest.quantity;
  const full = isLast ? rest.priceMinor : share(rest.priceMinor, BigInt(quantity), BigInt(rest.quantity));
  const priceMinor = rest.discountMinor === 0n || full < netMinor ? netMinor : full;
  rest.quantity -= quantity;
  rest.priceMinor -= priceMinor;
  rest.discountMinor -= priceMinor - netMinor;
  return priceMinor;
}

/** Tax per title and rate out of what is left of each; the last refund takes exactly the rest. */
function takeTaxes(rest: Rest, taxMinor: bigint): TaxSnapshot[] {
  if (rest.taxes.length === 0) return untiedTaxes(taxMinor);
  const left = rest.taxes.reduce((all, one) => all + one.restMinor, 0n);
  const isEnough = taxMinor >= 0n && taxMinor <= left;
  const parts = allocate(
    taxMinor,
    rest.taxes.map((one) => (isEnough ? one.restMinor : one.tax.amountMinor)),
  );
  return rest.taxes.map((one, index) => {
    const amountMinor = parts[index] ?? 0n;
    one.restMinor = one.restMinor > amountMinor ? one.restMinor - amountMinor : 0n;
    return { ...one.tax, amountMinor };
  });
}

/** Tax that came back with something that was never taxed, as far as the order tells. */
function untiedTaxes(taxMinor: bigint): TaxSnapshot[] {
  return taxMinor === 0n ? [] : [{ title: '', rate: '', amountMinor: taxMinor, channelLiable: false }];
}

/** Collects lines; discounts of one treatment and taxes of one rate become one. */
class Draft {
  readonly lines: DocumentLine[];
  readonly #discountTitle: string;
  readonly #isInclusive: boolean;
  readonly #taxes: Map<string, DocumentTax>;
  readonly #discounts = new Map<string, DocumentLine>();
  #channelTaxMinor = 0n;
  #untiedTaxMinor = 0n;

  constructor(discountTitleText: string, isInclusive: boolean, begun?: RefundWorth) {
    this.#discountTitle = discountTitleText;
    this.#isInclusive = isInclusive;
    this.lines = [...(begun?.lines ?? [])];
    this.#taxes = new Map(begun?.taxes.map((tax) => [keyOf([tax]), { ...tax }]));
  }

  /** One thing given back: what it was after discounts, and what it cost before them. */
  add(line: DocumentLine, netMinor: bigint, priceMinor: bigint, taxes: readonly TaxSnapshot[]): void {
    const own = taxes.filter((tax) => !tax.channelLiable && tax.rate !== '');
    const treatment = treatmentOf(own);
    const ownMinor = own.reduce((all, tax) => all + tax.amountMinor, 0n);
    for (const tax of taxes) {
      if (tax.channelLiable) this.#channelTaxMinor += tax.amountMinor;
      else if (tax.rate === '') this.#untiedTaxMinor += tax.amountMinor;
      else this.#addTax(tax);
    }
    const discountMinor = priceMinor - netMinor;
    const onPrice =
      this.#isInclusive && discountMinor !== 0n && netMinor !== 0n
        ? share(ownMinor, priceMinor, netMinor)
        : ownMinor;
    this.lines.push({ ...line, netMinor: priceMinor, taxMinor: onPrice, taxes: treatment });
    if (discountMinor === 0n) return;
    const key = keyOf(treatment);
    const discount = this.#discounts.get(key) ?? plainLine('discount', this.#discountTitle, 0n, treatment);
    discount.netMinor -= discountMinor;
    discount.unitPriceMinor -= discountMinor;
    discount.taxMinor -= onPrice - ownMinor;
    this.#discounts.set(key, discount);
  }

  worth(): RefundWorth {
    const lines = [...this.lines, ...this.#discounts.values()];
    if (this.#channelTaxMinor !== 0n)
      lines.push(
        plainLine('channelTax', 'Tax collected and owed by the sales channel', this.#channelTaxMinor),
      );
    if (this.#untiedTaxMinor !== 0n)
      lines.push(plainLine('otherTax', 'Tax not tied to a line', this.#untiedTaxMinor));
    const taxes = sortedTaxes(this.#taxes);
    countBases(taxes, lines);
    return {
      lines,
      taxes,
      valueMinor: sumNet(lines) + taxes.reduce((all, tax) => all + tax.amountMinor, 0n),
    };
  }

  #addTax({ title, rate, amountMinor }: TaxSnapshot): void {
    const key = keyOf([{ title, rate }]);
    const known = this.#taxes.get(key);
    if (known === undefined) this.#taxes.set(key, { title, rate, amountMinor, baseMinor: 0n });
    else known.amountMinor += amountMinor;
  }
}

type Fate = 'sale' | 'damaged' | 'notReturned' | 'notRestocked';

/** The pieces of a refunded line by where they are now: one part per fate, and at least one part in all. */
function partsByFate({ quantity, restockType, fates }: RefundedLine): { fate: Fate; quantity: number }[] {
  if (restockType !== 'no_restock' || fates === undefined)
    return [{ fate: restockType === 'no_restock' ? 'notRestocked' : 'sale', quantity }];
  const { restocked, damaged, notReturned } = fates;
  const wanted = [
    ['sale', restocked],
    ['damaged', damaged],
    ['notReturned', notReturned],
    ['notRestocked', quantity],
  ] as const;
  let left = quantity;
  const parts: { fate: Fate; quantity: number }[] = [];
  for (const [fate, pieces] of wanted) {
    const taken = Math.min(pieces, left);
    left -= taken;
    if (taken > 0) parts.push({ fate, quantity: taken });
  }
  return parts.length === 0 ? [{ fate: 'notRestocked', quantity }] : parts;
}

const remarks: Readonly<Record<Fate, string>> = {
  sale: '',
  damaged: ', came back damaged',
  notReturned: ', did not come back',
  notRestocked: ', not put back into stock',
};

/** Goods that did not return to stock are no product in the books: their item would count them in again. */
function lineOf(line: OrderLineSnapshot, fate: Fate, quantity: number): DocumentLine {
  const title = line.variantTitle === null ? line.title : `${line.title} – ${line.variantTitle}`;
  const named = line.sku === null ? title : `${title} (${line.sku})`;
  const isRestocked = fate === 'sale';
  return {
    ...plainLine(line.giftCard ? 'giftCard' : fate, title, line.unitPriceMinor),
    orderLineId: line.id,
    variantId: isRestocked ? line.variantId : null,
    sku: isRestocked ? line.sku : null,
    description: `${named}${remarks[fate]}`,
    quantity,
  };
}

function reasonOf({ reason, amountMinor }: Adjustment): string {
  if (reason !== null && reason.trim() !== '') return reason.trim().slice(0, 100).toWellFormed();
  return amountMinor > 0n ? 'Given back beyond what came back' : 'Kept back';
}
