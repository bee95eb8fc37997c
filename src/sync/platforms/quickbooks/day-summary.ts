import { createHash } from 'node:crypto';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { DaySummarySnapshot } from '../../../model/snapshot.ts';
import type { PlanContext, PushOutcome, PushPlan, PushTask } from '../platform.ts';
import type { QuickBooksSession } from './client.ts';
import { type FormBody, type FormLine, type FormTax, isHeld } from './form-body.ts';
import { currentStanding, postForm } from './forms.ts';
import { readSettings } from './settings.ts';

/** What the link of a share keeps of it. */
interface Share {
  lines: FormLine[];
  taxes: FormTax[];
  total: string;
  value: string;
}

/** The one document of a day, channel, currency and account: the sum of its shares, to the minor unit. */
export function planDaySummary(snapshot: DaySummarySnapshot, context: PlanContext): PushPlan[] {
  if (snapshot.connectionId !== context.connectionId) return [];
  const { link } = context;
  const shares = snapshot.shares.flatMap(shareIn);
  if (shares.length === 0 && link === null) return [];
  const body = summaryBody(snapshot, shares, readSettings(context.settings).docNumberPrefix);
  if (link !== null && isHeld(link.state, body)) return [];
  return [{ kind: 'daySummary', subjectType: 'DaySummary', subjectId: snapshot.id, body: { ...body } }];
}

export async function performDaySummary(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as FormBody & { parts: number };
  const link = (await session.links.find('DaySummary', [push.subjectId], body.type)).get(push.subjectId);
  const standing =
    currentStanding(link, body) ??
    (await postForm(push, session, body, { entityType: 'DaySummary', entityId: push.subjectId, link }));
  return {
    remoteType: body.type,
    remoteId: standing.id,
    remoteVersion: standing.version,
    state: { ...standing.state, parts: body.parts },
    adopted: standing.adopted,
    detail: { ...standing.detail, parts: body.parts },
  };
}

/** What was taken back has no share any more. */
function shareIn(state: Readonly<Record<string, unknown>>): Share[] {
  const share = state.share as { lines: FormLine[]; taxes: FormTax[] } | null | undefined;
  if (share == null) return [];
  return [{ ...share, total: String(state.total), value: String(state.value) }];
}

function summaryBody(
  { id, facts }: DaySummarySnapshot,
  shares: readonly Share[],
  prefix: string,
): FormBody & { parts: number } {
  const { currency, day, kind, channel } = facts;
  const minor = (amount: string): bigint => parseMinor(amount, currency);
  const money = (amountMinor: bigint): string => formatMinor(amountMinor, currency);
  const sum = (amounts: readonly string[]): string =>
    money(amounts.reduce((all, one) => all + minor(one), 0n));
  const lines = sumLines(
    shares.flatMap((one) => one.lines),
    sum,
  );
  const what = kind === 'sale' ? 'Sales' : 'Refunds';
  const content = {
    type: kind === 'sale' ? ('SalesReceipt' as const) : ('RefundReceipt' as const),
    source: `day:${createHash('sha256').update(facts.key).digest('hex').slice(0, 16)}`,
    docNumber: `${prefix}${day.slice(2).replaceAll('-', '')}-${id}`.slice(-21),
    date: day,
    note: `${what} of ${day}, ${channel.replaceAll('_', ' ')}: ${shares.length} in all`,
    currency,
    total: sum(shares.map((one) => one.total)),
    value: sum(shares.map((one) => one.value)),
    // Each share was looked at on its own.
    difference: money(0n),
    // Sums of lines stand without their tax: a day holds orders of both kinds.
    pricesIncludeTax: false,
    account: facts.account,
    class: facts.class,
    location: facts.location,
    lines: lines.length > 0 ? lines : [nothing(money(0n))],
    taxes: sumTaxes(
      shares.flatMap((one) => one.taxes),
      sum,
    ),
  };
  return {
    ...content,
    mark: createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12),
    buyer: null,
    parts: shares.length,
  };
}

type Sum = (amounts: readonly string[]) => string;

/** One line per kind, product and tax treatment, so that stock, income and each tax's base stay right. */
function sumLines(lines: readonly FormLine[], sum: Sum): FormLine[] {
  const groups = Map.groupBy(lines, (line) =>
    JSON.stringify([
      line.kind,
      line.product?.variantId ?? line.product?.sku ?? null,
      line.product === null ? null : (line.product.sku ?? line.product.name),
      line.taxes.map((tax) => [tax.title, tax.rate]),
    ]),
  );
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, [first, ...others]]) => {
      const one = first as FormLine;
      const all = [one, ...others];
      const isProduct = one.product !== null;
      return {
        ...one,
        description: isProduct ? one.description : titles[one.kind],
        quantity: isProduct ? all.reduce((count, line) => count + line.quantity, 0) : 1,
        net: sum(all.map((line) => line.net)),
        tax: sum(all.map((line) => line.tax)),
      };
    });
}

function sumTaxes(taxes: readonly FormTax[], sum: Sum): FormTax[] {
  const groups = Map.groupBy(taxes, (tax) => JSON.stringify([tax.title, tax.rate]));
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, all]) => ({
      title: all[0]?.title ?? '',
      rate: all[0]?.rate ?? '0',
      amount: sum(all.map((tax) => tax.amount)),
      base: sum(all.map((tax) => tax.base)),
    }));
}

/** A document needs a line, also where everything of the day was taken back. */
function nothing(zero: string): FormLine {
  return {
    kind: 'sale',
    product: null,
    description: 'Nothing is left of this day',
    quantity: 1,
    net: zero,
    tax: zero,
    taxes: [],
  };
}

const titles: Readonly<Record<FormLine['kind'], string>> = {
  sale: 'Sales',
  giftCard: 'Gift cards sold',
  discount: 'Discounts',
  shipping: 'Shipping',
  duties: 'Import duties',
  tip: 'Tips',
  channelTax: 'Tax collected and owed by the sales channel',
  otherTax: 'Tax not tied to a line',
  rounding: 'Cash rounding',
  difference: 'Differences to the totals of orders',
  notRestocked: 'Given back, not put back into stock',
  damaged: 'Given back, came back damaged',
  notReturned: 'Given back, did not come back',
  refundAdjustment: 'Given back beyond what came back, or kept back',
  overpayment: 'Paid beyond the total',
  giftCardTender: 'Settled by gift card',
  storeCreditTender: 'Settled by store credit',
  exchangeTender: 'Settled by exchange',
};
