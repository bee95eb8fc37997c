import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { transientRemedy } from '../../src/sync/retry.ts';
import { insertConnection, insertPush } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let connection: bigint;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await api.database.pool.query('truncate connection cascade');
  connection = await insertConnection(api.database.pool, { name: 'Tailor Ltd', platform: 'quickbooks' });
});

async function theConnection(values: string): Promise<void> {
  await api.database.pool.query(`update connection set ${values} where id = $1`, [connection]);
}

/** A push that failed once, of which each further word is told. */
async function failed(status: string, remedy: string | null = transientRemedy): Promise<void> {
  await insertPush(api.database.pool, {
    connection_id: connection,
    kind: 'salesReceipt',
    status,
    error: 'QuickBooks answered 503.',
    remedy,
  });
}

async function work(): Promise<{ status: string; reason: string; remedy: string | null }[]> {
  const { data } = await api.ask('{ syncStatus { connections { work { status reason remedy } } } }');
  return data.syncStatus.connections[0].work;
}

test('while the platform is down, the last failure and what to look at are told', async () => {
  await theConnection(`consecutive_failures = 3`);
  await failed('retrying');
  expect(await work()).toEqual([
    { status: 'RETRYING', reason: 'QuickBooks answered 503.', remedy: transientRemedy },
  ]);
  await theConnection(
    `circuit_open_until = now() + interval '1 minute', circuit_reason = 'QuickBooks answered 503.'`,
  );
  expect(await work()).toEqual([
    {
      status: 'RETRYING',
      reason: 'Calls to Tailor Ltd are held back: QuickBooks answered 503.',
      remedy: transientRemedy,
    },
  ]);
});

test('once it answers again nobody is sent to look at it, whatever the last attempt failed of', async () => {
  for (const status of ['running', 'pending', 'retrying']) await failed(status);
  expect(await work()).toEqual([
    { status: 'WAITING', reason: 'Waiting for its turn.', remedy: null },
    {
      status: 'RETRYING',
      reason: 'QuickBooks answered 503. Tailor Ltd answers again: it is tried anew by itself.',
      remedy: null,
    },
    { status: 'WAITING', reason: 'Being carried out.', remedy: null },
  ]);
});

test('what is being carried out as a probe is told as that, and a remedy of its own is kept', async () => {
  await theConnection(
    `consecutive_failures = 5, circuit_open_until = now() + interval '1 minute', circuit_reason = 'QuickBooks answered 503.'`,
  );
  await failed('running');
  expect(await work()).toEqual([{ status: 'WAITING', reason: 'Being carried out.', remedy: null }]);
  await theConnection(`consecutive_failures = 0, circuit_open_until = null, circuit_reason = null`);
  await failed('retrying', 'Free the number 1001 in the books.');
  expect((await work())[0]).toEqual({
    status: 'RETRYING',
    reason: 'QuickBooks answered 503.',
    remedy: 'Free the number 1001 in the books.',
  });
});
