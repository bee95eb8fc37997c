import { type Facts, factFields } from './facts.ts';
import type { GoldenRecord, ToldBy } from './golden-record.ts';

/** What people edited here of a customer, as claims that compete with those of the platforms. */
export function ownClaims({ values, provenance }: GoldenRecord): ToldBy {
  const facts: Facts = {};
  for (const field of factFields) {
    const told = provenance[field];
    if (told?.source === 'tributary')
      facts[field] = { value: values[field], toldAt: told.at, readAt: null, since: told.at };
  }
  return { source: 'tributary', guest: false, facts };
}
