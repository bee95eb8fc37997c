import { migrate } from '../../prisma/migrate.ts';
import { readConfig } from '../config.ts';
import { checkDatabase } from '../db/reachable.ts';
import { AppError } from '../errors.ts';

/** Brings the database that DATABASE_URL names up to date and says what was applied. */
export async function migrateCommand(): Promise<number> {
  const { databaseUrl } = readConfig(process.env);
  if (databaseUrl === null) {
    throw new AppError({
      code: 'NO_DATABASE',
      retryable: false,
      publicMessage:
        'Set DATABASE_URL to the database to migrate. The embedded one is migrated by every start.',
    });
  }
  await checkDatabase(databaseUrl);
  const applied = await migrate(databaseUrl);
  console.log(
    applied.length === 0 ? 'Nothing to do: the database is up to date.' : `Applied ${applied.join(', ')}.`,
  );
  return 0;
}
