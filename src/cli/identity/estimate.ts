import type { Pool } from '../../db/pool.ts';
import { estimateParameters } from '../../sync/identity/estimate.ts';
import { shippedParameters } from '../../sync/identity/parameters.ts';
import type { PersonRecord } from '../../sync/identity/profile.ts';
import type { MatchParameters } from '../../sync/identity/score.ts';
import { withContext } from '../with-context.ts';
import type { IdentityOptions } from './command.ts';
import { readRecords } from './read-records.ts';

/** Records that are read from the graph: enough for all levels, few enough for memory. */
const mostRecords = 50_000;

/**
 * Estimates the parameters from unlabelled records: those of a file, printed, or the graph's, kept there and used from now
 * on by the write path and by `identity resolve`.
 */
export async function estimateCommand(options: IdentityOptions): Promise<number> {
  if (options.files.length > 0) {
    const { records, notes } = await readRecords(options.files, { ...options, entity: null });
    for (const note of notes) console.error(note);
    const { parameters, pairs } = estimateFrom(records, options.country, options.seed);
    console.error(`Estimated from ${pairs} pairs of ${records.length} records.`);
    console.log(JSON.stringify(parameters, null, 2));
    return 0;
  }
  return withContext(async ({ pool }) => {
    const records = await sampleRecords(pool);
    const { parameters, pairs } = estimateFrom(records, options.country, options.seed);
    if (pairs < 1000) {
      console.error(
        `Only ${pairs} pairs have a clue in common: too few to learn from. What is shipped stays in use.`,
      );
      return 1;
    }
    await pool.query('insert into identity_model (parameters, pairs) values ($1::jsonb, $2)', [
      JSON.stringify(parameters),
      pairs,
    ]);
    console.log(`Estimated from ${pairs} pairs of ${records.length} records; in use from now on.`);
    return 0;
  });
}

/** The same records and seed give the same parameters (minimal standard generator). */
export function estimateFrom(
  records: readonly PersonRecord[],
  country: string,
  seed: number,
): { parameters: MatchParameters; pairs: number } {
  let state = seed;
  return estimateParameters(records, country, shippedParameters, () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  });
}

async function sampleRecords(pool: Pool): Promise<PersonRecord[]> {
  const { rows } = await pool.query<PersonRecord>(
    `select email, phone, first_name as "firstName", last_name as "lastName", company, address
     from customer_identity order by md5(id::text) limit $1`,
    [mostRecords],
  );
  return rows;
}
