import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';
import type { Pool } from './pool.ts';

export type Prisma = ReturnType<typeof createPrisma>;

/** At most this many statements are prepared per connection; rarer shapes are planned each time. */
const maxPreparedStatements = 500;

/**
 * Prisma over the pool that everything else uses: types, keyed look-ups and the console of the sync. Sealed
 * credentials and raw payloads are left out unless a query names them.
 */
export function createPrisma(pool: Pool) {
  const names = new Map<string, string>();
  const adapter = new PrismaPg(pool as never, {
    statementNameGenerator: ({ sql }: { sql: string }) => {
      const known = names.get(sql);
      if (known !== undefined) return known;
      if (names.size >= maxPreparedStatements) return undefined as never;
      const name = `prisma_${names.size}`;
      names.set(sql, name);
      return name;
    },
  });
  return new PrismaClient({ adapter, omit: { connection: { credentials: true }, delivery: { body: true } } });
}
