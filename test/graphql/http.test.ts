import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { scopes } from '../../src/schema/scopes.ts';
import {
  insertConnection,
  insertCustomer,
  insertDelivery,
  insertOrder,
  insertPush,
} from '../support/fixtures.ts';
import { adminKey, ask, startTestApi, type TestApi } from '../support/graphql-server.ts';

const keyOf = (scope: string): string => `tb_${scope.replace(':', '_')}_0123456789abcdef`;

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi({
    apiKeys: [
      { name: 'admin', key: adminKey, scopes: ['admin'] },
      ...scopes.map((scope) => ({ name: scope, key: keyOf(scope), scopes: [scope] })),
    ],
  });
  const connection = await insertConnection(api.database.pool);
  const customer = await insertCustomer(api.database.pool);
  await insertOrder(api.database.pool, { connection_id: connection, customer_id: customer });
});

afterAll(() => api[Symbol.asyncDispose]());

describe('who may enter', () => {
  test('without a key, or with a wrong one, the answer is 401', async () => {
    for (const key of [null, 'tb_wrong_0123456789abcdef', 'x']) {
      const answer = await ask(api.url, '{ __typename }', {}, { key });
      expect(answer.status).toBe(401);
      expect(answer.errors?.[0].extensions.code).toBe('UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tributary"');
    }
  });

  test('a key of the database enters until it is revoked or has expired, and only its hash is kept', async () => {
    const insertKey = async (key: string, expires: string | null): Promise<void> => {
      await api.database.pool.query(
        `insert into api_key (name, secret_hash, prefix, scopes, expires_at) values ($1, $2, $3, $4, $5)`,
        ['k', createHash('sha256').update(key).digest(), key.slice(0, 6), ['read:orders'], expires],
      );
    };
    await insertKey('tb_database_key_0123456789', null);
    await insertKey('tb_expired_key_0123456789', '2020-01-01T00:00:00Z');
    const { status, data } = await ask(
      api.url,
      '{ orders { totalCount } }',
      {},
      { key: 'tb_database_key_0123456789' },
    );
    expect([status, data]).toEqual([200, { orders: { totalCount: 1 } }]);
    expect((await ask(api.url, '{ __typename }', {}, { key: 'tb_expired_key_0123456789' })).status).toBe(401);
  });

  test.each([
    ['{ orders { totalCount } }', 'read:orders'],
    ['{ refunds { totalCount } }', 'read:orders'],
    ['{ orderByNumber(number: "1") { id } }', 'read:orders'],
    ['{ customers { totalCount } }', 'read:customers'],
    ['{ customerByEmail(email: "a@b.example") { id } }', 'read:customers'],
    ['{ products { totalCount } }', 'read:stock'],
    ['{ locations { id } }', 'read:stock'],
    ['{ stockLevels { totalCount } }', 'read:stock'],
    ['{ connections { id } }', 'read:sync'],
    ['{ deliveries { totalCount } }', 'read:sync'],
    ['{ pushes { totalCount } }', 'read:sync'],
    ['{ events { totalCount } }', 'read:sync'],
    ['{ syncStatus { head } }', 'read:sync'],
    ['{ node(id: "T3JkZXI6MQ") { id } }', 'read:orders'],
    ['{ nodes(ids: ["T3JkZXI6MQ"]) { id } }', 'read:orders'],
    ['mutation { orderUpdate(input: { id: "T3JkZXI6MQ" }) { userErrors { code } } }', 'write:orders'],
    [
      'mutation { customerUpdate(input: { id: "Q3VzdG9tZXI6MQ" }) { userErrors { code } } }',
      'write:customers',
    ],
    [
      'mutation { stockAdjust(input: { variantId: "VmFyaWFudDox", locationId: "TG9jYXRpb246MQ", delta: 0, reason: "x" }) { userErrors { code } } }',
      'write:stock',
    ],
    ['mutation { pushRetry(input: { id: "UHVzaDo5OTk" }) { userErrors { code } } }', 'admin'],
    ['mutation { deliveryReplay(input: { id: "RGVsaXZlcnk6OTk5" }) { userErrors { code } } }', 'admin'],
    ['mutation { connectionSweep(input: { id: "Q29ubmVjdGlvbjo5OTk" }) { userErrors { code } } }', 'admin'],
    ['mutation { connectionResume(input: { id: "Q29ubmVjdGlvbjo5OTk" }) { userErrors { code } } }', 'admin'],
  ])('%s is open to %s and to admins, and to nobody else', async (query, needed) => {
    const opened: string[] = [];
    for (const scope of scopes) {
      const { errors } = await ask(api.url, query, {}, { key: keyOf(scope) });
      const codes = (errors ?? []).map((error) => error.extensions.code);
      expect(codes.filter((code) => code !== 'FORBIDDEN')).toEqual([]);
      if (codes.length === 0) opened.push(scope);
    }
    expect(opened).toEqual(needed === 'admin' ? ['admin'] : [needed, 'admin']);
  });

  test('a key sees of a relation only what its scopes open', async () => {
    const { data, errors } = await ask(
      api.url,
      '{ orders { nodes { number customer { email } } } }',
      {},
      { key: keyOf('read:orders') },
    );
    expect(data.orders.nodes[0].customer).toBeNull();
    expect(data.orders.nodes[0].number).toMatch(/^#/);
    expect(errors?.[0].extensions.code).toBe('FORBIDDEN');
  });

  test('callers without a key enter only from this machine, by its own names and from its own pages', async () => {
    await using open = await startTestApi({ anonymousScopes: ['read:orders'] });
    const statusWith = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = httpRequest(
          open.url,
          { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', reject);
        request.end(JSON.stringify({ query: '{ orders { totalCount } }' }));
      });
    const host = new URL(open.url).host;
    expect(await statusWith({})).toBe(200);
    expect(await statusWith({ origin: `http://${host}` })).toBe(200);
    expect(await statusWith({ origin: 'https://evil.example' })).toBe(401);
    expect(await statusWith({ 'sec-fetch-site': 'cross-site' })).toBe(401);
    expect(await statusWith({ host: 'rebound.example' })).toBe(401);
    expect(await statusWith({ 'x-forwarded-for': '203.0.113.7' })).toBe(401);
    expect(await statusWith({ authorization: 'Bearer tb_wrong_0123456789abcdef' })).toBe(401);
  });
});

describe('what a request may cost', () => {
  const codeOf = async (query: string): Promise<string> =>
    (await api.ask(query)).errors?.[0].extensions.code ?? 'none';

  test('depth, cost, aliases, root fields and tokens are limited', async () => {
    let deep = '{ id }';
    for (let level = 0; level < 8; level += 1) deep = `{ order { lines ${deep} } }`;
    expect(await codeOf(`{ orders { nodes { lines ${deep} } } }`)).toBe('TOO_COMPLEX');
    expect(
      await codeOf(
        '{ orders(first: 250) { nodes { customer { orders(first: 250) { nodes { id lines { id } } } } } } }',
      ),
    ).toBe('TOO_COMPLEX');
    const aliases = Array.from({ length: 31 }, (_, index) => `a${index}: id`).join(' ');
    expect(await codeOf(`{ orders { nodes { ${aliases} } } }`)).toBe('TOO_COMPLEX');
    const roots = Array.from({ length: 21 }, (_, index) => `a${index}: __typename`).join(' ');
    expect(await codeOf(`{ ${roots} }`)).toBe('TOO_COMPLEX');
    expect(await codeOf(`{ ...A ...B } fragment A on Query { ...B } fragment B on Query { ${roots} }`)).toBe(
      'TOO_COMPLEX',
    );
    expect(await codeOf(`{ ... { ... { ${roots} } } }`)).toBe('TOO_COMPLEX');
    const twenty = roots.slice(0, roots.lastIndexOf(' a'));
    expect(await codeOf(`{ ...A ...A } fragment A on Query { ${twenty} }`)).toBe('none');
    expect(await codeOf(`{ orders { nodes { ${'id '.repeat(2_000)} } } }`)).toBe('GRAPHQL_PARSE_FAILED');
    expect(await codeOf('{ orders(first: 250) { nodes { id lines { id } } } }')).toBe('none');
  });

  test('cost counts variables too, and a refused operation reads nothing', async () => {
    const query = `query Q($n: Int!) { orders(first: $n) { nodes { customer { orders(first: $n) { nodes { id number } } } } } }`;
    expect((await api.ask(query, { n: 10 })).errors).toBeUndefined();
    expect((await api.ask(query, { n: 250 })).errors?.[0].extensions.code).toBe('TOO_COMPLEX');
  });

  test('no part of a document keeps the rest from being counted', async () => {
    const dear =
      'orders(first: 250) { nodes { customer { orders(first: 250) { nodes { id lines { id } } } } } }';
    const codeFor = async (query: string, more: { operationName?: string; variables?: object } = {}) => {
      const response = await fetch(api.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
        body: JSON.stringify({ query, ...more }),
      });
      const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
      return errors?.[0]?.extensions.code ?? 'none';
    };
    // Arguments that nobody will look at: what cannot be counted does not run.
    expect(await codeFor(`{ ${dear} x: orders(first: -1) @skip(if: true) { nodes { id } } }`)).toBe(
      'BAD_USER_INPUT',
    );
    expect(
      await codeFor(
        `query ($o: Boolean!) { ${dear} x: orders(first: -1) @include(if: $o) { nodes { id } } }`,
        { variables: { o: false } },
      ),
    ).toBe('BAD_USER_INPUT');
    expect(
      await codeFor(`query ($ids: [ID!]) { ${dear} x: nodes(ids: $ids) @skip(if: true) { id } }`),
    ).not.toBe('none');
    // An operation beside a cheap one.
    const two = `query Cheap { __typename } query Dear { ${dear} }`;
    expect(await codeFor(two, { operationName: 'Cheap' })).toBe('none');
    expect(await codeFor(two, { operationName: 'Dear' })).toBe('TOO_COMPLEX');
    expect(
      await codeFor(`query Dear { ${dear} } query Cheap { __typename }`, { operationName: 'Cheap' }),
    ).toBe('none');
    // Sizes that stand with the variables' types.
    expect(await codeFor(`query ($n: Int = 250) { ${dear.replaceAll('250', '$n')} }`)).toBe('TOO_COMPLEX');
    // A size that is none is told as such.
    expect(await codeFor('{ orders(first: -1) { nodes { id } } }')).toBe('BAD_USER_INPUT');
  });

  test('bodies are limited, told ahead or not', async () => {
    const large = JSON.stringify({ query: `{ __typename } #${'x'.repeat(300_000)}` });
    const told = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body: large,
    });
    expect(told.status).toBe(413);
    const streamed = await new Promise<number>((resolve) => {
      const request = httpRequest(
        api.url,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
        },
        (response) => resolve(response.statusCode ?? 0),
      );
      request.on('error', () => resolve(413));
      for (let offset = 0; offset < large.length; offset += 50_000)
        request.write(large.slice(offset, offset + 50_000));
      request.end();
    });
    expect(streamed).toBe(413);
  });

  test('batches hold five operations and no more', async () => {
    const batch = async (size: number): Promise<number> => {
      const response = await fetch(api.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
        body: JSON.stringify(Array.from({ length: size }, () => ({ query: '{ __typename }' }))),
      });
      return response.status;
    };
    expect(await batch(5)).toBe(200);
    expect(await batch(6)).toBe(413);
  });

  test('a key that asks too often is told when to come back, and others go on', async () => {
    const other = 'tb_other_0123456789abcdef';
    await using slow = await startTestApi({
      apiKeys: [
        { name: 'admin', key: adminKey, scopes: ['admin'] },
        { name: 'other', key: other, scopes: ['admin'] },
      ],
      limits: { requestsPerSecond: 0.001, burst: 3 },
    });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await slow.ask('{ __typename }')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    // Of several in one request each counts.
    await using many = await startTestApi({ limits: { requestsPerSecond: 0.001, burst: 3 } });
    const batch = await fetch(many.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body: JSON.stringify(Array.from({ length: 5 }, () => ({ query: '{ __typename }' }))),
    });
    const answers = (await batch.json()) as { errors?: { extensions: { code: string } }[] }[];
    expect(answers.map(({ errors }) => errors?.[0]?.extensions.code ?? 'none').sort()).toEqual([
      'RATE_LIMITED',
      'RATE_LIMITED',
      'none',
      'none',
      'none',
    ]);
    const refused = await slow.ask('{ __typename }');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.errors?.[0].extensions.code).toBe('RATE_LIMITED');
    expect((await slow.ask('{ __typename }', {}, { key: other })).status).toBe(200);
  });
});

describe('what the outside sees', () => {
  test('forms, plain text and uploads are refused: pages of other sites can send them', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/graphql',
    ]) {
      const response = await fetch(api.url, {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Bearer ${adminKey}` },
        body: 'query={ __typename }',
      });
      expect([type, response.status]).toEqual([type, 415]);
    }
  });

  test('mutations are not made by GET', async () => {
    const query = encodeURIComponent(
      'mutation { connectionResume(input: { id: "Q29ubmVjdGlvbjox" }) { userErrors { code } } }',
    );
    const response = await fetch(`${api.url}?query=${query}`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    expect(response.status).toBe(405);
    const read = await fetch(`${api.url}?query=${encodeURIComponent('{ __typename }')}`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    expect(await read.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('bodies that are no request get 400 and a reason', async () => {
    for (const body of ['', '{', '"text"', '{"query":1}', '{"query":"{"}', '{"query":"{ nothing }"}']) {
      const response = await fetch(api.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          authorization: `Bearer ${adminKey}`,
        },
        body,
      });
      const answer = (await response.json()) as { errors: { message: string }[] };
      expect([body, response.status]).toEqual([body, 400]);
      expect(answer.errors.length).toBeGreaterThan(0);
    }
  });

  test('values of the wrong type are named, however often they are sent', async () => {
    const query = 'query Wrong($n: Int, $i: ID!) { orders(first: $n) { nodes { id } } order(id: $i) { id } }';
    for (let time = 0; time < 4; time += 1) {
      const i = encodeGlobalId('Order', 1);
      for (const variables of [{ n: 1.5, i }, { n: '1', i }, { n: 2 ** 31, i }, { n: 1 }]) {
        const { errors } = await ask(api.url, query, variables);
        expect(errors?.[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
        expect(errors?.[0].message).toMatch('i' in variables ? /"\$n" got invalid value/ : /"\$i"/);
      }
    }
  });

  test.each([
    [
      'query ($e: String!) { customerByEmail(email: $e) { id } }',
      { e: 'a\0@b.example' },
      '$e: must not contain the character NUL.',
    ],
    [
      'query ($s: [String!]!) { stockLevels(skus: $s) { nodes { id } } }',
      { s: ['a', 'b\0'] },
      '$s[1]: must not contain the character NUL.',
    ],
    [
      'mutation ($i: OrderUpdateInput!) { orderUpdate(input: $i) { userErrors { code } } }',
      { i: { id: 'T3JkZXI6MQ', tags: ['\0'] } },
      '$i.tags[0]: must not contain the character NUL.',
    ],
    [
      'mutation ($i: CustomerUpdateInput!) { customerUpdate(input: $i) { userErrors { code } } }',
      { i: { id: 'Q3VzdG9tZXI6MQ', firstName: 'half \ud83d' } },
      '$i.firstName: must not contain half of a surrogate pair.',
    ],
    ['{ orderByNumber(number: "a\\u0000") { id } }', {}, 'This text must not contain the character NUL.'],
  ])('text that no database holds is refused by its place: %s', async (query, variables, message) => {
    const { status, errors } = await ask(api.url, query, variables);
    expect([status, errors?.[0].extensions.code, errors?.[0].message]).toEqual([
      200,
      'BAD_USER_INPUT',
      message,
    ]);
  });

  test('what is nested without end is refused, in variables and in the document', async () => {
    const nested = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const inVariables = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body: `{"query":"query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }","variables":{"v":${nested}}}`,
    });
    expect(inVariables.status).toBe(200);
    expect(await inVariables.text()).toContain('is nested deeper than 32 levels.');
    const inDocument = await ask(api.url, `{ stockLevels(skus: ${'['.repeat(20_000)}) { totalCount } }`);
    expect(['TOO_COMPLEX', 'GRAPHQL_PARSE_FAILED']).toContain(inDocument.errors?.[0].extensions.code);
  });

  test.each(['variables={', 'variables=[1]', 'variables=1', 'extensions=x'])(
    'a GET with %s gets 400 and the name of the parameter',
    async (parameter) => {
      const answer = await fetch(`${api.url}?query=%7B__typename%7D&${parameter}`, {
        headers: { accept: 'application/json', authorization: `Bearer ${adminKey}` },
      });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain(`The parameter \\"${parameter.split('=')[0]}\\" must be`);
    },
  );

  test('unexpected errors are masked, with an id that the log explains', async () => {
    await using broken = await startTestApi();
    await broken.database.pool.query('alter table location rename to place');
    const { data, errors } = await broken.ask('{ locations { id } }');
    expect(data).toBeNull();
    const [error] = errors ?? [];
    expect(error.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(errors)).not.toContain('relation');
    const line = broken.logLines.find((entry) => entry.id === error.extensions.id);
    expect(JSON.stringify(line)).toContain('relation \\"location\\" does not exist');
  });

  test('introspection and GraphiQL can be switched off', async () => {
    await using closed = await startTestApi({ introspection: false, graphiql: false });
    const introspection = '{ __schema { types { name } } }';
    expect((await closed.ask(introspection)).errors?.[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect((await closed.ask('{ __typename }')).data).toEqual({ __typename: 'Query' });
    const page = await fetch(closed.url, { headers: { accept: 'text/html' } });
    expect([
      page.status,
      ((await page.json()) as { errors: { message: string }[] }).errors[0]?.message,
    ]).toEqual([404, 'GraphiQL is switched off here; GRAPHIQL=true switches it on.']);
    expect((await api.ask(introspection)).data.__schema.types.length).toBeGreaterThan(50);
  });

  test('GraphiQL needs nothing from elsewhere and opens with example tabs', async () => {
    const response = await fetch(api.url, { headers: { accept: 'text/html' } });
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).not.toMatch(/<(script|link)[^>]+(src|href)="https?:/);
    expect(html).toContain('OrdersLive');
    expect(html).toContain('"subscriptionsProtocol":"WS"');
  });

  test('every example tab is valid against the schema', async () => {
    const { exampleTabs } = await import('../../src/schema/examples.ts');
    expect(exampleTabs.length).toBeGreaterThanOrEqual(6);
    for (const { query, variables = '{}' } of exampleTabs.filter(
      (tab) => !/^\s*(#.*\n)?\s*(subscription|mutation)/.test(tab.query),
    )) {
      const { errors = [] } = await api.ask(query, JSON.parse(variables));
      // There are no books here to tie a day out with.
      expect(errors.filter((error) => error.extensions.code !== 'NO_BOOKS')).toEqual([]);
    }
    const { buildSchema } = await import('../../src/schema/schema.ts');
    const { parse, validate } = await import('graphql');
    for (const { query } of exampleTabs) expect(validate(buildSchema(), parse(query))).toEqual([]);
  });

  test('answers to pages of other sites carry no permission to read them', async () => {
    const preflight = await fetch(api.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    await using shared = await startTestApi({ allowedOrigins: ['https://dashboard.example'] });
    const allowed = await fetch(shared.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://dashboard.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://dashboard.example');
  });
});

test('a key for the sync sees what happens and not of whom', async () => {
  const db = api.database.pool;
  const connection = await insertConnection(db);
  await insertDelivery(db, { connection_id: connection });
  await insertPush(db, { connection_id: connection });
  await db.query(
    `select append_events('[{"type": "order.created", "subjectType": "Order", "subjectId": "1", "source": "shopify", "payload": {"email": "a@b.example"}}]'::jsonb)`,
  );
  const { data, errors } = await ask(
    api.url,
    `{
      deliveries(first: 1) { nodes { topic content { __typename } } }
      pushes(first: 1) { nodes { kind body } }
      events(last: 1) { nodes { type payload subject { id } } }
    }`,
    {},
    { key: keyOf('read:sync') },
  );
  expect(data).toEqual({
    deliveries: { nodes: [{ topic: 'orders/create', content: null }] },
    pushes: { nodes: [{ kind: 'contact', body: null }] },
    events: { nodes: [{ type: 'ORDER_CREATED', payload: null, subject: null }] },
  });
  expect(errors?.map((error) => error.extensions.code)).toEqual(Array(4).fill('FORBIDDEN'));
});
