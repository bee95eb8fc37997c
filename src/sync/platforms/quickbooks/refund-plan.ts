import { dayIn } from '../../../model/day.ts';
import { formatMinor } from '../../../model/money.ts';
import type { OrderSnapshot, RefundOfOrderSnapshot } from '../../../model/snapshot.ts';
import type {
  CreditApplication,
  MoneyMovement,
  OrderForm,
  Posting,
  RefundForm,
  SalesForm,
} from '../../accounting/documents.ts';
import type { LinkFacts, PlanContext, PushPlan } from '../platform.ts';
import { type BuyerBody, buyerOf } from './customers.ts';
import { fitsIntoDay, isShare, type ShareBody, type ShareVoid, shareOf, shareType } from './day-share.ts';
import { docNumberOf, type FormBody, formBody, isHeld, markOf, noteOf } from './form-body.ts';
import { orderPosting, refundPosting } from './postings.ts';
import { postedForm, sourceOf } from './sale-plan.ts';
import { policyOf, readSettings } from './settings.ts';

/** All documents of one refund. */
export interface RefundBody {
  /** Graph id of the order, whose document has to stand first. */
  orderId: string;
  /** Null: the order is kept by whoever had the books before. */
  orderForm: OrderForm | null;
  source: string;
  /** Changes with anything that is written. */
  mark: string;
  docNumber: string;
  date: string;
  note: string;
  currency: string;
  buyer: BuyerBody | null;
  /** What came back; null where only money went back that an earlier refund had left. */
  form: FormBody | null;
  /** Money that went back, by the account that it left. */
  expenses: { account: string | null; gateway: string; amount: string }[];
  application: ApplicationBody | null;
  isVoid?: true;
}

export interface ApplicationBody {
  own: string;
  fromEarlier: { refundId: string; amount: string }[];
  toMoney: string;
  toInvoice: string;
}

/** What the books are owed for one refund of an order. Money that is under way is waited for. */
export function planRefund({ id, order }: RefundOfOrderSnapshot, context: PlanContext): PushPlan[] {
  const { link } = context;
  const refund = order.refunds.find((one) => one.id === id);
  if (order.platform === 'quickbooks' || link?.state.void === 'done') return [];
  const about = { kind: 'creditMemo', subjectType: 'Refund', subjectId: id } as const;
  // The platform tells of it no more: it was an edit of the order after all.
  if (refund === undefined)
    return link === null
      ? []
      : link.remoteType === shareType
        ? [
            {
              ...about,
              body: {
                type: shareType,
                source: link.remoteId,
                docNumber: String(link.state.docNumber ?? ''),
                isVoid: true,
              } satisfies ShareVoid,
            },
          ]
        : [
            {
              ...about,
              body: { orderId: order.id.toString(), docNumber: link.state.docNumber ?? '', isVoid: true },
            },
          ];
  const settings = readSettings(context.settings);
  const policy = policyOf(settings);
  const posted = postedForm(context.parent?.link ?? null, context.parent?.inFlight);
  // A refund that vanishes and is told again is another row here: it gets documents of its own.
  const source = `${sourceOf(order)}:refund:${refund.remoteId}:${id}`;
  const docNumber = docNumberOf(order, settings, `-R${refund.remoteId.slice(-4)}`);
  const wasShare = isShare(link, context.inFlight);
  if (link?.state.void === 'asked' && wasShare)
    return [
      {
        ...about,
        body: { type: shareType, source: link.remoteId, docNumber, isVoid: true } satisfies ShareVoid,
      },
    ];
  if (link?.state.void === 'asked') return [{ ...about, body: { source, docNumber, isVoid: true } }];
  const share = shareOfRefund(order, id, context, { source, docNumber });
  if (share === 'held') return [];
  if (share !== null) return [{ ...about, body: { ...share } }];
  const posting = refundPosting(order, id, policy, {
    order: posted,
    refund: postedRefund(link, context.inFlight),
  });
  if (posting.status === 'person') return [{ ...about, body: { source, docNumber, problem: posting.why } }];
  if (posting.status !== 'post') return [];

  const { documents } = posting;
  const money = (minor: bigint): string => formatMinor(minor, order.currency);
  const note = noteOf(order, settings, 'Refund of ');
  const form = documents.find((one): one is SalesForm => 'lines' in one);
  const application = documents.find((one): one is CreditApplication => one.type === 'CreditApplication');
  const isEarlier = policy.ordersFrom !== null && order.placedAt < policy.ordersFrom;
  const content = {
    orderId: order.id.toString(),
    orderForm:
      isEarlier || isPartOfDay(order, context) ? null : (posted ?? saleForm(orderPosting(order, policy))),
    source,
    docNumber,
    date: dayIn(settings.timeZone, refund.refundedAt),
    note: refund.note === null ? note : `${note}\n${refund.note}`.slice(0, 3800).toWellFormed(),
    currency: order.currency,
    form: form === undefined ? null : formBody(form, order, settings, { source, docNumber, note }),
    expenses: documents
      .filter((one): one is MoneyMovement => one.type === 'Expense')
      .map((one) => ({
        account: one.account,
        gateway: one.gateways.join(', '),
        amount: money(one.amountMinor),
      })),
    application:
      application === undefined
        ? null
        : {
            own: money(application.ownMinor),
            fromEarlier: application.fromEarlier.map((one) => ({
              refundId: one.refundId.toString(),
              amount: money(one.amountMinor),
            })),
            toMoney: money(application.toMoneyMinor),
            toInvoice: money(application.toInvoiceMinor),
          },
  };
  const mark = markOf({ ...content, form: content.form?.mark ?? null, orderForm: null });
  const body: RefundBody = {
    ...content,
    mark,
    buyer: order.customer === null ? null : buyerOf(order.customer),
  };
  if (link !== null && isDone(link.state, body)) return [];
  if (order.erased && link !== null && (body.form === null || link.state.total === body.form.total))
    return [];
  return [{ ...about, body: { ...body } }];
}

/**
 * A refund joins its day where its order did or would, and where one receipt says it all: what stays the customer's credit,
 * or moved through several accounts, has documents of its own. Null: it is no share. `held`: the share says this already.
 */
function shareOfRefund(
  order: OrderSnapshot,
  id: bigint,
  context: PlanContext,
  facts: { source: string; docNumber: string },
): ShareBody | 'held' | null {
  const { link } = context;
  const settings = readSettings(context.settings);
  const wasShare = isShare(link, context.inFlight);
  const isNew = link === null && context.inFlight == null;
  if (!wasShare && !(isNew && settings.posting === 'daily' && isPartOfDay(order, context))) return null;
  const posting = refundPosting(order, id, policyOf(settings), {
    order: 'SalesReceipt',
    refund: 'RefundReceipt',
  });
  // Nothing may be written at this moment, or not by us: what stands of it stays.
  if (posting.status !== 'post') return wasShare && posting.status !== 'person' ? 'held' : null;
  const [only, ...others] = posting.documents;
  if (only?.type !== 'RefundReceipt' || others.length > 0) return null;
  const note = noteOf(order, settings, 'Refund of ');
  const body = formBody(only, order, settings, { ...facts, note });
  if (!wasShare && !fitsIntoDay(body, settings)) return null;
  if (link !== null && isHeld(link.state, body)) return 'held';
  if (order.erased && link?.state.total === body.total) return 'held';
  return shareOf(body, order, settings, link);
}

/** The order has no document of its own: it is part of a day, or about to become one. */
function isPartOfDay(order: OrderSnapshot, { parent, settings }: PlanContext): boolean {
  const link = parent?.link ?? null;
  if (link !== null || parent?.inFlight != null) return isShare(link, parent?.inFlight);
  const chosen = readSettings(settings);
  if (chosen.posting !== 'daily') return false;
  return saleForm(orderPosting(order, policyOf(chosen))) === 'SalesReceipt';
}

/** The form that stands in the books, or is being written at this moment. */
function postedRefund(link: LinkFacts | null, inFlight: unknown): RefundForm | null {
  const type =
    link?.remoteType ?? (inFlight as { form?: { type?: unknown } | null } | null | undefined)?.form?.type;
  // A share of a day is a receipt that has not its own document.
  if (isShare(link, inFlight)) return 'RefundReceipt';
  return type === 'CreditMemo' || type === 'RefundReceipt' ? type : null;
}

/** The form that the order's sale is about to get. */
function saleForm(posting: Posting): OrderForm {
  const isInvoice = posting.status === 'post' && posting.documents.some((one) => one.type === 'Invoice');
  return isInvoice ? 'Invoice' : 'SalesReceipt';
}

/** Every document of the refund stands as this version has it. */
function isDone(state: Readonly<Record<string, unknown>>, body: RefundBody): boolean {
  if (state.refundMark !== body.mark) return false;
  return body.form === null ? state.consent !== true : isHeld(state, body.form);
}
