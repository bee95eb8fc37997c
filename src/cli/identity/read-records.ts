import { AppError } from '../../errors.ts';
import { birthDate } from '../../sync/identity/normalise-birth-date.ts';
import { emailParts } from '../../sync/identity/normalise-email.ts';
import { phoneNumber } from '../../sync/identity/normalise-phone.ts';
import { taxId } from '../../sync/identity/normalise-tax-id.ts';
import { type ColumnMap, columnCalled, columns, type FileRecord, mapColumns, recordsOf } from './columns.ts';
import { type CsvTable, readCsv } from './csv.ts';

export interface ReadRecords {
  records: FileRecord[];
  /** Per record what stands in the column that tells whose it is; null where none was named. */
  entities: string[] | null;
  /** For people: what was read from where, what was left unread, what cannot be used. */
  notes: string[];
}

/**
 * Reads people from one file or several, which then count as one list.
 * @param entity heading of a column with labels that records of one person share; it may be the column of ids
 * @throws AppError naming the file, and two lines that have one id
 */
export async function readRecords(
  files: readonly string[],
  options: { map: string; entity: string | null; country: string },
): Promise<ReadRecords> {
  const records: FileRecord[] = [];
  const entities: string[] = [];
  const notes: string[] = [];
  const places = new Map<string, string>();
  for (const file of files) {
    const table = await readCsv(file);
    const map = mapColumns(table, options.map, file);
    const entity = options.entity === null ? null : columnCalled(table, options.entity, file, '--entity');
    // The same label on many rows is no id.
    if (entity !== null && entity === map.id && repeats(table, entity)) delete map.id;
    const read = recordsOf(table, map, options.country, records.length);
    for (const [index, { id }] of read.entries()) {
      const place = `${file}, line ${table.lines[index]}`;
      const other = places.get(id);
      if (other !== undefined) throw twice(id, place, other, table, map);
      places.set(id, place);
    }
    if (entity !== null) entities.push(...table.rows.map((row) => row[entity] ?? ''));
    notes.push(...describe(file, table, map, entity));
    // One at a time: a call with a hundred thousand arguments is too much for the stack.
    for (const record of read) records.push(record);
  }
  if (records.length === 0) throw bad(`${files.join(' and ')}: there is a header and no record.`);
  return {
    records,
    entities: options.entity === null ? null : entities,
    notes: [...notes, ...unusable(records, options.country)],
  };
}

function repeats(table: CsvTable, column: number): boolean {
  return new Set(table.rows.map((row) => row[column])).size < table.rows.length;
}

function twice(id: string, place: string, other: string, table: CsvTable, map: ColumnMap): AppError {
  const heading = map.id === undefined ? null : table.header[map.id];
  return bad(
    `${place}: the id "${id}" is also that of ${other}. Name the column of ids with --map id=<heading>; if rows with one id are one person, say so with --entity ${heading === '' || heading == null ? '<heading>' : `"${heading}"`}.`,
  );
}

function describe(file: string, table: CsvTable, map: ColumnMap, entity: number | null): string[] {
  const used = columns.filter((column) => map[column] !== undefined);
  const told = used.map((column) => `${column} ← ${table.header[map[column] as number] || '(no heading)'}`);
  const left = table.header.filter(
    (heading, at) => heading !== '' && at !== entity && !used.some((column) => map[column] === at),
  );
  return [
    `${file}: ${table.rows.length} records; ${told.join(', ')}${map.id === undefined ? ', id ← number of the row' : ''}.`,
    ...(left.length === 0
      ? []
      : [`Not used: ${left.join(', ')}. --map <field>=<heading> names what belongs to a field.`]),
  ];
}

/** What is filled in but is no mailbox, number, date or id that anybody can be recognised by. */
function unusable(records: readonly FileRecord[], country: string): string[] {
  const check = (
    name: string,
    value: (record: FileRecord) => string | null | undefined,
    isRead: (text: string, record: FileRecord) => boolean,
    hint: string,
  ): string[] => {
    const given = records.filter((record) => value(record) != null);
    const unread = given.filter((record) => !isRead(value(record) as string, record));
    if (unread.length === 0) return [];
    const example = unread[0];
    return [
      `${unread.length} of ${given.length} ${name} cannot be used, for example "${example === undefined ? '' : value(example)}" of record ${example?.id}.${unread.length * 5 > given.length ? hint : ''}`,
    ];
  };
  const countryOf = (record: FileRecord) => record.address?.countryCode ?? country;
  return [
    ...check(
      'e-mail addresses',
      (one) => one.email,
      (text) => emailParts(text) !== null,
      '',
    ),
    ...check(
      'telephone numbers',
      (one) => one.phone,
      (text, one) => phoneNumber(text, countryOf(one)) !== null,
      ` Those without a country's code are read as in ${country}: --country names another.`,
    ),
    ...check(
      'dates of birth',
      (one) => one.birthDate,
      (text, one) => birthDate(text, countryOf(one)) !== null,
      ' Year first, or day and month in the order of --country.',
    ),
    ...check(
      'tax or national ids',
      (one) => one.taxId,
      (text) => taxId(text) !== null,
      '',
    ),
  ];
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
