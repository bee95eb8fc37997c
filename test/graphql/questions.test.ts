import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { insertConnection, insertCustomer, insertIdentity } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let connection: bigint;
beforeAll(async () => {
  api = await startTestApi({ platforms });
  connection = await insertConnection(api.database.pool);
});
afterAll(() => api[Symbol.asyncDispose]());

async function person(name: string): Promise<{ id: bigint; gid: string }> {
  const id = await insertCustomer(api.database.pool, {
    first_name: name,
    last_name: 'Byron',
    email: `${name.toLowerCase()}@example.com`,
  });
  await insertIdentity(api.database.pool, {
    ...{ customer_id: id, connection_id: connection, first_name: name, last_name: 'Byron' },
    email: `${name.toLowerCase()}@example.com`,
    phone: '+15035550141',
  });
  return { id, gid: encodeGlobalId('Customer', id) };
}

async function ask(a: bigint, b: bigint, bits: number): Promise<string> {
  const { rows } = await api.database.pool.query<{ id: bigint }>(
    `insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, created_at)
     values (least($1::bigint, $2), greatest($1::bigint, $2), $3, 0.9, clock_timestamp()) returning id`,
    [a, b, bits],
  );
  return encodeGlobalId('MergeCandidate', rows[0]?.id ?? 0n);
}

const merge = (survivorId: string, absorbedId: string, more: object = {}) =>
  api.ask(
    `mutation ($input: CustomerMergeInput!) { customerMerge(input: $input) { customer { id } userErrors { code field message } } }`,
    { input: { survivorId, absorbedId, ...more } },
  );
const decide = (mutation: string, id: string) =>
  api.ask(
    `mutation ($id: ID!) { done: ${mutation}(input: { id: $id }) { candidate { status bits evidence { field } } userErrors { code field } } }`,
    { id },
  );
const list = async (args: string): Promise<{ ids: string[]; total: number; cursor: string }> => {
  const { data, errors } = await api.ask(
    `{ mergeCandidates(${args}) { totalCount pageInfo { endCursor } nodes { id } } }`,
  );
  expect(errors).toBeUndefined();
  const { nodes, totalCount, pageInfo } = data.mergeCandidates;
  return { ids: nodes.map((node: { id: string }) => node.id), total: totalCount, cursor: pageInfo.endCursor };
};

test('questions are listed by weight or age, of one customer or from a weight on, page by page without gap or repeat', async () => {
  const [ada, bob, cleo] = [await person('Ada'), await person('Bob'), await person('Cleo')];
  const heavy = await ask(ada.id, bob.id, 9.5);
  const light = await ask(bob.id, cleo.id, 1.5);
  const middle = await ask(cleo.id, ada.id, 5);
  expect((await list('first: 10')).ids).toEqual([heavy, middle, light]);
  expect((await list('first: 10, sort: NEWEST')).ids).toEqual([middle, light, heavy]);
  expect(await list(`first: 10, customerId: "${cleo.gid}"`)).toMatchObject({
    ids: [middle, light],
    total: 2,
  });
  expect(await list('first: 10, bitsAtLeast: 5')).toMatchObject({ ids: [heavy, middle], total: 2 });
  for (const sort of ['LIKELIEST', 'NEWEST']) {
    const seen: string[] = [];
    for (let after = ''; seen.length < 3; ) {
      const page = await list(`first: 1, sort: ${sort}${after === '' ? '' : `, after: "${after}"`}`);
      seen.push(...page.ids);
      after = page.cursor;
    }
    expect(seen).toEqual((await list(`first: 10, sort: ${sort}`)).ids);
  }

  // An answer is remembered, and can be taken back.
  expect((await decide('mergeReject', heavy)).data.done.candidate.status).toBe('REJECTED');
  expect((await list('first: 10')).ids).toEqual([middle, light]);
  expect((await list('first: 10, status: REJECTED')).ids).toEqual([heavy]);
  const reopened = await decide('mergeReopen', heavy);
  expect(reopened.data.done).toMatchObject({ candidate: { status: 'OPEN' }, userErrors: [] });
  // With the evidence of now: different mailboxes and first names, one number and last name.
  expect(reopened.data.done.candidate.evidence.map((one: { field: string }) => one.field)).toEqual([
    ...['email', 'phone', 'firstName', 'lastName'],
  ]);
  expect((await decide('mergeReopen', heavy)).data.done.userErrors).toEqual([]);
  await decide('mergeReject', heavy);
  expect((await merge(ada.gid, bob.gid)).data.customerMerge.userErrors).toEqual([]);
  expect((await decide('mergeReopen', heavy)).data.done.userErrors).toEqual([
    { code: 'ALREADY_DECIDED', field: ['input', 'id'] },
  ]);
  expect((await decide('mergeReject', heavy)).data.done.userErrors).toEqual([
    { code: 'ALREADY_DECIDED', field: ['input', 'id'] },
  ]);
  // What was asked about a part is asked about the whole.
  expect((await list(`first: 10, customerId: "${cleo.gid}"`)).ids).toEqual([middle]);
});

test('whatever is wrong with a merge is told by the field, the id as it was given and what to do', async () => {
  const [ada, bob, cleo] = [await person('Ida'), await person('Ben'), await person('Chloe')];
  const errorsOf = async (...args: Parameters<typeof merge>) =>
    (await merge(...args)).data.customerMerge.userErrors;
  expect(await errorsOf(ada.gid, ada.gid)).toEqual([
    {
      code: 'INVALID_INPUT',
      field: ['input', 'absorbedId'],
      message: expect.stringContaining('absorbedId: is the customer that it shall become part of'),
    },
  ]);
  const nobody = encodeGlobalId('Customer', 999_999n);
  expect(await errorsOf(ada.gid, nobody)).toEqual([
    { code: 'NOT_FOUND', field: ['input', 'absorbedId'], message: expect.stringContaining(nobody) },
  ]);
  expect(await errorsOf(nobody, ada.gid)).toEqual([
    { code: 'NOT_FOUND', field: ['input', 'survivorId'], message: expect.stringContaining(nobody) },
  ]);
  for (const id of ['', 'ada', '42', encodeGlobalId('Order', 1n), `${ada.gid}x`]) {
    const { errors } = await merge(ada.gid, id);
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(errors?.[0].message).toContain('absorbedId');
  }
  expect(await errorsOf(ada.gid, bob.gid)).toEqual([]);
  expect(await errorsOf(cleo.gid, bob.gid)).toEqual([
    {
      code: 'ALREADY_MERGED',
      field: ['input', 'absorbedId'],
      message: `absorbedId: customer "${bob.gid}" is part of customer "${ada.gid}" already. Name that one, or undo the merge first.`,
    },
  ]);
  expect(await errorsOf(bob.gid, cleo.gid)).toMatchObject([
    { code: 'ALREADY_MERGED', field: ['input', 'survivorId'] },
  ]);
  const unmerge = async (id: string) =>
    (
      await api.ask(
        'mutation ($id: ID!) { customerUnmerge(input: { absorbedId: $id }) { userErrors { code field message } } }',
        { id },
      )
    ).data.customerUnmerge.userErrors;
  expect(await unmerge(cleo.gid)).toMatchObject([
    { code: 'NOT_MERGED', field: ['input', 'absorbedId'], message: expect.stringContaining(cleo.gid) },
  ]);
  await errorsOf(cleo.gid, ada.gid);
  expect(await unmerge(bob.gid)).toMatchObject([
    {
      code: 'MERGED_LATER',
      field: ['input', 'absorbedId'],
      message: expect.stringContaining(`begin with customer "${ada.gid}"`),
    },
  ]);
  await api.ask('mutation ($id: ID!) { customerErase(input: { id: $id }) { userErrors { code } } }', {
    id: cleo.gid,
  });
  const eve = await person('Eve');
  expect(await errorsOf(eve.gid, cleo.gid)).toMatchObject([
    { code: 'ERASED', field: ['input', 'absorbedId'] },
  ]);
  expect(await errorsOf(cleo.gid, eve.gid)).toMatchObject([
    { code: 'ERASED', field: ['input', 'survivorId'] },
  ]);
  expect(await unmerge(ada.gid)).toMatchObject([{ code: 'ERASED', field: ['input', 'absorbedId'] }]);
});

test('subscribers hear of both customers when they are merged and when that is undone, and of neither when a question is answered', async () => {
  const [ada, bob] = [await person('Mia'), await person('Leo')];
  const head = async () =>
    (
      await api.database.pool.query<{ position: bigint }>(
        'select coalesce(max(position), 0) as position from event',
      )
    ).rows[0]?.position ?? 0n;
  const heard = async (after: bigint) =>
    (
      await api.database.pool.query<{ type: string; id: bigint }>(
        `select type, subject_id as id from event where position > $1 and subject_type = 'Customer' order by position`,
        [after],
      )
    ).rows;
  const question = await ask(ada.id, bob.id, 3);
  let after = await head();
  await decide('mergeReject', question);
  await decide('mergeReopen', question);
  expect(await heard(after)).toEqual([]);
  await merge(ada.gid, bob.gid);
  expect(await heard(after)).toEqual([
    { type: 'customer.updated', id: ada.id },
    { type: 'customer.removed', id: bob.id },
  ]);
  after = await head();
  await api.ask(
    'mutation ($id: ID!) { customerUnmerge(input: { absorbedId: $id }) { userErrors { code } } }',
    { id: bob.gid },
  );
  expect(await heard(after)).toEqual([
    { type: 'customer.updated', id: ada.id },
    { type: 'customer.created', id: bob.id },
  ]);
});
