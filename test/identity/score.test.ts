import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mapColumns, recordsOf } from '../../src/cli/identity/columns.ts';
import { compareWays } from '../../src/cli/identity/compare-ways.ts';
import { readCsv } from '../../src/cli/identity/csv.ts';
import { generatePeople } from '../../src/cli/identity/generate-people.ts';
import { listErrors } from '../../src/cli/identity/list-errors.ts';
import { measurePairs, pairsWithin } from '../../src/cli/identity/measure.ts';
import { readRecords } from '../../src/cli/identity/read-records.ts';
import { truthOf, truthOfColumn } from '../../src/cli/identity/truth.ts';
import { estimateParameters } from '../../src/sync/identity/estimate.ts';
import { shippedParameters } from '../../src/sync/identity/parameters.ts';

async function withFile<T>(text: string | Buffer, work: (file: string) => Promise<T>): Promise<T> {
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
    'rec_id, given_name, surname, street_number, address_1, suburb, postcode, date_of_birth, soc_sec_id, state\n"r1","ada, ""a.""",byron,12,oak st,salem,97301,19151210,5304218,or\n';
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
        birthDate: '19151210',
        taxId: '5304218',
        address: { address1: '12 oak st', address2: null, city: 'salem', zip: '97301', countryCode: 'US' },
      },
    ]);
    expect(() => mapColumns(table, 'zip=plz', file)).toThrow(
      'has no column "plz". It has rec_id, given_name',
    );
    expect(() => mapColumns(table, 'colour=suburb', file)).toThrow('Fields are id, email, phone');
    const { notes } = await readRecords([file], { map: '', entity: null, country: 'US' });
    expect(notes).toEqual([
      `${file}: 1 records; id ← rec_id, firstName ← given_name, lastName ← surname, streetNumber ← street_number, street ← address_1, city ← suburb, zip ← postcode, birthDate ← date_of_birth, taxId ← soc_sec_id.`,
      'Not used: state. --map <field>=<heading> names what belongs to a field.',
    ]);
  });
  await withFile('a,b\n1,2\n', async (file) => {
    const table = await readCsv(file);
    expect(() => mapColumns(table, '', file)).toThrow('tells nothing to compare. It has a, b');
    expect(mapColumns(table, 'lastName=B', file)).toEqual({ lastName: 1 });
  });
  await withFile('id,email\n1,a@b.example\n\n2,"c@d\n.example",extra\n', async (file) => {
    await expect(readCsv(file)).rejects.toThrow('line 4: 3 values under 2 headings');
  });
  await withFile('id,email\n1,"a@b\n\n', async (file) => {
    await expect(readCsv(file)).rejects.toThrow('the quoted value that begins on line 2 never ends');
  });
  await withFile('id,email\n', async (file) => {
    await expect(readRecords([file], { map: '', entity: null, country: 'US' })).rejects.toThrow(
      'there is a header and no record',
    );
  });
  await expect(readCsv('/nowhere.csv')).rejects.toThrow(
    '/nowhere.csv cannot be read. There is no such file.',
  );
});

test('a file means the same in every encoding, with every separator and however its headings are spelled', async () => {
  const expected = [
    { id: '7', firstName: 'Zoë', lastName: 'Müller Jr', phone: '(503) 555-0123', email: 'zoe@example.com' },
    { id: '8', firstName: 'Ann B', lastName: 'Reed', phone: null, email: null },
  ];
  const read = async (bytes: string | Buffer) =>
    withFile(bytes, async (file) => {
      const { records } = await readRecords([file], { map: '', entity: null, country: 'US' });
      return records.map(({ id, firstName, lastName, phone, email }) => ({
        id,
        firstName,
        lastName,
        phone,
        email,
      }));
    });
  const text = (separator: string, end: string, quote = '') =>
    [
      ['Contact ID', 'First Name', 'middle-name', 'LastName', 'Suffix', 'Phone Number', 'E-Mail'],
      ['7', 'Zoë', 'NA', 'Müller', 'Jr', '(503) 555-0123', 'zoe@example.com'],
      ['8', 'Ann', 'B', 'Reed', '', '', 'null'],
    ]
      .map((row) => row.map((value) => `${quote}${value}${quote}`).join(separator) + end)
      .join('');
  expect(await read(text(',', '\n'))).toEqual(expected);
  expect(await read(text(';', '\r\n', '"'))).toEqual(expected);
  expect(await read(`\uFEFF${text('\t', '\r\n')}`)).toEqual(expected);
  expect(await read(text('|', '\r'))).toEqual(expected);
  expect(await read(Buffer.from(text(',', '\n'), 'latin1'))).toEqual(expected);
  expect(await read(Buffer.from(`\uFEFF${text('\t', '\r\n')}`, 'utf16le'))).toEqual(expected);
});

test('records without ids are called by their row, and one id on two rows is no id', async () => {
  const options = { map: '', entity: null, country: 'US' };
  await withFile(
    '"","fname_c1","lname_c1","by","bm","bd"\n"1","CARSTEN","MEIER",1949,7,22\n',
    async (file) => {
      const { records, notes } = await readRecords([file, file.replace('records', 'none')], options).catch(
        async () => readRecords([file], options),
      );
      expect(records[0]).toMatchObject({
        id: '1',
        firstName: 'CARSTEN',
        lastName: 'MEIER',
        birthDate: '1949-7-22',
      });
      expect(notes[0]).toContain('id ← (no heading)');
    },
  );
  const twice = 'recid,surname\n5,reed\n6,cole\n5,reid\n';
  await withFile(twice, async (file) => {
    await expect(readRecords([file], options)).rejects.toThrow(
      `${file}, line 4: the id "5" is also that of ${file}, line 2. Name the column of ids with --map id=<heading>; if rows with one id are one person, say so with --entity "recid".`,
    );
    const { records, entities, notes } = await readRecords([file], { ...options, entity: 'RecID' });
    expect(records.map((record) => record.id)).toEqual(['1', '2', '3']);
    expect(notes[0]).toContain('id ← number of the row');
    expect([...truthOfColumn(entities ?? [], 'recid').pairs]).toEqual(['0 2']);
    await expect(readRecords([file], { ...options, entity: 'person' })).rejects.toThrow(
      `--entity: ${file} has no column "person". It has recid, surname.`,
    );
  });
});

test('what is filled in and cannot be used is counted, with an example and what may be the reason', async () => {
  await withFile(
    'id,phone,dob,email,ssn\n1,020 7946 0958,1980-05-12,nobody,***-**-1234\n2,,,,\n',
    async (file) => {
      const { notes } = await readRecords([file], { map: '', entity: null, country: 'US' });
      expect(notes.slice(1)).toEqual([
        '1 of 1 e-mail addresses cannot be used, for example "nobody" of record 1.',
        '1 of 1 telephone numbers cannot be used, for example "020 7946 0958" of record 1. Those without a country\'s code are read as in US: --country names another.',
        '1 of 1 tax or national ids cannot be used, for example "***-**-1234" of record 1.',
      ]);
      expect(
        (await readRecords([file], { map: '', entity: null, country: 'GB' })).notes.join(),
      ).not.toContain('telephone');
    },
  );
});

const pairsIn = (header: string[], rows: string[][], ids: string[]) => [
  ...truthOf({ header, rows, lines: rows.map((_, index) => index + 2) }, ids, 't.csv').pairs,
];

test('the truth is pairs of ids, or a person per id in either column', () => {
  const ids = ['1', '2', '3'];
  expect(pairsIn(['a', 'b'], [['1', '3']], ids)).toEqual(['0 2']);
  const people = [
    ['1', 'x'],
    ['2', 'y'],
    ['3', 'x'],
  ];
  expect(pairsIn(['id', 'person'], people, ids)).toEqual(['0 2']);
  expect(
    pairsIn(
      ['entity', 'id'],
      people.map(([id, label]) => [label as string, id as string]),
      ids,
    ),
  ).toEqual(['0 2']);
  expect(() => pairsIn(['id', 'person'], [['9', 'x'], ...people], ids)).toThrow(
    't.csv, line 2: there is no record "9" (column "id"). Name the records\' ids with --map id=<heading>.',
  );
  expect(() => pairsIn(['id'], [['1']], ids)).toThrow('t.csv needs two columns');
});

test('labels that look like ids are labels all the same, and pairs that cover everybody are pairs', () => {
  const ids = ['1', '2', '3', '4'];
  // As R's RLdata tells whose record is whose: by the number of the first.
  const labels = [
    ['1', '1'],
    ['2', '2'],
    ['3', '1'],
    ['4', '3'],
  ];
  expect(pairsIn(['id', 'x'], labels, ids)).toEqual(['0 2']);
  expect(
    pairsIn(
      ['', 'id', 'x'],
      labels.map((row, index) => [String(index + 1), ...row]),
      ids,
    ),
  ).toEqual(['0 2']);
  const mutual = [
    ['1', '2'],
    ['2', '1'],
    ['3', '4'],
    ['4', '3'],
  ];
  expect(pairsIn(['a', 'b'], mutual, ids)).toEqual(['0 1', '2 3']);
  // Only some records are labelled.
  expect(
    pairsIn(
      ['id', 'entity_id'],
      [
        ['1', '2'],
        ['2', '3'],
        ['3', '2'],
      ],
      ids,
    ),
  ).toEqual(['0 2']);
});

test('a pair that is marked as none does not count', () => {
  const rows = [
    ['1', '2', '1'],
    ['1', '3', '0'],
  ];
  expect(pairsIn(['id_1', 'id_2', 'match'], rows, ['1', '2', '3', '0'])).toEqual(['0 1']);
});

test('ids as FEBRL makes them tell whose record it is', () => {
  expect([...truthOfColumn(['rec-1-org', 'rec-11-org', 'rec-1-dup-0', ''], 'rec_id').pairs]).toEqual(['0 2']);
});

test('every pair that was not merged rightly is told, with the reason', () => {
  const record = (id: string, firstName: string, more: object) => ({
    ...{ id, firstName, lastName: 'Byron', email: null, phone: null, company: null, address: null },
    ...more,
  });
  const home = { address1: '12 Oak Street', zip: '97301', countryCode: 'US' };
  const records = [
    record('mailbox', 'Ada', { email: 'ada.byron@example.com' }),
    record('same mailbox', 'Ada', { email: 'ada.byron@example.com' }),
    record('twin', 'Adi', { email: 'ada.byron@example.com' }),
    record('home', 'Ada', { address: home }),
    record('relative', 'Anne', { address: home }),
  ];
  const options = { country: 'US', parameters: shippedParameters };
  const truth = pairsWithin(['a', 'b', 'x', 'a', 'a']);
  const errors = listErrors(records, truth, compareWays(records, truth, options), options);
  expect(errors.map(({ kind, a, b }) => [kind, a, b])).toEqual([
    ['wrongly merged', 'mailbox', 'same mailbox'],
    ['asked in vain', 'mailbox', 'twin'],
    ['never compared', 'mailbox', 'home'],
    ['never compared', 'mailbox', 'relative'],
    ['left apart', 'home', 'relative'],
  ]);
  expect(errors[0]?.why).toContain('The same mailbox (22.8)');
});
