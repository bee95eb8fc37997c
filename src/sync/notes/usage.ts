import type { Queryable } from '../../db/pool.ts';

/** In US dollars per million tokens, which is millionths of a dollar per token. */
export interface TokenPrice {
  input: number;
  output: number;
}

/** What an answer costs, in millionths of a US dollar; always rounded up. */
export function costMicros(tokens: { input: number; output: number }, price: TokenPrice): bigint {
  return BigInt(Math.ceil(tokens.input * price.input + tokens.output * price.output));
}

/**
 * Sets money aside for a request before it is made, so that workers side by side do not spend a budget twice. What a
 * process that dies has set aside stays so until the day (UTC) is over. @returns false where the budget does not allow it.
 */
export async function reserve(db: Queryable, micros: bigint, dailyBudgetMicros: bigint): Promise<boolean> {
  if (micros > dailyBudgetMicros) return false;
  const { rowCount } = await db.query({
    name: 'reserve-note-budget',
    text: `insert into note_usage as u (day, reserved_micros) values ((clock_timestamp() at time zone 'UTC')::date, $1)
           on conflict (day) do update set reserved_micros = u.reserved_micros + $1
           where u.cost_micros + u.reserved_micros + $1 <= $2`,
    values: [micros, dailyBudgetMicros],
  });
  return rowCount === 1;
}

/** Gives back what was set aside and counts what a request cost; nothing where it was not answered. */
export async function account(
  db: Queryable,
  reservedMicros: bigint,
  answered: { tokens: { input: number; output: number }; costMicros: bigint } | null,
): Promise<void> {
  await db.query({
    name: 'account-note-cost',
    // Midnight may have passed since it was set aside.
    text: `insert into note_usage as u (day, requests, input_tokens, output_tokens, cost_micros)
           values ((clock_timestamp() at time zone 'UTC')::date, $2, $3, $4, $5)
           on conflict (day) do update set reserved_micros = greatest(0, u.reserved_micros - $1), requests = u.requests + $2,
             input_tokens = u.input_tokens + $3, output_tokens = u.output_tokens + $4, cost_micros = u.cost_micros + $5`,
    values: [
      reservedMicros,
      answered === null ? 0 : 1,
      answered?.tokens.input ?? 0,
      answered?.tokens.output ?? 0,
      answered?.costMicros ?? 0n,
    ],
  });
}

/** Counts a note that cost nothing. */
export async function countFree(db: Queryable, what: 'cache_hits' | 'fallbacks'): Promise<void> {
  await db.query({
    name: `count-note-${what}`,
    text: `insert into note_usage as u (day, ${what}) values ((clock_timestamp() at time zone 'UTC')::date, 1)
           on conflict (day) do update set ${what} = u.${what} + 1`,
    values: [],
  });
}
