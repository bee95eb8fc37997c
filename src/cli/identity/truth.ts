import { AppError } from '../../errors.ts';
import type { CsvTable } from './csv.ts';
import { pairOf } from './measure.ts';

/**
 * Which records are one person: either a row per record (its id and a label that records of one person share), or a row per
 * pair of ids. A label repeats over rows where a second id does not: that tells the two apart.
 * @throws AppError naming ids that the file of records does not have
 */
export function truthPairs(table: CsvTable, ids: readonly string[], file: string): Set<string> {
  if (table.header.length < 2)
    throw bad(`${file} needs two columns: a record's id and its person, or the two ids of a pair.`);
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const isPairs = table.rows.every(([a = '', b = '']) => indexOf.has(a.trim()) && indexOf.has(b.trim()));
  const pairs = new Set<string>();
  const people = new Map<string, number[]>();
  for (const [row, [first = '', second = '']] of table.rows.entries()) {
    const a = indexOf.get(first.trim());
    if (a === undefined) throw bad(`${file}, row ${row + 2}: there is no record "${first.trim()}".`);
    if (isPairs) {
      const b = indexOf.get(second.trim()) as number;
      if (a !== b) pairs.add(pairOf(a, b));
    } else people.set(second.trim(), [...(people.get(second.trim()) ?? []), a]);
  }
  for (const members of people.values())
    for (const [position, a] of members.entries())
      for (const b of members.slice(position + 1)) pairs.add(pairOf(a, b));
  return pairs;
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
