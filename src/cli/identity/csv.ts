import { readFile } from 'node:fs/promises';
import { AppError } from '../../errors.ts';

export interface CsvTable {
  header: string[];
  rows: string[][];
  /** Per row the line of the file on which it begins. */
  lines: number[];
}

/**
 * Reads a file of values separated by commas, semicolons, tabs or upright strokes, with a header (RFC 4180), in UTF-8, UTF-16 with a byte
 * order mark, or else Windows-1252. @throws AppError with file and line
 */
export async function readCsv(file: string): Promise<CsvTable> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? ' There is no such file.' : '';
    throw bad(`${file} cannot be read.${why}`);
  }
  const [header, ...parsed] = parseCsv(decode(bytes), file);
  if (header === undefined) throw bad(`${file} is empty.`);
  for (const { values, line } of parsed)
    if (values.length !== header.values.length)
      throw bad(`${file}, line ${line}: ${values.length} values under ${header.values.length} headings.`);
  return {
    header: header.values.map((name) => name.trim()),
    rows: parsed.map((row) => row.values),
    lines: parsed.map((row) => row.line),
  };
}

/** Spreadsheets save in whatever their country had before Unicode; bytes that are no UTF-8 are taken for that. */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

interface Row {
  values: string[];
  line: number;
}

/** All rows, the header included; empty lines are left out. */
function parseCsv(text: string, file: string): Row[] {
  const separator = separatorOf(text);
  const rows: Row[] = [];
  let values: string[] = [];
  let value = '';
  let quoted = false;
  let line = 1;
  let began = 1;
  let opened = 1;
  const endRow = () => {
    values.push(value);
    if (values.length > 1 || values[0]?.trim() !== '') rows.push({ values, line: began });
    values = [];
    value = '';
    began = line;
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    // Alone it ends a line, too, as old spreadsheets on a Mac write it.
    const isEnd = letter === '\n' || (letter === '\r' && text[at + 1] !== '\n');
    if (isEnd) line += 1;
    if (quoted) {
      if (letter !== '"') value += letter;
      else if (text[at + 1] === '"') {
        value += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"' && value.trim() === '') {
      quoted = true;
      opened = line;
      value = '';
    } else if (letter === separator) {
      values.push(value);
      value = '';
    } else if (isEnd) endRow();
    else if (letter !== '\r') value += letter;
  }
  if (quoted) throw bad(`${file}: the quoted value that begins on line ${opened} never ends.`);
  if (value !== '' || values.length > 0) endRow();
  return rows;
}

export function toCsv(header: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const cell = (value: string | null) =>
    value !== null && /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? '');
  return `${[header, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;
}

/** Whichever occurs most often in the header outside of quotes. */
function separatorOf(text: string): string {
  const header = text.slice(0, text.search(/[\r\n]|$/)).replaceAll(/"[^"]*"/g, '');
  const count = (letter: string) => header.split(letter).length;
  return [',', ';', '\t', '|'].reduce((best, letter) => (count(letter) > count(best) ? letter : best));
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
