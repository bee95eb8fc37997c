import { isRelayEmail, normalizeEmail } from '../../model/customer.ts';
import { emailParts } from '../../sync/identity/normalise-email.ts';
import type { PersonRecord } from '../../sync/identity/profile.ts';
import { resolveRecords } from '../../sync/identity/resolve-records.ts';
import type { MatchParameters } from '../../sync/identity/score.ts';
import { type Measures, measurePairs, pairOf, pairsWithin } from './measure.ts';

export interface Ways {
  /** One address, one person: what most integrations do. */
  exactEmail: Measures;
  /** The same without desks' mailboxes and those that more than three records have. */
  exactOwnEmail: Measures;
  /** What is merged without asking. */
  automatic: Measures;
  /** The same and every pair that a person is asked about, as if always answered with yes. */
  withReview: Measures;
  /** The same, the questions answered rightly. */
  answered: Measures;
  questions: number;
  /** Pairs by the records' places in the list: merged, asked about, and one after all questions were answered rightly. */
  merged: ReadonlySet<string>;
  asked: ReadonlySet<string>;
  joined: ReadonlySet<string>;
}

/** Measures the ways of finding out who is who on the same labelled records. */
export function compareWays(
  records: readonly PersonRecord[],
  truth: ReadonlySet<string>,
  options: { country: string | null; parameters: MatchParameters; onProgress?: (done: number) => void },
): Ways {
  const { personOf, reviews } = resolveRecords(
    records,
    options.country,
    options.parameters,
    options.onProgress,
  );
  const automatic = pairsWithin(personOf);
  // Answering yes makes two people one, with all that was merged into them.
  const joinedBy = (answer: (pair: { a: number; b: number }) => boolean) => {
    const leader = [...personOf];
    const find = (person: number): number => {
      let at = person;
      while (leader[at] !== at) at = leader[at] as number;
      return at;
    };
    for (const person of personOf) leader[person] = person;
    for (const review of reviews) {
      if (!answer(review)) continue;
      const [a, b] = [find(personOf[review.a] as number), find(personOf[review.b] as number)];
      if (a !== b) leader[Math.max(a, b)] = Math.min(a, b);
    }
    return pairsWithin(personOf.map(find));
  };
  const asked = new Set(reviews.map((review) => pairOf(review.a, review.b)));
  const questioned = new Set([...automatic, ...asked]);
  const joined = joinedBy((review) => truth.has(pairOf(review.a, review.b)));
  const email = records.map((record) => {
    const address = normalizeEmail(record.email);
    return isRelayEmail(address) ? null : address;
  });
  return {
    exactEmail: measurePairs(pairsWithin(email), truth),
    exactOwnEmail: measurePairs(pairsWithin(withoutShared(email)), truth),
    automatic: measurePairs(automatic, truth),
    withReview: measurePairs(questioned, truth),
    answered: measurePairs(joined, truth),
    questions: asked.size,
    merged: automatic,
    asked,
    joined,
  };
}

function withoutShared(emails: readonly (string | null)[]): (string | null)[] {
  const uses = new Map<string, number>();
  for (const email of emails) if (email !== null) uses.set(email, (uses.get(email) ?? 0) + 1);
  return emails.map((email) =>
    email === null || (uses.get(email) ?? 0) > 3 || emailParts(email)?.kind === 'role' ? null : email,
  );
}

/** The measures as the rows of a table. */
export function tableOf(ways: Ways): string[][] {
  const row = (name: string, measures: Measures) => [
    name,
    measures.precision.toFixed(4),
    measures.recall.toFixed(4),
    measures.f1.toFixed(4),
    String(measures.right),
    String(measures.wrong),
    String(measures.missed),
  ];
  return [
    ['way', 'precision', 'recall', 'F1', 'right', 'wrong', 'missed'],
    row('same e-mail address', ways.exactEmail),
    row('same address, desks and mailboxes of many left out', ways.exactOwnEmail),
    row('automatic merges', ways.automatic),
    row('merges + every question as a yes', ways.withReview),
    row('merges + questions answered rightly', ways.answered),
  ];
}
