import { resolveAll } from '../../sync/identity/resolve-all.ts';
import { platforms } from '../../sync/platforms/index.ts';
import { withContext } from '../with-context.ts';

/** Looks at every customer once more: makes missing keys, merges what is certain, asks about what is likely. */
export async function resolveCommand(): Promise<number> {
  return withContext(async ({ pool }) => {
    const done = await resolveAll(pool, {
      platforms,
      now: () => new Date(),
      onProgress: ({ phase, done: count, of, merged, reviews }) =>
        process.stderr.write(
          phase === 'keys'
            ? `\rmaking keys: ${count} of ${of} records `
            : `\rcomparing: ${count} of ${of} customers, ${merged} merged, ${reviews} questions `,
        ),
    });
    process.stderr.write('\n');
    console.log(
      `${done.customers} customers compared: ${done.merged} merged, ${done.reviews} put before a person.`,
    );
    return 0;
  });
}
