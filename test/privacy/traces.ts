import { expect } from 'vitest';
import type { Shop } from '../write-path/support.ts';

/** Columns of all tables, queue included, in which the mark stands, as `table.column`. */
export async function traces(shop: Pick<Shop, 'rows'>, mark: string): Promise<string[]> {
  const columns = await shop.rows<{ schema: string; table: string; column: string; type: string }>(
    `select c.table_schema as schema, c.table_name as "table", c.column_name as "column", c.udt_name as type
     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where c.table_schema in ('public', 'graphile_worker') and t.table_type = 'BASE TABLE'`,
  );
  expect(columns.length).toBeGreaterThan(300);
  const found: string[] = [];
  for (const { schema, table, column, type } of columns) {
    const text = type === 'bytea' ? `encode("${column}", 'escape')` : `"${column}"::text`;
    const rows = await shop.rows(`select 1 from "${schema}"."${table}" where ${text} ilike $1 limit 1`, [
      `%${mark}%`,
    ]);
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found.sort();
}
