import type { CustomField, CustomFieldText } from '../../model/custom-field.ts';
import type { Source } from '../../model/platform-name.ts';
import type { Extracted } from './extract.ts';

/** What is kept of one field of one owner. */
export interface StoredValue {
  value: CustomFieldText | null;
  problem: string | null;
  raw: string | null;
  source: Source;
  toldAt: Date;
  sourceValue: CustomFieldText | null;
  sourceAt: Date | null;
  /** What HubSpot's people wrote over it; null together with `crmAt` where they never did. */
  crmValue: CustomFieldText | null;
  crmAt: Date | null;
  /** Why what they wrote is no value, and what it was. */
  crmProblem: string | null;
  crmRaw: string | null;
}

/** What is shown of a text that could not be understood. */
const longestKeptRaw = 500;

export function keptRaw(raw: string | null): string {
  return (raw ?? '').slice(0, longestKeptRaw);
}

/** What we wrote into the source ourselves, and when people had said it: told back, it is their word and no newer one. */
export interface OwnWriting {
  value: CustomFieldText | null;
  saidAt: Date;
  /** What the source says later than that is a word of its own though it is the same; null: we are still writing. */
  until: Date | null;
}

/**
 * Who is believed: a fold over both claims, so that the order in which they arrived does not matter. A word that cannot be
 * understood is one none the less: it is a problem, and no value. Null where nobody ever said anything.
 */
export function decideValue(
  field: Pick<CustomField, 'authority'>,
  before: StoredValue | null,
  told: Pick<Extracted, 'result' | 'raw'> & {
    source: Source;
    at: Date;
    /** The time is that of the value itself, and not of whatever else changed beside it. */
    isExact?: boolean;
  },
  ownWritings: readonly OwnWriting[] = [],
): StoredValue | null {
  const { result } = told;
  const sourceValue = result.kind === 'value' ? result.value : null;
  const problem = result.kind === 'problem' ? result.problem : null;
  const crmAt = before?.crmAt ?? null;
  if (before === null && sourceValue === null && problem === null) return null;
  const hasBefore = before !== null && before.sourceAt !== null;
  const isSame = hasBefore && before.sourceValue === sourceValue;
  const own = ownWritings.find(
    (one) => one.value === sourceValue && problem === null && (one.until === null || told.at <= one.until),
  );
  const isOldNews = isSame && told.isExact !== true;
  const sourceAt = isOldNews ? before.sourceAt : (own?.saidAt ?? told.at);
  const crmWins =
    crmAt !== null &&
    (field.authority === 'hubspot' ||
      (field.authority === 'latest' && (sourceAt === null || crmAt.getTime() > sourceAt.getTime())));
  const crmProblem = before?.crmProblem ?? null;
  // Only what could not be understood needs to be looked at; the rest stands where it came from.
  const sourceRaw = problem === null ? null : keptRaw(told.raw);
  return {
    value: crmWins ? (before?.crmValue ?? null) : sourceValue,
    problem: crmWins ? crmProblem : problem,
    raw: crmWins ? (before?.crmRaw ?? null) : sourceRaw,
    source: crmWins ? 'hubspot' : told.source,
    toldAt: (crmWins ? crmAt : sourceAt) ?? told.at,
    sourceValue,
    sourceAt,
    crmValue: before?.crmValue ?? null,
    crmAt,
    crmProblem,
    crmRaw: before?.crmRaw ?? null,
  };
}
