import { writeFile } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { shippedParameters } from '../../sync/identity/parameters.ts';
import { compareWays, tableOf } from './compare-ways.ts';
import { readCsv, toCsv } from './csv.ts';
import { estimateFrom } from './estimate.ts';
import { type ErrorKind, listErrors, type PairError } from './list-errors.ts';
import { type ReadRecords, readRecords } from './read-records.ts';
import { type Truth, truthOf, truthOfColumn } from './truth.ts';

export interface ScoreOptions {
  files: readonly string[];
  truth: string | undefined;
  entity: string | undefined;
  map: string;
  country: string;
  estimate: boolean;
  list: string | undefined;
  seed: number;
}

/** Measures the resolution on files of one's own, beside what the same e-mail address alone would find. */
export async function score(options: ScoreOptions): Promise<number> {
  const { country } = options;
  const read = await readRecords(options.files, { ...options, entity: options.entity ?? null });
  const truth = await readTruth(read, options);
  for (const note of read.notes) console.log(note);
  console.log(`Who is who: ${truth.words}.`);
  const { records } = read;
  const learned = options.estimate ? estimateFrom(records, country, options.seed) : null;
  if (learned !== null)
    console.log(
      `Weights learned from ${learned.pairs} pairs of these records, without looking at who is who.`,
    );
  const parameters = learned?.parameters ?? shippedParameters;
  const startedAt = performance.now();
  const ways = compareWays(records, truth.pairs, { country, parameters });
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `\n${records.length} records, ${truth.pairs.size} pairs of one person; ${seconds.toFixed(1)} s\n`,
  );
  printTable(tableOf(ways));
  console.log(`\n${ways.questions} pairs would be put before a person.`);
  const errors = listErrors(records, truth.pairs, ways, { country, parameters });
  printMissed(errors, ways.automatic.missed);
  if (options.list !== undefined) await writeErrors(options.list, errors);
  return 0;
}

async function readTruth(read: ReadRecords, { truth, entity }: ScoreOptions): Promise<Truth> {
  const found =
    truth === undefined
      ? truthOfColumn(read.entities ?? [], entity ?? '')
      : truthOf(
          await readCsv(truth),
          read.records.map((record) => record.id),
          truth,
        );
  if (found.pairs.size > 0) return found;
  throw new AppError({
    code: 'BAD_FILE',
    retryable: false,
    publicMessage: `No two records are one person by ${truth ?? `column "${entity}"`} (${found.words}): there is nothing to find.`,
  });
}

function printMissed(errors: readonly PairError[], missed: number): void {
  const count = (kind: ErrorKind) => errors.filter((error) => error.kind === kind).length;
  if (missed > 0)
    console.log(
      `Of the ${missed} pairs that are one person and were not merged, the questions find ${count('asked about')}, ${count('left apart')} were compared and too little speaks for them, ${count('never compared')} have nothing in common to be found by (mailbox, number, family name within a postal area or town, house, tax id, date of birth with an initial).`,
    );
}

async function writeErrors(file: string, errors: readonly PairError[]): Promise<void> {
  const rows = errors.map(({ kind, a, b, bits, why }) => [kind, a, b, String(bits), why]);
  await writeFile(file, toCsv(['what', 'id_1', 'id_2', 'bits', 'why'], rows));
  console.log(`${errors.length} pairs with what speaks for and against each: ${file}.`);
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of rows)
    console.log(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    );
}
