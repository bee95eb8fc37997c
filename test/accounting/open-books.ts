import { transaction } from '../../src/db/transaction.ts';
import { upsertConnection } from '../../src/sync/connections/connections.ts';
import type { Sessions } from '../../src/sync/connections/sessions.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { encryptionKey, memoryLog, sessionsFor } from '../engine/support/engine.ts';
import { start } from '../sandbox/quickbooks-support.ts';
import { insertConnection } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

export interface OpenBooks extends AsyncDisposable {
  api: TestApi;
  sandbox: Awaited<ReturnType<typeof start>>;
  sessions: Sessions;
  /** Connections of the shop that tells of orders and of the books, in which everything may be written. */
  shopify: bigint;
  books: bigint;
}

/** A database with its API, a shop, and the books of a company in euros that charges no sales tax. */
export async function openBooks(): Promise<OpenBooks> {
  const sandbox = await start({ company: { homeCurrency: 'EUR', usingSalesTax: false } });
  const api = await startTestApi({ platforms: { quickbooks }, session: (id) => sessions.get(id) });
  const { pool } = api.database;
  const shopify = await insertConnection(pool);
  const books = await transaction(pool, (tx) =>
    upsertConnection(tx, {
      platform: 'quickbooks',
      accountId: sandbox.realmId,
      name: 'Books',
      credentials: {
        realmId: sandbox.realmId,
        clientId: 'qb-sandbox-client',
        clientSecret: 'qb-sandbox-secret',
        refreshToken: 'RT1-sandbox',
        verifierToken: 'qb-sandbox-verifier',
      },
      writeCapabilities: ['*'],
      encryptionKey,
    }),
  );
  const sessions = sessionsFor(pool, { quickbooks }, memoryLog().log, sandbox.url);
  return {
    api,
    sandbox,
    sessions,
    shopify,
    books,
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}
