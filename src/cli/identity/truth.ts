import { AppError } from '../../errors.ts';
import type { CsvTable } from './csv.ts';
import { pairOf, pairsWithin } from './measure.ts';

export interface Truth {
  /** Pairs of records that are one person, by their places in the list of records. */
  pairs: Set<string>;
  /** How it was read, for people. */
  words: string;
}

/**
 * Which records are one person, from a file of its own: either a row per pair of ids, or a row per record with its id and a label that
 * records of one person share. Labels may look like ids: a file that names every record once, in one column and not mutually, is of labels.
 * A third column of a pair that is headed `match`, `label` or the like and says 0, false or no leaves the pair out.
 * @throws AppError naming file, line and the id that no record has
 */
export function truthOf(table: CsvTable, ids: readonly string[], file: string): Truth {
  if (table.header.length < 2)
    throw bad(`${file} needs two columns: a record's id and its person, or the two ids of a pair.`);
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const column = (at: number) => table.rows.map((row) => (row[at] ?? '').trim());
  const columns = table.header.map((_, at) => column(at));
  const known = columns.map((values) => values.filter((value) => indexOf.has(value)).length);
  const all = table.rows.length;
  // Whichever of the first columns has the ids; R and pandas put numbers of rows before them.
  const isNamed = table.header.filter((heading) => heading !== '').length >= 2;
  const withIds = known.flatMap((many, at) =>
    many === all && !(isNamed && table.header[at] === '') ? [at] : [],
  );
  const [first] = withIds;
  if (first === undefined) throw unknownId(table, columns, known, indexOf, file);
  const second = withIds
    .slice(1)
    .find(
      (at) =>
        !isLabel.test(table.header[at] ?? '') &&
        !isLabel.test(table.header[first] ?? '') &&
        isPairs(columns[first] ?? [], columns[at] ?? [], ids.length),
    );
  if (second === undefined) return ofLabels(table, columns, withIds, indexOf, ids.length);
  const verdict = table.header.findIndex(
    (heading, at) =>
      at !== first && at !== second && /^(is_?)?(match|label|same|duplicate|truth|target)$/i.test(heading),
  );
  const pairs = new Set<string>();
  for (const row of table.rows.keys()) {
    if (verdict >= 0 && /^(0|0\.0|f|false|n|no)$/i.test(columns[verdict]?.[row] ?? '')) continue;
    const a = indexOf.get(columns[first]?.[row] ?? '') as number;
    const b = indexOf.get(columns[second]?.[row] ?? '') as number;
    if (a !== b) pairs.add(pairOf(a, b));
  }
  const chosen = verdict < 0 ? '' : `, where "${table.header[verdict]}" says so`;
  return {
    pairs,
    words: `a pair a row, "${table.header[first]}" and "${table.header[second]}"${chosen}`,
  };
}

/** From a column of the records themselves. */
export function truthOfColumn(labels: readonly string[], heading: string): Truth {
  const people = labels.map((label) => febrlPerson(label) ?? (label.trim() === '' ? null : label.trim()));
  return { pairs: pairsWithin(people), words: `column "${heading}": rows that have it in common` };
}

/** FEBRL's generator hides the person in the id: rec-123-org and rec-123-dup-0 are one. */
function febrlPerson(id: string): string | null {
  return /^(rec-\d+)-(?:org|dup-\d+)$/.exec(id.trim())?.[1] ?? null;
}

/** What columns of people are headed. */
const isLabel = /entity|cluster|person|group|identity|label|truth|true/i;

function isPairs(a: readonly string[], b: readonly string[], records: number): boolean {
  if (new Set(a).size < a.length || a.length < records) return true;
  const partner = new Map(a.map((id, row) => [id, b[row]]));
  return a.every((id, row) => id !== b[row] && partner.get(b[row] ?? '') === id);
}

function ofLabels(
  table: CsvTable,
  columns: readonly (readonly string[])[],
  withIds: readonly number[],
  indexOf: ReadonlyMap<string, number>,
  records: number,
): Truth {
  // Where labels look like ids, both columns qualify: the ids are the ones that do not repeat.
  const first =
    withIds.find((at) => new Set(columns[at]).size === table.rows.length) ?? (withIds[0] as number);
  const others = table.header.flatMap((heading, at) => (at === first || heading === '' ? [] : [at]));
  const second =
    others.find((at) => isLabel.test(table.header[at] ?? '')) ?? others[0] ?? (first === 0 ? 1 : 0);
  const labels: (string | null)[] = Array.from({ length: records }, () => null);
  for (const [row, id] of (columns[first] ?? []).entries()) {
    const label = columns[second]?.[row] ?? '';
    if (label !== '') labels[indexOf.get(id) as number] = label;
  }
  return {
    pairs: pairsWithin(labels),
    words: `a record a row, "${table.header[first]}" with its person under "${table.header[second]}"`,
  };
}

function unknownId(
  table: CsvTable,
  columns: readonly (readonly string[])[],
  known: readonly number[],
  indexOf: ReadonlyMap<string, number>,
  file: string,
): AppError {
  const likeliest = known.indexOf(Math.max(...known));
  const row = (columns[likeliest] ?? []).findIndex((value) => !indexOf.has(value));
  return bad(
    `${file}, line ${table.lines[row] ?? 2}: there is no record "${columns[likeliest]?.[row] ?? ''}" (column "${table.header[likeliest]}"). Name the records' ids with --map id=<heading>.`,
  );
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
