import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { AppError } from '../../src/errors.ts';
import { declarationsFile } from '../../src/sync/custom-fields/declaration.ts';
import {
  declareFromFile,
  deleteCustomField,
  loadCustomFields,
  upsertCustomField,
} from '../../src/sync/custom-fields/fields.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ max: 2 });
});
afterAll(() => database[Symbol.asyncDispose]());

const field = (key: string, more: object = {}) => ({
  owner: 'Order',
  key,
  name: key,
  type: 'text',
  source: { kind: 'attribute', name: key },
  ...more,
});

const read = (fields: object[]) => declarationsFile.parse({ customFields: fields }).customFields;
const declare = (...fields: object[]) =>
  transaction(database.pool, (tx) => declareFromFile(tx, read(fields)));
const known = async () =>
  (await loadCustomFields(database.pool)).map(
    (one) => `${one.key} ${one.declaredBy} ${one.hubspotProperty ?? '-'}`,
  );
const requested = async () =>
  (
    await database.pool.query<{ key: string }>(
      `select f.key from custom_field_backfill b join custom_field f on f.id = b.field_id where b.status = 'waiting' order by f.key`,
    )
  ).rows.map((row) => row.key);
const filled = () =>
  database.pool.query(
    `update custom_field_backfill set status = 'finished', finished_at = clock_timestamp()`,
  );

test('a file declares, changes and forgets its own fields, and nobody else’s', async () => {
  await transaction(database.pool, (tx) =>
    upsertCustomField(tx, read([field('theirs', { hubspotProperty: 'theirs' })])[0] as never, 'api'),
  );
  await filled();
  expect(await declare(field('a', { hubspotProperty: 'p1' }), field('b', { hubspotProperty: 'p2' }))).toBe(2);
  expect(await known()).toEqual(['a file p1', 'b file p2', 'theirs api theirs']);
  expect(await requested()).toEqual(['a', 'b']);
  await filled();
  expect(await declare(field('a', { hubspotProperty: 'p1' }), field('b', { hubspotProperty: 'p2' }))).toBe(0);
  expect(await requested()).toEqual([]);

  // Two that swap where they are sent to.
  expect(await declare(field('a', { hubspotProperty: 'p2' }), field('b', { hubspotProperty: 'p1' }))).toBe(2);
  expect(await known()).toEqual(['a file p2', 'b file p1', 'theirs api theirs']);
  expect(await requested()).toEqual(['a', 'b']);

  // One that another key takes over, and one that leaves.
  expect(await declare(field('c', { hubspotProperty: 'p2' }))).toBe(3);
  expect(await known()).toEqual(['c file p2', 'theirs api theirs']);
  expect(await declare()).toBe(1);
  expect(await known()).toEqual(['theirs api theirs']);
});

test('what cannot be is refused in words, and nothing of the file is taken', async () => {
  expect(await declare(field('kept', { hubspotProperty: 'kept' }))).toBe(1);
  const refusal = async (...fields: object[]) => {
    const error = await declare(...fields).catch((thrown: unknown) => thrown);
    return error instanceof AppError ? [error.code, error.publicMessage] : error;
  };
  expect(await refusal(field('new'), field('kept', { type: 'number' }))).toEqual([
    'FIELD_TYPE_FIXED',
    "The custom field kept is a text and cannot become a number: platforms keep a property's type. Delete it and declare another key and property.",
  ]);
  expect(await refusal(field('new'), field('other', { hubspotProperty: 'theirs' }))).toEqual([
    'FIELD_TARGET_TAKEN',
    'The custom field theirs is sent to hubspotProperty theirs already; name another one.',
  ]);
  expect(await known()).toEqual(['kept file kept', 'theirs api theirs']);
  const problems = declarationsFile.safeParse({
    customFields: [
      field('a', { hubspotProperty: 'p' }),
      field('b', { hubspotProperty: 'p' }),
      field('c', { quickbooksField: 'Care' }),
      field('d', { quickbooksField: 'CARE' }),
    ],
  }).error?.issues;
  expect(problems?.map((issue) => `${issue.path.join('.')}: ${issue.message}`)).toEqual([
    'customFields.1: Order property p is declared twice',
    'customFields.3: QuickBooks field care is declared twice',
  ]);
  const byApi = await transaction(database.pool, (tx) =>
    deleteCustomField(tx, { owner: 'Order', key: 'kept' }, 'api'),
  ).catch((thrown: unknown) => thrown);
  expect(byApi).toMatchObject({ code: 'DECLARED_BY_FILE' });
});
