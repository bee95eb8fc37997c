import { parseMinor } from '../../../model/money.ts';
import type { OrderSnapshot, SummaryFacts } from '../../../model/snapshot.ts';
import type { LinkFacts, PushOutcome, PushTask } from '../platform.ts';
import type { QuickBooksSession } from './client.ts';
import type { FormBody } from './form-body.ts';
import type { QuickBooksSettings } from './settings.ts';

/*
 * Where a day is posted as one document, an order or a refund has no document of its own: its share of the day is kept with
 * its link, and the document of the day is the sum of all shares. An order is either a share or a document, never both: what
 * it once was it stays, whatever the policy becomes.
 */

/** Remote type of a link that stands for a share and for no row of QuickBooks. */
export const shareType = 'DayShare';

/** What a push about a share says. */
export interface ShareBody extends Omit<FormBody, 'type' | 'buyer'> {
  type: typeof shareType;
  summary: SummaryFacts;
  isVoid?: true;
}

/** A share that is taken back. */
export interface ShareVoid {
  type: typeof shareType;
  source: string;
  docNumber: string;
  isVoid: true;
}

/** Null: it is, or is about to become, a document of its own. */
export function isShare(link: LinkFacts | null, inFlight: unknown): boolean {
  if (link !== null) return link.remoteType === shareType;
  return (inFlight as { type?: unknown } | null | undefined)?.type === shareType;
}

/** Parts that lack more of their total than a person allows are theirs to look at, alone. */
export function fitsIntoDay(body: FormBody, settings: QuickBooksSettings): boolean {
  const difference = parseMinor(body.difference, body.currency);
  return (difference < 0n ? -difference : difference) <= BigInt(settings.differenceLimitMinor);
}

/**
 * The share of a day that a document would have been. What decides about money stays as it was when it was first posted:
 * a later choice of another account must not move the takings of days gone by.
 */
export function shareOf(
  body: FormBody,
  order: OrderSnapshot,
  settings: QuickBooksSettings,
  link: LinkFacts | null,
): ShareBody {
  const { type, buyer: _, ...rest } = body;
  const before = link?.state.facts as SummaryFacts | string | undefined;
  const known = typeof before === 'object' ? before : null;
  const summary: Omit<SummaryFacts, 'key'> = {
    kind: type === 'SalesReceipt' ? 'sale' : 'refund',
    day: body.date,
    channel: order.channel,
    currency: body.currency,
    account: known === null ? body.account : known.account,
    class: known === null ? body.class : known.class,
    location: known === null ? body.location : known.location,
    taxes: taxesOf(body, settings),
  };
  return { ...rest, type: shareType, summary: { ...summary, key: keyOf(summary) } };
}

/**
 * A document takes one tax code in the United States: days are kept apart by their taxes there, so that each rate keeps its
 * own amount. Elsewhere every line has a code.
 */
function taxesOf(body: FormBody, settings: QuickBooksSettings): string[] {
  if (settings.tax.mode === 'global') return [];
  return body.taxes
    .filter((tax) => parseMinor(tax.amount, body.currency) !== 0n)
    .map((tax) => `${tax.title} ${tax.rate}`)
    .sort();
}

function keyOf(summary: Omit<SummaryFacts, 'key'>): string {
  const { kind, day, channel, currency, account, location, taxes } = summary;
  return JSON.stringify([day, kind, channel, currency, account, summary.class, location, taxes]);
}

/** Keeps the share with its link; the day's document follows by itself. No call to QuickBooks. */
export async function performShare(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as ShareBody | ShareVoid;
  const known = (await session.links.find(push.subjectType, [push.subjectId], shareType)).get(push.subjectId);
  const before = known?.state.facts as SummaryFacts | undefined;
  const isVoid = body.isVoid === true;
  const summary = isVoid ? before : body.summary;
  const touched = [before, summary].filter((one): one is SummaryFacts => one !== undefined);
  return {
    remoteType: shareType,
    remoteId: body.source,
    remoteVersion: push.idempotencyKey,
    state: isVoid
      ? { ...known?.state, total: '0', value: '0', share: null, void: 'done' }
      : {
          total: body.total,
          value: body.value,
          currency: body.currency,
          date: body.date,
          docNumber: body.docNumber,
          mark: body.mark,
          content: body.mark,
          written: body.mark,
          summary: body.summary.key,
          facts: body.summary,
          share: { lines: body.lines, taxes: body.taxes },
        },
    adopted: false,
    detail: {
      docNumber: body.docNumber,
      ...(isVoid ? { voided: true } : { total: body.total, currency: body.currency, date: body.date }),
      summary: summary?.day ?? null,
    },
    summaries: [...new Map(touched.map((one) => [one.key, one])).values()],
    // Whoever wants one of its orders posted anew means the document that it is part of.
    ...(known?.state.consent === true ? { isConsent: true } : {}),
  };
}
