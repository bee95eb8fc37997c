import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
import { type Stack, startStack, until } from '../support/stack.ts';
import { deadLetters, nextSecond } from './observe.ts';

const many = 120;
/** Both kinds of work have finished a page by then, and not the last one. */
const middle = 50;

test('a worker that is killed in the middle of an authority review, and of a backfill: each goes on, and tells each customer once', async () => {
  await using stack = await startStack({ worker: 'child' });
  const { pool } = stack.database;
  for (let index = 0; index < many; index += 1)
    stack.shopify.upsertCustomer({
      email: `buyer${index}@example.com`,
      firstName: 'Ada',
      lastName: `B${index}`,
      tags: [`size:${index}`],
    });
  await stack.settled();
  // Nothing of customers is written at the shop, which therefore goes on saying what it said.
  const shop = (await pool.query(`select id from connection where platform = 'shopify'`)).rows[0]
    .id as bigint;
  await transaction(pool, (tx) => setWriteCapabilities(tx, shop, ['order']));
  await nextSecond();
  const contacts = stack.hubspot.records('contacts').filter((one) => one.properties.firstname === 'Ada');
  expect(contacts).toHaveLength(many);
  for (const { id } of contacts) stack.hubspot.editContact(id, { firstname: 'Augusta' });
  await stack.settled();
  expect(await firstNames(stack)).toEqual({ Augusta: many });
  const head = (await pool.query('select max(position) as position from event')).rows[0].position as bigint;

  await killedInTheMiddle(stack, 'authority_review', () =>
    stack.graphql(
      `mutation ($input: ConnectionFieldAuthorityInput!) { connectionFieldAuthoritySet(input: $input) { userErrors { code } } }`,
      {
        input: {
          id: Buffer.from(`Connection:${shop}`).toString('base64url'),
          field: 'FIRST_NAME',
          authority: 'ALWAYS',
        },
      },
    ),
  );
  expect(await firstNames(stack)).toEqual({ Ada: many });
  await killedInTheMiddle(stack, 'custom_field_backfill', () =>
    stack.graphql(
      `mutation ($input: CustomFieldMappingInput!) { customFieldMappingUpsert(input: $input) { userErrors { message } } }`,
      {
        input: {
          owner: 'CUSTOMER',
          key: 'size',
          name: 'Size',
          type: 'NUMBER',
          source: { tagPrefix: 'size:' },
          hubspotProperty: 'size',
        },
      },
    ),
  );

  const held = stack.hubspot
    .records('contacts')
    .map((one) => [one.properties.firstname, one.properties.size]);
  expect(held.sort((a, b) => Number(a[1]) - Number(b[1]))).toEqual(
    Array.from({ length: many }, (_, index) => ['Ada', String(index)]),
  );
  // The worker that comes back reads the shop anew, which brings news of its own (tags); these two are the work's.
  const { rows: told } = await pool.query<{ field: string; events: number; customers: number }>(
    `select field, count(*)::int as events, count(distinct subject_id)::int as customers
     from event cross join lateral jsonb_array_elements_text(payload->'changedFields') as field
     where position > $1 and type = 'customer.updated' and field in ('customFields.size', 'firstName')
     group by field order by field`,
    [head],
  );
  expect(told).toEqual([
    { field: 'customFields.size', events: many, customers: many },
    { field: 'firstName', events: many, customers: many },
  ]);
  expect(await deadLetters(stack)).toEqual([]);
}, 240_000);

/** Lets the work stand still once it is past the middle, cuts the power, and waits until it is done all the same. */
async function killedInTheMiddle(stack: Stack, table: string, ask: () => Promise<unknown>): Promise<void> {
  const { worker } = stack;
  if (worker === null) throw new Error('the worker runs in a process of its own');
  const { pool } = stack.database;
  await pool.query(`create or replace function stand_still() returns trigger language plpgsql as $$
    begin if new.done > ${middle} then perform pg_advisory_xact_lock(4711); end if; return new; end $$`);
  await pool.query(
    `create trigger stand_still before update on ${table} for each row execute function stand_still()`,
  );
  const holder = await pool.connect();
  try {
    await holder.query('select pg_advisory_lock(4711)');
    await ask();
    await until(
      'it stands still',
      () =>
        holder.query(`select pid from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`),
      ({ rowCount }) => rowCount === 1,
      60_000,
    );
    expect(await progress(stack, table)).toEqual({ status: 'running', total: many, done: middle });
    await worker.kill();
    // What the power cut has ended, the database would only learn when it answers.
    await holder.query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`,
    );
  } finally {
    await holder.query('select pg_advisory_unlock(4711)');
    holder.release();
  }
  await pool.query(`drop trigger stand_still on ${table}`);
  expect(await progress(stack, table)).toEqual({ status: 'running', total: many, done: middle });
  await worker.start();
  await until(
    'it is done',
    () => progress(stack, table),
    ({ status }) => status === 'finished',
    60_000,
  );
  await stack.settled();
  expect(await progress(stack, table)).toEqual({ status: 'finished', total: many, done: many });
}

async function progress(
  { database }: Stack,
  table: string,
): Promise<{ status: string; total: number; done: number }> {
  const { rows } = await database.pool.query(`select status, total, done from ${table}`);
  return rows[0];
}

async function firstNames({ database }: Stack): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ name: string; many: number }>(
    'select first_name as name, count(*)::int as many from customer where merged_into_id is null group by 1',
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.many]));
}
