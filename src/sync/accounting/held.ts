import { parseMinor } from '../../model/money.ts';
import type { PostingDocument, SalesForm } from './documents.ts';

/** What is remembered of a document in the books: what it was given, and what it was last seen to hold. */
export interface HeldDocument {
  remoteType: string;
  /** Null: it is gone there. */
  remoteVersion: string | null;
  state: Readonly<Record<string, unknown>>;
}

/** What became of the document of a posting. */
export type Standing = 'none' | 'written' | 'edited' | 'deleted' | 'voided';

export interface Held {
  standing: Standing;
  /** What the books hold of the sale or refund: tenders that are no money and corrections are counted in. */
  heldMinor: bigint;
  /** What of it tenders that are no money have taken off the document. */
  tendersMinor: bigint;
  /** The day it is dated by, as YYYY-MM-DD. */
  date: string | null;
}

/**
 * What the books hold of one sale or refund. @param documents what stands or should stand for it; empty where nothing
 * is owed to the books at this moment @param forms the types that such a document may have
 */
export function heldOf(
  documents: readonly PostingDocument[],
  links: readonly HeldDocument[],
  forms: readonly string[],
  currency: string,
): Held {
  const wanted = documents.find((one): one is SalesForm => 'lines' in one);
  const link =
    links.findLast((one) => one.remoteType === wanted?.type) ??
    links.findLast((one) => forms.includes(one.remoteType));
  if (link === undefined) return nothing('none', null);
  const { state } = link;
  const date = typeof state.date === 'string' ? state.date : null;
  if (typeof state.void === 'string') return nothing('voided', date);
  if (link.remoteVersion === null) return nothing('deleted', date);
  const isEdited = state.written !== undefined && state.content !== state.written;
  const told = state.corrected ?? state.total;
  const totalMinor = typeof told === 'string' ? parseMinor(told, currency) : 0n;
  const tendersMinor =
    wanted === undefined ? tendersOf(state, totalMinor, currency) : wanted.valueMinor - wanted.totalMinor;
  return {
    standing: isEdited ? 'edited' : 'written',
    heldMinor: totalMinor + tendersMinor,
    tendersMinor,
    date,
  };
}

function nothing(standing: Standing, date: string | null): Held {
  return { standing, heldMinor: 0n, tendersMinor: 0n, date };
}

/** Of a document that nothing is wanted of now: what it was given says it, as long as nobody has changed it. */
function tendersOf(state: HeldDocument['state'], totalMinor: bigint, currency: string): bigint {
  if (state.content !== state.written || typeof state.value !== 'string') return 0n;
  return parseMinor(state.value, currency) - totalMinor;
}
