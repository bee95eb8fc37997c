import { afterAll, beforeAll, expect, test } from 'vitest';
import { PushEnvelopes } from '../../src/sync/outbox/envelopes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addPush, connect } from './support/engine.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test('pushes that travelled together are found by any of them, until it is known that nothing was done', async () => {
  const { pool } = database;
  const connectionId = await connect(pool, 'shopify', 'one');
  const envelopes = new PushEnvelopes(pool, connectionId);
  const ids: bigint[] = [];
  for (const subjectId of [1n, 2n, 3n, 4n])
    ids.push(await addPush(pool, { connectionId, subjectId, body: { delta: Number(subjectId) } }));
  const [first = 0n, second = 0n, third = 0n, fourth = 0n] = ids;
  expect(await envelopes.find(first)).toBeNull();
  await envelopes.seal('tb-a', [third, first, second]);
  // In the order of their ids, whatever the order of sealing: the request has to be the same to the letter.
  const sealed = {
    key: 'tb-a',
    members: [first, second, third].map((pushId, index) => ({ pushId, body: { delta: index + 1 } })),
  };
  expect(await envelopes.find(second)).toEqual(sealed);
  expect(await envelopes.find(fourth)).toBeNull();
  // Another account cannot look into it.
  const other = new PushEnvelopes(pool, await connect(pool, 'shopify', 'two'));
  expect(await other.find(second)).toBeNull();
  await other.open('tb-a');
  // Whoever travels on leaves the others where they are.
  await envelopes.seal('tb-b', [second, fourth]);
  expect(await envelopes.find(fourth)).toMatchObject({ members: [{ pushId: second }, { pushId: fourth }] });
  expect(await envelopes.find(first)).toMatchObject({ members: [{ pushId: first }, { pushId: third }] });
  await envelopes.open('tb-b');
  expect(await envelopes.find(second)).toBeNull();
  expect(await envelopes.find(third)).toMatchObject({ key: 'tb-a' });
});
