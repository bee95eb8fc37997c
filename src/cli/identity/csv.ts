import { readFile } from 'node:fs/promises';
import { AppError } from '../../errors.ts';

export interface CsvTable {
  header: string[];
  rows: string[][];
}

/** Reads a file of comma-, semicolon- or tab-separated values with a header (RFC 4180). @throws AppError with file and line */
export async function readCsv(file: string): Promise<CsvTable> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw bad(`${file} cannot be read.`);
  }
  const [header, ...rows] = parseCsv(text, file);
  if (header === undefined) throw bad(`${file} is empty.`);
  const uneven = rows.findIndex((row) => row.length !== header.length);
  if (uneven >= 0)
    throw bad(`${file}, row ${uneven + 2}: ${rows[uneven]?.length} values under ${header.length} headings.`);
  return { header: header.map((name) => name.trim()), rows };
}

/** All rows, the header included; empty lines are left out. */
function parseCsv(text: string, file: string): string[][] {
  const separator = separatorOf(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let value = '';
  let quoted = false;
  let line = 1;
  const endRow = () => {
    row.push(value);
    if (row.length > 1 || row[0]?.trim() !== '') rows.push(row);
    row = [];
    value = '';
  };
  const clean = text.replace(/^\uFEFF/, '');
  for (let at = 0; at < clean.length; at += 1) {
    const letter = clean[at];
    if (letter === '\n') line += 1;
    if (quoted) {
      if (letter !== '"') value += letter;
      else if (clean[at + 1] === '"') {
        value += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"' && value.trim() === '') {
      quoted = true;
      value = '';
    } else if (letter === separator) {
      row.push(value);
      value = '';
    } else if (letter === '\n') endRow();
    else if (letter !== '\r') value += letter;
  }
  if (quoted) throw bad(`${file}, line ${line}: a quoted value never ends.`);
  if (value !== '' || row.length > 0) endRow();
  return rows;
}

export function toCsv(header: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const cell = (value: string | null) =>
    value !== null && /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? '');
  return `${[header, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;
}

function separatorOf(text: string): string {
  const header = text.slice(0, text.search(/[\r\n]|$/));
  const count = (letter: string) => header.split(letter).length;
  return [',', ';', '\t'].reduce((best, letter) => (count(letter) > count(best) ? letter : best));
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
