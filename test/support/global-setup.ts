import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../prisma/migrate.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The cluster of this run, at its maintenance database. */
    clusterUrl: string;
    /** A migrated database; test files clone it. */
    templateDatabase: string;
  }
}

/** One Postgres cluster for the whole run, with a migrated template that every test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  await chmod(directory, 0o755);
  const templateDatabase = 'tributary_template';
  const cluster = await startEmbeddedPostgres({
    directory,
    database: templateDatabase,
    durable: false,
    maxConnections: 300,
  });
  try {
    await migrate(cluster.connectionString);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  project.provide('clusterUrl', cluster.connectionStringFor('postgres'));
  project.provide('templateDatabase', templateDatabase);
  return async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
}
