import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mapColumns, recordsOf } from '../../src/cli/identity/columns.ts';
import { compareWays } from '../../src/cli/identity/compare-ways.ts';
import { readCsv } from '../../src/cli/identity/csv.ts';
import { generatePeople } from '../../src/cli/identity/generate-people.ts';
import { measurePairs, pairsWithin } from '../../src/cli/identity/measure.ts';
import { truthPairs } from '../../src/cli/identity/truth.ts';
import { estimateParameters } from '../../src/sync/identity/estimate.ts';
import { shippedParameters } from '../../src/sync/identity/parameters.ts';

async function withFile<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-'));
  try {
    const file = join(folder, 'records.csv');
    await writeFile(file, text);
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('automatic merges are nearly always right, find twice what the same address finds, and questions find more', () => {
  const records = generatePeople(5, 8_000);
  const truth = pairsWithin(records.map((record) => record.person));
  const ways = compareWays(records, truth, { country: 'US', parameters: shippedParameters });
  expect(ways.automatic.precision).toBeGreaterThanOrEqual(0.999);
  expect(ways.automatic.recall).toBeGreaterThan(2 * ways.exactOwnEmail.recall);
  expect(ways.withReview.recall).toBeGreaterThan(0.85);
  expect(ways.withReview.precision).toBeGreaterThan(0.95);
  expect(ways.answered.precision).toBeGreaterThanOrEqual(0.998);
  // Nobody reads a list that is longer than a tenth of all records.
  expect(ways.questions).toBeLessThan(records.length / 10);
});

test('made-up people are the same for the same seed, and others for another', () => {
  expect(generatePeople(3, 50)).toEqual(generatePeople(3, 50));
  expect(generatePeople(3, 50)).not.toEqual(generatePeople(4, 50));
});

test('parameters estimated without labels say what the records do, and resolve as well as those shipped', () => {
  const records = generatePeople(11, 4_000);
  let state = 1;
  const { parameters } = estimateParameters(records, 'US', shippedParameters, () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  });
  const { email, firstName, address } = parameters.levels;
  expect(email.same?.m).toBeGreaterThan(0.6);
  expect(email.same?.m).toBeLessThan(0.85);
  expect(firstName.same?.m).toBeGreaterThan(0.65);
  expect(firstName.different?.m).toBeLessThan(0.12);
  expect(address.different?.m).toBeGreaterThan(0.03);
  const truth = pairsWithin(records.map((record) => record.person));
  const ways = compareWays(records, truth, { country: 'US', parameters });
  expect(ways.automatic.precision).toBeGreaterThanOrEqual(0.998);
  expect(ways.automatic.recall).toBeGreaterThan(0.55);
});

test('precision and recall are counted over pairs', () => {
  const truth = pairsWithin(['a', 'a', 'a', 'b']);
  expect(measurePairs(pairsWithin([1, 1, 2, 2]), truth)).toEqual({
    right: 1,
    wrong: 1,
    missed: 2,
    precision: 0.5,
    recall: 1 / 3,
    f1: 0.4,
  });
});

test('a file of other people is read by its headings, and what it lacks is said', async () => {
  const febrl =
    'rec_id, given_name, surname, street_number, address_1, suburb, postcode\n"r1","ada, ""a.""",byron,12,oak st,salem,97301\n';
  await withFile(febrl, async (file) => {
    const table = await readCsv(file);
    expect(recordsOf(table, mapColumns(table, '', file), 'US')).toEqual([
      {
        id: 'r1',
        email: null,
        phone: null,
        firstName: 'ada, "a."',
        lastName: 'byron',
        company: null,
        address: { address1: '12 oak st', address2: null, city: 'salem', zip: '97301', countryCode: 'US' },
      },
    ]);
    expect(() => mapColumns(table, 'zip=plz', file)).toThrow(
      'has no column "plz". It has rec_id, given_name',
    );
    expect(() => mapColumns(table, 'colour=suburb', file)).toThrow('Fields are id, email, phone');
  });
  await withFile('name;mail\nAda;a@b.example\n', async (file) => {
    const table = await readCsv(file);
    expect(() => mapColumns(table, '', file)).toThrow('no column for the record’s id'.replace('’', "'"));
    expect(mapColumns(table, 'id=mail', file)).toEqual({ id: 1, email: 1, name: 0 });
  });
  await withFile('id,email\n1,a@b.example,extra\n', async (file) => {
    await expect(readCsv(file)).rejects.toThrow('row 2: 3 values under 2 headings');
  });
  await withFile('id,email\n1,"a@b\n', async (file) => {
    await expect(readCsv(file)).rejects.toThrow('a quoted value never ends');
  });
  await expect(readCsv('/nowhere.csv')).rejects.toThrow('/nowhere.csv cannot be read.');
});

test('the truth is pairs of ids or a person per id', () => {
  const ids = ['1', '2', '3'];
  const pairs = { header: ['a', 'b'], rows: [['1', '3']] };
  expect([...truthPairs(pairs, ids, 't.csv')]).toEqual(['0 2']);
  const people = {
    header: ['id', 'person'],
    rows: [
      ['1', 'x'],
      ['2', 'y'],
      ['3', 'x'],
    ],
  };
  expect([...truthPairs(people, ids, 't.csv')]).toEqual(['0 2']);
  const unknown = { header: ['id', 'person'], rows: [['9', 'x']] };
  expect(() => truthPairs(unknown, ids, 't.csv')).toThrow('t.csv, row 2: there is no record "9".');
});
