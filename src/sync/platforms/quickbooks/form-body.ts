import { createHash } from 'node:crypto';
import { dayIn } from '../../../model/day.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { OrderSnapshot } from '../../../model/snapshot.ts';
import type { DocumentLineKind, TaxName } from '../../accounting/document-lines.ts';
import type { SalesForm } from '../../accounting/documents.ts';
import type { LinkFacts } from '../platform.ts';
import type { Entity } from './client.ts';
import { type BuyerBody, buyerOf } from './customers.ts';
import type { ProductBody } from './products.ts';
import type { QuickBooksSettings } from './settings.ts';

export type FormType = SalesForm['type'];

/** A document with lines in words that a bookkeeper reads; amounts are decimal strings. All that posting needs besides links. */
export interface FormBody {
  type: FormType;
  /** Platform and id of what it is for: the same over all versions of it. */
  source: string;
  /** Changes with the content. Stands in the note, so that what QuickBooks holds tells which version it is. */
  mark: string;
  docNumber: string;
  date: string;
  note: string;
  currency: string;
  /** What the document comes to. */
  total: string;
  /** What was sold or came back, before gift cards and other tenders that are no money. */
  value: string;
  /** What the parts lack of the total. */
  difference: string;
  pricesIncludeTax: boolean;
  /** Account that the money moves through, by name; null is QuickBooks's own. */
  account: string | null;
  /** Class and location (QuickBooks's "department"), by name. */
  class: string | null;
  location: string | null;
  /** Null: an order without a customer. */
  buyer: BuyerBody | null;
  lines: FormLine[];
  taxes: FormTax[];
}

export interface FormLine {
  kind: DocumentLineKind;
  /** For what is sold; every other kind has an item of its own. */
  product: ProductBody | null;
  description: string;
  quantity: number;
  /** Without tax. */
  net: string;
  /** The line's share of the tax. */
  tax: string;
  taxes: TaxName[];
}

export interface FormTax extends TaxName {
  amount: string;
  base: string;
}

export function formBody(
  form: SalesForm,
  order: OrderSnapshot,
  settings: QuickBooksSettings,
  facts: { source: string; docNumber: string; note: string },
): FormBody {
  const { currency } = form;
  const money = (minor: bigint): string => formatMinor(minor, currency);
  const content = {
    type: form.type,
    ...facts,
    date: dayIn(settings.timeZone, form.at),
    currency,
    total: money(form.totalMinor),
    value: money(form.valueMinor),
    difference: money(form.differenceMinor),
    pricesIncludeTax: form.pricesIncludeTax,
    account: form.account,
    class: settings.classes[order.channel] ?? null,
    location: settings.locations[order.locationName ?? ''] ?? settings.locations[order.channel] ?? null,
    lines: form.lines.map(
      (line): FormLine => ({
        kind: line.kind,
        product:
          line.kind === 'sale' && (line.variantId !== null || line.sku !== null)
            ? {
                variantId: line.variantId?.toString() ?? null,
                sku: line.sku,
                name: line.title,
                unitPrice: money(line.unitPriceMinor),
              }
            : null,
        description: line.description,
        quantity: line.quantity,
        net: money(line.netMinor),
        tax: money(line.taxMinor),
        taxes: line.taxes,
      }),
    ),
    taxes: form.taxes.map(
      ({ title, rate, amountMinor, baseMinor }): FormTax => ({
        title,
        rate,
        amount: money(amountMinor),
        base: money(baseMinor),
      }),
    ),
  };
  return {
    ...content,
    mark: createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12),
    buyer: order.customer === null ? null : buyerOf(order.customer),
  };
}

/**
 * The books hold this version already. A document that a person has edited is theirs until the order changes: where the
 * mark is gone but the sum is right, nothing is written over it.
 */
export function isHeld(state: LinkFacts['state'], body: Pick<FormBody, 'mark' | 'total'>): boolean {
  if (state.consent === true) return false;
  if (typeof state.mark === 'string') return state.mark === body.mark;
  return state.total === body.total;
}

/** What the books hold of a document, as far as it tells whether it is ours and right. */
export function formState(entity: Entity): Record<string, unknown> {
  const currency = (entity.CurrencyRef as { value?: string } | undefined)?.value ?? 'USD';
  const tax = (entity.TxnTaxDetail as { TotalTax?: number } | undefined)?.TotalTax ?? 0;
  return {
    total: amountText(entity.TotalAmt, currency),
    tax: amountText(tax, currency),
    currency,
    docNumber: entity.DocNumber ?? null,
    date: entity.TxnDate ?? null,
    mark: markIn(entity)?.mark ?? null,
    content: contentHash(entity),
  };
}

/** Digest of what we write of a document: payments applied to it, deposits and memos of people do not change it. */
export function contentHash(entity: Entity): string {
  const lines = ((entity.Line ?? []) as Record<string, unknown>[]).flatMap((line) => {
    const detail = (line.SalesItemLineDetail ?? line.AccountBasedExpenseLineDetail) as
      | Record<string, unknown>
      | undefined;
    if (detail === undefined && line.LinkedTxn === undefined && line.DiscountLineDetail === undefined)
      return [];
    return [
      [
        line.Amount ?? 0,
        refValue(detail?.ItemRef) ?? refValue(detail?.AccountRef) ?? '',
        refValue(detail?.TaxCodeRef) ?? '',
        detail?.Qty ?? null,
        line.LinkedTxn ?? null,
      ],
    ];
  });
  const tax = entity.TxnTaxDetail as { TotalTax?: number; TaxLine?: Record<string, unknown>[] } | undefined;
  const content = [
    entity.TxnDate ?? null,
    entity.DocNumber ?? null,
    entity.TotalAmt ?? 0,
    refValue(entity.CustomerRef) ?? refValue(entity.EntityRef) ?? null,
    refValue(entity.DepositToAccountRef) ?? refValue(entity.AccountRef) ?? null,
    lines,
    tax?.TotalTax ?? 0,
    (tax?.TaxLine ?? []).map((line) => [
      line.Amount,
      refValue((line.TaxLineDetail as { TaxRateRef?: unknown } | undefined)?.TaxRateRef),
    ]),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 16);
}

export function noteWithMark(body: Pick<FormBody, 'note' | 'source' | 'mark'>): string {
  return `${body.note}\n[tributary ${body.source} ${body.mark}]`;
}

/** What a document of the books was written for, and in which version. */
export function markIn(entity: Entity): { source: string; mark: string } | null {
  const note = entity.PrivateNote;
  const match = /\[tributary (\S+) ([0-9a-f]{12})\]/.exec(typeof note === 'string' ? note : '');
  return match?.[1] === undefined || match[2] === undefined ? null : { source: match[1], mark: match[2] };
}

/** A mark of what a document says, for those that have no lines of goods. */
export function markOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12);
}

/** JSON number → decimal string with the currency's decimals, through its shortest text. */
export function amountText(value: unknown, currency: string): string {
  const text = String(value ?? 0);
  return /^-?\d+(\.\d+)?$/.test(text) ? formatMinor(parseMinor(text, currency), currency) : text;
}

/** At most 21 characters; of longer numbers the end tells them apart. */
export function docNumberOf(order: OrderSnapshot, settings: QuickBooksSettings, suffix = ''): string {
  const prefix = settings.docNumberPrefix;
  const number = order.number.replace(/^#/, '').trim();
  return `${prefix}${number.slice(-(21 - prefix.length - suffix.length))}${suffix}`;
}

/** What the document is for, with a link to the order where one is wished, and what the customer paid in their currency. */
export function noteOf(order: OrderSnapshot, settings: QuickBooksSettings, what = ''): string {
  const url = settings.orderUrl
    ?.replaceAll('{remoteId}', encodeURIComponent(order.remoteId))
    .replaceAll('{number}', encodeURIComponent(order.number.replace(/^#/, '')));
  const platform = `${order.platform.slice(0, 1).toUpperCase()}${order.platform.slice(1)}`;
  const paid = formatMinor(order.presentmentTotalMinor, order.presentmentCurrency);
  const lines = [
    `${what}${platform} order ${order.number}`,
    ...(url === undefined ? [] : [url]),
    ...(order.presentmentCurrency === order.currency || what !== ''
      ? []
      : [`The customer saw ${paid} ${order.presentmentCurrency}`]),
  ];
  return lines.join('\n').slice(0, 3800).toWellFormed();
}

function refValue(reference: unknown): string | undefined {
  return (reference as { value?: string } | undefined)?.value;
}
