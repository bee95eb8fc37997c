import { writeFile } from 'node:fs/promises';
import { shippedParameters } from '../../sync/identity/parameters.ts';
import { mapColumns, recordsOf } from './columns.ts';
import { compareWays, tableOf } from './compare-ways.ts';
import { readCsv, toCsv } from './csv.ts';
import { estimateCommand } from './estimate.ts';
import { generatePeople } from './generate-people.ts';
import { resolveCommand } from './resolve.ts';
import { truthPairs } from './truth.ts';

export interface IdentityOptions {
  action: string;
  file: string | undefined;
  truth: string | undefined;
  map: string;
  country: string;
  people: number;
  seed: number;
}

/** Scores, estimates and carries out identity resolution. */
export async function identityCommand(options: IdentityOptions): Promise<number> {
  switch (options.action) {
    case 'score':
      return score(options);
    case 'generate':
      return generate(options);
    case 'resolve':
      return resolveCommand();
    case 'estimate':
      return estimateCommand(options);
    default:
      console.error('identity score, identity generate, identity estimate, or identity resolve.');
      return 2;
  }
}

/** Measures the resolution on a file of one's own, beside what the same e-mail address alone would find. */
async function score(options: IdentityOptions): Promise<number> {
  if (options.file === undefined || options.truth === undefined) {
    console.error('identity score --file <records.csv> --truth <truth.csv> [--map firstName=<heading>,…]');
    return 2;
  }
  const table = await readCsv(options.file);
  const records = recordsOf(table, mapColumns(table, options.map, options.file), options.country);
  const ids = records.map((record) => record.id);
  const truth = truthPairs(await readCsv(options.truth), ids, options.truth);
  const startedAt = performance.now();
  const ways = compareWays(records, truth, { country: options.country, parameters: shippedParameters });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${records.length} records, ${truth.size} pairs of one person; ${seconds.toFixed(1)} s\n`);
  printTable(tableOf(ways));
  console.log(`\n${ways.questions} pairs would be put before a person.`);
  return 0;
}

async function generate(options: IdentityOptions): Promise<number> {
  if (options.file === undefined || options.truth === undefined) {
    console.error('identity generate --file <records.csv> --truth <truth.csv> [--people 10000] [--seed 1]');
    return 2;
  }
  const records = generatePeople(options.seed, options.people);
  const header = [
    ...['id', 'channel', 'email', 'phone', 'first_name', 'last_name', 'company', 'address1', 'address2'],
    ...['city', 'zip', 'country'],
  ];
  const rows = records.map(({ address, ...record }) => [
    ...[record.id, record.channel, record.email, record.phone, record.firstName, record.lastName],
    ...[record.company, address?.address1 ?? null, address?.address2 ?? null, address?.city ?? null],
    ...[address?.zip ?? null, address?.countryCode ?? null],
  ]);
  await writeFile(options.file, toCsv(header, rows));
  await writeFile(
    options.truth,
    toCsv(
      ['id', 'person'],
      records.map((record) => [record.id, record.person]),
    ),
  );
  console.log(
    `${records.length} records of ${options.people} people in ${options.file}, who is who in ${options.truth}.`,
  );
  return 0;
}

function printTable(rows: readonly string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    );
}
