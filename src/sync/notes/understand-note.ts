import type { Pool } from '../../db/pool.ts';
import type { FoundRule, NoteReader } from '../../model/fulfilment-rule.ts';
import { type Claude, mostOutputTokens } from './claude.ts';
import { parseNote } from './parse-note.ts';
import { answerShape, instructions, question, understandingKey } from './prompt.ts';
import { noteHash } from './request-reading.ts';
import { account, costMicros, countFree, reserve } from './usage.ts';

export interface Understanding {
  reader: NoteReader;
  rules: FoundRule[];
  /** Why the parser read it: `no_key`, `budget_spent` or what Claude's answer was; null where Claude did. */
  fallbackReason: string | null;
}

/** Reads a note by Claude where that is possible and paid for, by the parser otherwise. No transaction is open meanwhile. */
export async function understandNote(
  pool: Pool,
  claude: Claude | null,
  note: string,
  writtenOn: string,
): Promise<Understanding> {
  if (note.trim() === '') return { reader: 'parser', rules: [], fallbackReason: null };
  if (claude === null) return byParser(pool, note, writtenOn, 'no_key');
  const key = understandingKey(note, writtenOn, claude.settings.model);
  const known = await recall(pool, key);
  if (known !== null) {
    await countFree(pool, 'cache_hits');
    return { reader: 'claude', rules: known, fallbackReason: null };
  }
  const { price, dailyBudgetMicros } = claude.settings;
  const most = costMicros({ input: mostTokensIn(note, writtenOn), output: mostOutputTokens }, price);
  if (!(await reserve(pool, most, dailyBudgetMicros))) return byParser(pool, note, writtenOn, 'budget_spent');
  const answer = await claude.read(note, writtenOn);
  const { tokens } = answer;
  await account(pool, most, tokens === null ? null : { tokens, costMicros: costMicros(tokens, price) });
  if (answer.rules === null) return byParser(pool, note, writtenOn, answer.failure ?? 'unreadable');
  await remember(pool, key, note, answer.rules);
  return { reader: 'claude', rules: answer.rules, fallbackReason: null };
}

async function byParser(
  pool: Pool,
  note: string,
  writtenOn: string,
  fallbackReason: string,
): Promise<Understanding> {
  await countFree(pool, 'fallbacks');
  return { reader: 'parser', rules: parseNote(note, writtenOn), fallbackReason };
}

/** A token is never less than a byte; and the schema that holds Claude to its shape is paid for too. */
function mostTokensIn(note: string, writtenOn: string): number {
  return (
    Math.ceil(Buffer.byteLength(instructions) / 2) + Buffer.byteLength(question(note, writtenOn)) + 1_000
  );
}

async function recall(pool: Pool, key: string): Promise<FoundRule[] | null> {
  const { rows } = await pool.query<{ rules: unknown }>({
    name: 'recall-understanding',
    text: 'select rules from note_understanding where hash = $1',
    values: [key],
  });
  const parsed = answerShape.safeParse({ rules: rows[0]?.rules });
  return parsed.success ? parsed.data.rules : null;
}

async function remember(pool: Pool, key: string, note: string, rules: readonly FoundRule[]): Promise<void> {
  await pool.query({
    name: 'remember-understanding',
    text: 'insert into note_understanding (hash, rules, note_hash) values ($1, $2::jsonb, $3) on conflict do nothing',
    values: [key, JSON.stringify(rules), noteHash(note)],
  });
}
