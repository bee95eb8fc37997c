import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { RefundRequestSnapshot } from '../../../model/snapshot.ts';
import { least } from '../../accounting/document-lines.ts';
import type { PushOutcome, PushPlan, PushTask } from '../platform.ts';
import { moneyBag } from './answers.ts';
import { ask, refused, type ShopifySession } from './api.ts';
import { readOrder } from './read.ts';
import { gidOf, idOf } from './vocabulary.ts';

const body = z.object({
  orderId: z.string(),
  currency: z.string(),
  lines: z.array(z.object({ lineItemId: z.string(), quantity: z.number().int(), restockType: z.string() })),
  shipping: z.boolean(),
  /** Null: what Shopify finds it worth. */
  amount: z.string().nullable(),
  discrepancyReason: z.string().nullable(),
  to: z.enum(['original', 'store_credit']),
  note: z.string().nullable(),
});
type Body = z.infer<typeof body>;

export function planRefund(
  request: RefundRequestSnapshot,
  isKnown: boolean,
  connectionId: bigint,
): PushPlan[] {
  if (request.connectionId !== connectionId || isKnown) return [];
  const wanted: Body = {
    orderId: request.orderRemoteId,
    currency: request.currency,
    lines: request.lines.map((line) => ({
      lineItemId: line.lineRemoteId,
      quantity: line.quantity,
      restockType: line.restock.toUpperCase(),
    })),
    shipping: request.shipping,
    amount: request.amountMinor === null ? null : formatMinor(request.amountMinor, request.currency),
    discrepancyReason: request.discrepancyReason?.toUpperCase() ?? null,
    to: request.to,
    note: request.note,
  };
  return [{ kind: 'refund', subjectType: 'RefundRequest', subjectId: request.id, body: wanted }];
}

/** What is sent, word for word: a key that is repeated with other parameters is refused. */
interface Draft {
  transactions: { parentId: string | null; gateway: string; amount: string }[];
  credit: string | null;
}

/**
 * Gives back at Shopify, once. Where the money goes is asked first and remembered before anything is sent: after a crash
 * the answer would be another one, and the same key must carry the same words.
 */
export async function performRefund(push: PushTask, session: ShopifySession): Promise<PushOutcome> {
  const wanted = body.parse(push.body);
  const draft = (await rememberedDraft(push, session)) ?? (await newDraft(push, wanted, session));
  const orderId = gidOf('Order', wanted.orderId);
  const { data } = await ask(
    session,
    'refundCreate',
    {
      key: push.idempotencyKey,
      input: {
        orderId,
        note: wanted.note,
        refundLineItems: wanted.lines.map((line) => ({
          lineItemId: gidOf('LineItem', line.lineItemId),
          quantity: line.quantity,
          restockType: line.restockType,
        })),
        ...(wanted.shipping ? { shipping: { fullRefund: true } } : {}),
        ...(wanted.discrepancyReason === null ? {} : { discrepancyReason: wanted.discrepancyReason }),
        transactions: draft.transactions.map((one) => ({ ...one, kind: 'REFUND', orderId })),
        ...(draft.credit === null
          ? {}
          : {
              refundMethods: [
                { storeCreditRefund: { amount: { amount: draft.credit, currencyCode: wanted.currency } } },
              ],
            }),
      },
    },
    z.object({
      refundCreate: z.object({
        refund: z.object({ id: z.string(), totalRefundedSet: moneyBag }).nullable(),
        userErrors: z.array(z.object({ field: z.array(z.string()).nullish(), message: z.string() })),
      }),
    }),
  );
  const { refund, userErrors } = data.refundCreate;
  if (refund === null || userErrors.length > 0) throw refused('the refund', userErrors);
  // Read at once, so that books and CRM need not wait for the webhook; it tells nothing new then.
  const told = await readOrder(session, wanted.orderId);
  return {
    remoteType: 'refund',
    remoteId: idOf(refund.id),
    remoteVersion: null,
    state: {},
    adopted: false,
    detail: { total: refund.totalRefundedSet.shopMoney.amount, currency: wanted.currency },
    ...(told === null ? {} : { told: [told] }),
  };
}

const draftType = 'refundDraft';

async function rememberedDraft(push: PushTask, session: ShopifySession): Promise<Draft | null> {
  const links = await session.links.find('RefundRequest', [push.subjectId], draftType);
  return (links.get(push.subjectId)?.state as unknown as Draft | undefined) ?? null;
}

const suggestion = z.object({
  order: z
    .object({
      suggestedRefund: z
        .object({
          amountSet: moneyBag,
          maximumRefundableSet: moneyBag,
          suggestedTransactions: z.array(
            z.object({
              gateway: z.string().nullable(),
              parentTransaction: z.object({ id: z.string() }).nullable(),
              maximumRefundableSet: moneyBag.nullable(),
            }),
          ),
        })
        .nullable(),
    })
    .nullable(),
});

async function newDraft(push: PushTask, wanted: Body, session: ShopifySession): Promise<Draft> {
  const { data } = await ask(
    session,
    'suggestedRefund',
    {
      id: gidOf('Order', wanted.orderId),
      shipping: wanted.shipping,
      lines: wanted.lines.map((line) => ({
        lineItemId: gidOf('LineItem', line.lineItemId),
        quantity: line.quantity,
        restockType: line.restockType,
      })),
    },
    suggestion,
  );
  const suggested = data.order?.suggestedRefund;
  if (!suggested)
    throw new AppError({
      code: 'SHOPIFY_GONE',
      retryable: false,
      publicMessage: `Shopify has no order ${wanted.orderId} any more.`,
      remedy: 'Nothing can be given back there.',
    });
  const minor = (text: string): bigint => parseMinor(text, wanted.currency);
  const amountMinor = minor(wanted.amount ?? suggested.amountSet.shopMoney.amount);
  if (amountMinor > minor(suggested.maximumRefundableSet.shopMoney.amount))
    throw new AppError({
      code: 'REFUND_TOO_LARGE',
      retryable: false,
      publicMessage: `Shopify gives back at most ${suggested.maximumRefundableSet.shopMoney.amount} ${wanted.currency} of this order.`,
      remedy: 'Ask for less; something may have been given back there meanwhile.',
    });
  const draft: Draft = { transactions: [], credit: null };
  if (wanted.to === 'store_credit') draft.credit = formatMinor(amountMinor, wanted.currency);
  else {
    let left = amountMinor;
    for (const one of suggested.suggestedTransactions) {
      const room = minor(one.maximumRefundableSet?.shopMoney.amount ?? '0');
      const part = least(room, left);
      if (part <= 0n) continue;
      left -= part;
      draft.transactions.push({
        parentId: one.parentTransaction?.id ?? null,
        gateway: one.gateway ?? 'manual',
        amount: formatMinor(part, wanted.currency),
      });
    }
  }
  await session.links.save({
    entityType: 'RefundRequest',
    entityId: push.subjectId,
    remoteType: draftType,
    remoteId: push.idempotencyKey,
    remoteVersion: null,
    state: { ...draft },
  });
  return draft;
}
