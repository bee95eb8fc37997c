import { expect, test } from 'vitest';
import { migrate } from '../../prisma/migrate.ts';
import { noFilters, openSchemaEngine, readDatamodel } from '../../prisma/schema-engine.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createTestDatabase } from '../support/database.ts';

test('the migrations make what schema.prisma describes', async () => {
  await using migrated = await createTestDatabase();
  await using described = await createTestDatabase({ empty: true });
  await using schema = await openSchemaEngine(described.url);
  const { stdout } = await schema.engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [await readDatamodel()] },
    script: true,
    exitCode: null,
    filters: noFilters,
  });
  await described.pool.query(stdout ?? '');

  const columns = await columnsOf(described.pool);
  expect(columns.length).toBeGreaterThan(300);
  expect(await columnsOf(migrated.pool)).toEqual(columns);
  const indexes = await indexesOf(described.pool);
  expect((await indexesOf(migrated.pool)).filter((index) => indexes.includes(index))).toEqual(indexes);
});

test('migrating again applies nothing', async () => {
  await using database = await createTestDatabase();
  expect(await migrate(database.url)).toEqual([]);
});

async function columnsOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ described: string }>(
    `select concat_ws(' ', table_name, column_name, udt_name, is_nullable, column_default) as described
     from information_schema.columns where table_schema = 'public' and table_name <> '_prisma_migrations' order by 1`,
  );
  return rows.map((row) => row.described);
}

async function indexesOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ indexdef: string }>(
    `select indexdef from pg_indexes where schemaname = 'public' and tablename <> '_prisma_migrations' order by 1`,
  );
  return rows.map((row) => row.indexdef);
}
