import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { listConnections, upsertConnection } from '../../src/sync/connections/connections.ts';
import type { Session } from '../../src/sync/platforms/platform.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect, encryptionKey, memoryLog, sessionsFor } from './support/engine.ts';
import { type FakeCredentials, fakePlatform } from './support/fake-platform.ts';

const platforms = { shopify: fakePlatform('shopify') };
let database: TestDatabase;
let connectionId: bigint;
let nextAccount = 1;

beforeAll(async () => {
  database = await createTestDatabase({ max: 20 });
});
afterAll(() => database[Symbol.asyncDispose]());

/** As many sessions for one new account as there would be processes. */
async function sessionsOfProcesses(count: number): Promise<Session<FakeCredentials>[]> {
  connectionId = await connect(database.pool, 'shopify', `shop-${nextAccount}`);
  nextAccount += 1;
  const { log } = memoryLog();
  return Promise.all(
    Array.from(
      { length: count },
      () => sessionsFor(database.pool, platforms, log).get(connectionId) as Promise<Session<FakeCredentials>>,
    ),
  );
}

test('a session is made once per connection and process, and an unknown connection has none', async () => {
  const [session] = await sessionsOfProcesses(1);
  const sessions = sessionsFor(database.pool, platforms, memoryLog().log, 'http://sandbox');
  expect(await sessions.get(connectionId)).toBe(await sessions.get(connectionId));
  expect((await sessions.get(connectionId)).baseUrl).toBe('http://sandbox');
  expect(session?.accountId).toMatch(/^shop-/);
  await expect(sessions.get(987_654n)).rejects.toThrow('CONNECTION_UNKNOWN');
});

test('however many ask at once, over processes, only one refreshes at a time and each starts from what the last one stored', async () => {
  const processes = await sessionsOfProcesses(4);
  let refreshing = 0;
  let most = 0;
  let refreshes = 0;
  const rotateOnce = (session: Session<FakeCredentials>, stale: string) =>
    session.rotate(async (current) => {
      refreshing += 1;
      most = Math.max(most, refreshing);
      await new Promise((resolve) => setTimeout(resolve, 5));
      refreshing -= 1;
      // Another one has refreshed it meanwhile.
      if (current.token !== stale) return current;
      refreshes += 1;
      return { ...current, token: `${current.token}+` };
    });
  const results = await Promise.all(
    processes.flatMap((session) => [rotateOnce(session, 'token'), rotateOnce(session, 'token')]),
  );
  expect(results.map(({ token }) => token)).toEqual(Array.from({ length: 8 }, () => 'token+'));
  expect({ most, refreshes }).toEqual({ most: 1, refreshes: 1 });
  for (const session of processes) expect((await session.credentials()).token).toBe('token+');
});

test('rotated credentials are stored, sealed, before anyone can use them; a failed refresh changes nothing and frees the lock', async () => {
  const [session, other] = await sessionsOfProcesses(2);
  await expect(session?.rotate(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect((await other?.credentials())?.token).toBe('token');
  const rotated = await session?.rotate(async (current) => ({ ...current, token: 'a brand new token' }));
  expect(await other?.credentials()).toEqual(rotated);
  const { rows } = await database.pool.query<{ credentials: Buffer }>(
    'select credentials from connection where id = $1',
    [connectionId],
  );
  expect(rows[0]?.credentials.includes('a brand new token')).toBe(false);
  // What is not as the platform's credentials must be is refused before it is stored.
  await expect(session?.rotate(async () => ({ token: 5 }) as never)).rejects.toThrow();
  expect(await other?.credentials()).toEqual(rotated);
});

test('settings that a person changes are seen by a session that exists', async () => {
  await sessionsOfProcesses(0);
  const sessions = sessionsFor(database.pool, platforms, memoryLog().log);
  expect((await sessions.get(connectionId)).settings).toEqual({});
  await database.pool.query(`update connection set settings = '{"account":"42"}' where id = $1`, [
    connectionId,
  ]);
  expect((await sessions.get(connectionId)).settings).toEqual({ account: '42' });
});

test('waiting for a link ends when this process or another one makes it, and in LINK_PENDING when nobody does', async () => {
  const [here, elsewhere] = await sessionsOfProcesses(2);
  const link = (entityId: bigint) => ({
    entityType: 'Customer',
    entityId,
    remoteType: 'thing',
    remoteId: `r-${entityId}`,
    remoteVersion: '1',
    state: { name: 'Ada' },
  });
  const awaited = [1n, 2n].map((id) => here?.links.waitFor('Customer', id, 'thing', 10_000));
  await here?.links.save(link(1n));
  await elsewhere?.links.save(link(2n));
  expect(await Promise.all(awaited)).toEqual([
    { remoteType: 'thing', remoteId: 'r-1', remoteVersion: '1', state: { name: 'Ada' } },
    { remoteType: 'thing', remoteId: 'r-2', remoteVersion: '1', state: { name: 'Ada' } },
  ]);
  await expect(here?.links.waitFor('Customer', 3n, 'thing', 30)).rejects.toMatchObject({
    code: 'LINK_PENDING',
    retryable: true,
  });
  await expect(here?.links.waitFor('Customer', 1n, 'other', 0)).rejects.toMatchObject({
    code: 'LINK_PENDING',
  });
});

test('a row made again at the platform has two links, and the one seen last counts', async () => {
  const [session] = await sessionsOfProcesses(1);
  const save = (remoteId: string) =>
    session?.links.save({
      entityType: 'Customer',
      entityId: 1n,
      remoteType: 'thing',
      remoteId,
      remoteVersion: null,
      state: {},
    });
  await save('old');
  await save('new');
  expect((await session?.links.find('Customer', [1n, 2n], 'thing'))?.get(1n)?.remoteId).toBe('new');
  await save('old');
  expect((await session?.links.find('Customer', [1n], 'thing'))?.get(1n)?.remoteId).toBe('old');
});

test('connecting an account anew keeps its settings and capabilities and takes a revocation back', async () => {
  await sessionsOfProcesses(0);
  const account = `shop-${nextAccount - 1}`;
  await database.pool.query(
    `update connection set status = 'revoked', status_reason = 'Uninstalled.', settings = '{"a":1}', write_capabilities = '{thing}'
     where id = $1`,
    [connectionId],
  );
  const again = await transaction(database.pool, (tx) =>
    upsertConnection(tx, {
      platform: 'shopify',
      accountId: account,
      name: 'New name',
      credentials: { secret: 's', token: 't' },
      encryptionKey,
    }),
  );
  expect(again).toBe(connectionId);
  const facts = (await listConnections(database.pool)).find(({ id }) => id === connectionId);
  expect(facts).toMatchObject({
    accountId: account,
    name: 'New name',
    status: 'active',
    writeCapabilities: ['thing'],
    settings: { a: 1 },
  });
});
