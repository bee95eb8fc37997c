import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runMigrations as migrateGraphileWorker } from 'graphile-worker';
import pg from 'pg';
import { watchful, watchfulServer } from '../src/db/pool.ts';
import { noFilters, openSchemaEngine } from './schema-engine.ts';

const directory = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Brings a database up to date: our migrations, recorded in `_prisma_migrations` as `prisma migrate deploy` would,
 * then those of the job queue. Safe to call on every start and by several processes (the engine holds an advisory lock).
 * @returns names of the migrations that were applied now.
 */
export async function migrate(connectionString: string): Promise<string[]> {
  await using schema = await openSchemaEngine(connectionString);
  const names = await migrationNames();
  const { appliedMigrationNames } = await schema.engine.applyMigrations({
    migrationsList: {
      baseDir: directory,
      lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
      shadowDbInitScript: '',
      migrationDirectories: await Promise.all(
        names.map(async (name) => ({
          path: name,
          migrationFile: {
            path: 'migration.sql',
            content: {
              tag: 'ok' as const,
              value: await readFile(`${directory}/${name}/migration.sql`, 'utf8'),
            },
          },
        })),
      ),
    },
    filters: noFilters,
  });
  const pool = new pg.Pool({ connectionString, max: 1, ...watchful, options: watchfulServer });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await migrateGraphileWorker({ pgPool: pool });
  } finally {
    await pool.end();
  }
  return appliedMigrationNames;
}

/** Names of all migrations, oldest first. */
export async function migrationNames(): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
