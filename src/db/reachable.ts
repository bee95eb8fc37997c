import pg from 'pg';
import { AppError } from '../errors.ts';
import { watchful } from './pool.ts';

const oldestVersion = 15;

/** Says in words what keeps a database of the user's own from being used. @throws AppError DATABASE_UNREACHABLE, DATABASE_TOO_OLD */
export async function checkDatabase(connectionString: string): Promise<void> {
  const client = new pg.Client({
    connectionString,
    ...watchful,
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int / 10000 as version`,
    );
    const version = rows[0]?.version ?? 0;
    if (version < oldestVersion) {
      throw new AppError({
        code: 'DATABASE_TOO_OLD',
        retryable: false,
        publicMessage: `The database that DATABASE_URL names is Postgres ${version}; ${oldestVersion} or newer is needed.`,
      });
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError({
      code: 'DATABASE_UNREACHABLE',
      retryable: true,
      publicMessage: `The database that DATABASE_URL names cannot be used: ${reasonOf(error)}. Check host, port, user and password, and that it is running; or leave DATABASE_URL out for the embedded one.`,
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Several addresses of one host fail as one error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}
