import { dayIn } from '../../../model/day.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { OrderSnapshot } from '../../../model/snapshot.ts';
import type { MoneyMovement, OrderForm, SalesForm } from '../../accounting/documents.ts';
import type { LinkFacts, PlanContext, PushPlan } from '../platform.ts';
import { fitsIntoDay, isShare, type ShareVoid, shareOf, shareType } from './day-share.ts';
import { docNumberOf, type FormBody, formBody, isHeld, noteOf } from './form-body.ts';
import { areFieldsHeld, type FormField, formFieldsOf } from './form-fields.ts';
import { orderPosting } from './postings.ts';
import { policyOf, readSettings } from './settings.ts';

/** The sale of an order: a receipt, or an invoice with its payments. */
export interface SaleBody extends FormBody {
  /** Money that came in for an invoice, the earliest first. */
  payments: PaymentBody[];
  /** What came back and is spent on the invoice: it leaves less for payments. */
  credited: string;
  /** Custom fields of the form; absent where none is declared for the books. */
  fields?: FormField[];
  /** The document is to be voided: by wish of a person, or because nothing of it is owed any more. */
  isVoid?: true;
}

export interface PaymentBody {
  account: string | null;
  gateway: string;
  amount: string;
  date: string;
}

/**
 * One document per order, for its whole total: what is given back makes documents of its own. An order edited after
 * posting changes its document; a document that a person changed or deleted is not written over without their consent.
 */
export function planSale(order: OrderSnapshot, context: PlanContext): PushPlan[] {
  const { link } = context;
  if (order.platform === 'quickbooks' || link?.state.void === 'done') return [];
  const settings = readSettings(context.settings);
  const posted = postedForm(link, context.inFlight);
  const posting = orderPosting(order, policyOf(settings), posted);
  const wasShare = isShare(link, context.inFlight);
  if (wasShare && link?.state.void === 'asked') {
    const voided: ShareVoid = {
      type: shareType,
      source: sourceOf(order),
      docNumber: docNumberOf(order, settings),
      isVoid: true,
    };
    return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: order.id, body: { ...voided } }];
  }
  const isVoided =
    link?.state.void === 'asked' || (link !== null && posted === 'Invoice' && posting.status === 'never');
  if (posting.status !== 'post' && !isVoided) return [];
  const documents = posting.status === 'post' ? posting.documents : [];
  const form = documents.find((one): one is SalesForm => 'lines' in one);
  const body =
    form === undefined
      ? null
      : saleBody(
          order,
          form,
          documents.filter((one): one is MoneyMovement => one.type === 'Payment'),
          context,
        );
  if (isVoided && link !== null) {
    const voided = {
      type: posted,
      source: sourceOf(order),
      docNumber: docNumberOf(order, settings),
      isVoid: true,
    };
    return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: order.id, body: voided }];
  }
  if (body === null) return [];
  const isNew = link === null && context.inFlight == null;
  const joinsDay =
    isNew && settings.posting === 'daily' && body.type === 'SalesReceipt' && fitsIntoDay(body, settings);
  if (wasShare || joinsDay) {
    if (link !== null && isHeld(link.state, body)) return [];
    if (order.erased && link?.state.total === body.total) return [];
    // Payments and custom fields belong to documents of single orders.
    const { payments: _payments, credited: _credited, fields: _fields, ...sale } = body;
    const share = shareOf(sale, order, settings, link);
    return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: order.id, body: { ...share } }];
  }
  const isUpToDate = link !== null && isHeld(link.state, body) && arePaid(body, link.state);
  if (isUpToDate && areFieldsHeld(link.state, body.fields)) return [];
  // What was posted stays as it was made out, for as long as books are kept.
  if (order.erased && link?.state.total === body.total && arePaid(body, link.state)) return [];
  return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: order.id, body: { ...body } }];
}

/** The form that stands in the books, or is being written at this moment. */
export function postedForm(link: LinkFacts | null, inFlight: unknown): OrderForm | null {
  const type = link?.remoteType ?? (inFlight as { type?: unknown } | null | undefined)?.type;
  // A share of a day is a receipt that has not its own document.
  if (type === shareType) return 'SalesReceipt';
  return type === 'SalesReceipt' || type === 'Invoice' ? type : null;
}

export function sourceOf(order: OrderSnapshot): string {
  return `${order.platform}:${order.remoteId}`;
}

/** What came in so far by account: payments are counted up, because platforms tell them now one by one, now in a sum. */
export function receivedByAccount(
  payments: readonly PaymentBody[],
  currency: string,
): Record<string, string> {
  const sums = new Map<string, bigint>();
  for (const { account, amount } of payments)
    sums.set(account ?? '', (sums.get(account ?? '') ?? 0n) + parseMinor(amount, currency));
  return Object.fromEntries(
    [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([account, sum]) => [account, formatMinor(sum, currency)]),
  );
}

function saleBody(
  order: OrderSnapshot,
  form: SalesForm,
  payments: readonly MoneyMovement[],
  context: PlanContext,
): SaleBody {
  const settings = readSettings(context.settings);
  const body = formBody(form, order, settings, {
    source: sourceOf(order),
    docNumber: docNumberOf(order, settings),
    note: noteOf(order, settings),
  });
  const fields = formFieldsOf(order);
  return {
    ...body,
    ...(fields.length === 0 ? {} : { fields }),
    credited: formatMinor(form.creditedMinor, order.currency),
    payments: payments.map((one) => ({
      account: one.account,
      gateway: one.gateways[0] ?? '',
      amount: formatMinor(one.amountMinor, one.currency),
      date: dayIn(settings.timeZone, one.at),
    })),
  };
}

function arePaid(body: SaleBody, state: LinkFacts['state']): boolean {
  if (body.type !== 'Invoice') return true;
  const wanted = receivedByAccount(body.payments, body.currency);
  return JSON.stringify(wanted) === JSON.stringify(state.received ?? {});
}
