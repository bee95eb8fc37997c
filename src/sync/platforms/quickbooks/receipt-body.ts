import { createHash } from 'node:crypto';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { OrderSnapshot } from '../../../model/snapshot.ts';
import type { DocumentLineKind, TaxName } from '../../accounting/document-lines.ts';
import { documentsForOrder, type SalesForm } from '../../accounting/documents.ts';
import type { PlanContext, PushPlan } from '../platform.ts';
import type { Entity } from './client.ts';
import { type BuyerBody, buyerOf } from './customers.ts';
import type { ProductBody } from './products.ts';
import { policyOf, type QuickBooksSettings, readSettings } from './settings.ts';

/** A receipt in words that a bookkeeper reads; amounts are decimal strings. Everything that posting needs besides links. */
export interface ReceiptBody {
  /** Platform and id of the order: the same over all versions of it. */
  source: string;
  /** Changes with the content. Stands in the note, so that what QuickBooks holds tells which version it is. */
  mark: string;
  docNumber: string;
  date: string;
  note: string;
  currency: string;
  total: string;
  /** What the parts of the order lack of its total. */
  difference: string;
  pricesIncludeTax: boolean;
  /** Null: an order without a customer. */
  buyer: BuyerBody | null;
  lines: ReceiptLine[];
  taxes: ReceiptTax[];
}

export interface ReceiptLine {
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

export interface ReceiptTax extends TaxName {
  amount: string;
  base: string;
}

/**
 * One receipt per paid order, for its whole total: what is refunded later makes documents of its own. An order edited
 * after posting changes its receipt. Orders that wait for their money are posted when it comes; test orders never.
 */
export function planReceipt(order: OrderSnapshot, context: PlanContext): PushPlan[] {
  const { link } = context;
  if (order.platform === 'quickbooks') return [];
  const settings = readSettings(context.settings);
  const posting = documentsForOrder(order, policyOf(settings), link === null ? null : 'SalesReceipt');
  if (posting.status !== 'post') return [];
  const form = posting.documents.find((one): one is SalesForm => one.type === 'SalesReceipt');
  if (form === undefined) return [];
  const body = receiptBody(order, form, settings);
  if (link !== null && isHeld(link.state, body)) return [];
  return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: order.id, body: { ...body } }];
}

/**
 * The books hold this version already. A receipt that a person has edited is theirs until the order changes: where the
 * mark is gone but the sum is right, nothing is written over it.
 */
function isHeld(state: Readonly<Record<string, unknown>>, body: ReceiptBody): boolean {
  if (typeof state.mark === 'string') return state.mark === body.mark;
  return state.total === body.total;
}

function receiptBody(order: OrderSnapshot, document: SalesForm, settings: QuickBooksSettings): ReceiptBody {
  const { currency } = document;
  const money = (minor: bigint): string => formatMinor(minor, currency);
  const content = {
    source: `${order.platform}:${order.remoteId}`,
    docNumber: docNumberOf(order, settings),
    date: dayIn(settings.timeZone, order.placedAt),
    note: noteOf(order, settings),
    currency,
    total: money(document.totalMinor),
    difference: money(document.differenceMinor),
    pricesIncludeTax: document.pricesIncludeTax,
    lines: document.lines.map(
      (line): ReceiptLine => ({
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
    taxes: document.taxes.map(
      ({ title, rate, amountMinor, baseMinor }): ReceiptTax => ({
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

/** What the books hold of a receipt, as far as it tells whether it is ours and right. */
export function receiptState(entity: Entity): Record<string, unknown> {
  const currency = (entity.CurrencyRef as { value?: string } | undefined)?.value ?? 'USD';
  const tax = (entity.TxnTaxDetail as { TotalTax?: number } | undefined)?.TotalTax ?? 0;
  return {
    total: amountText(entity.TotalAmt, currency),
    tax: amountText(tax, currency),
    currency,
    docNumber: entity.DocNumber ?? null,
    date: entity.TxnDate ?? null,
    mark: markIn(entity)?.mark ?? null,
  };
}

export function noteWithMark(body: Pick<ReceiptBody, 'note' | 'source' | 'mark'>): string {
  return `${body.note}\n[tributary ${body.source} ${body.mark}]`;
}

/** Which order, in which version, a document of the books was written for. */
export function markIn(entity: Entity): { source: string; mark: string } | null {
  const note = entity.PrivateNote;
  const match = /\[tributary (\S+) ([0-9a-f]{12})\]/.exec(typeof note === 'string' ? note : '');
  return match?.[1] === undefined || match[2] === undefined ? null : { source: match[1], mark: match[2] };
}

/** JSON number → decimal string with the currency's decimals, through its shortest text. */
export function amountText(value: unknown, currency: string): string {
  const text = String(value ?? 0);
  return /^-?\d+(\.\d+)?$/.test(text) ? formatMinor(parseMinor(text, currency), currency) : text;
}

/** At most 21 characters; of longer numbers the end tells them apart. */
function docNumberOf(order: OrderSnapshot, settings: QuickBooksSettings): string {
  const prefix = settings.docNumberPrefix;
  const number = order.number.replace(/^#/, '').trim();
  return `${prefix}${number.slice(-(21 - prefix.length))}`;
}

function noteOf(order: OrderSnapshot, settings: QuickBooksSettings): string {
  const url = settings.orderUrl
    ?.replaceAll('{remoteId}', encodeURIComponent(order.remoteId))
    .replaceAll('{number}', encodeURIComponent(order.number.replace(/^#/, '')));
  const platform = `${order.platform.slice(0, 1).toUpperCase()}${order.platform.slice(1)}`;
  const lines = [`${platform} order ${order.number}`, ...(url === undefined ? [] : [url])];
  return lines.join('\n').slice(0, 3800);
}

const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day at that moment in that zone. */
function dayIn(timeZone: string, at: Date): string {
  let format = dayFormats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    dayFormats.set(timeZone, format);
  }
  return format.format(at);
}
