import { alone } from '../../db/alone.ts';
import type { Pool } from '../../db/pool.ts';
import { type Concern, readConcerns } from './concerns.ts';

/** Brings a message to people. Throws where it did not arrive. */
export type SendAlert = (text: string) => Promise<void>;

export interface TellOptions {
  pool: Pool;
  send: SendAlert;
  /** Where the pages are. */
  publicUrl: string;
}

/** More of the same is told at most this often, and what lasts again after the longer time. */
const moreMs = 60 * 60_000;
const lastingMs = 24 * 60 * 60_000;
/** A message names so many; people read the page for the rest. */
const mostNamed = 10;

interface Told {
  key: string;
  title: string;
  count: number;
  toldAgoMs: number;
}

/**
 * Tells people once of what needs them, again when there is more of it or after a day, and once it is over. Told is what
 * arrived: a message that did not is made anew the next time. One process at a time; the others return at once.
 * @returns the message that was sent; null where there was nothing to tell or another process is at it
 */
export function tellAlerts({ pool, send, publicUrl }: TellOptions): Promise<string | null> {
  return alone(pool, 'alerts', async () => {
    const concerns = await readConcerns(pool);
    const told = await readTold(pool);
    const news = concerns.filter((one) => isNews(one, told.get(one.key)));
    const over = [...told.values()].filter(({ key }) => !concerns.some((one) => one.key === key));
    if (news.length + over.length === 0) return null;
    const text = messageOf(news, over, publicUrl);
    await send(text);
    await pool.query({
      name: 'remember-alerts',
      text: `with over as (delete from alert where key = any($1::text[]))
             insert into alert (key, title, count)
             select * from unnest($2::text[], $3::text[], $4::int[])
             on conflict (key) do update set title = excluded.title, count = excluded.count, told_at = clock_timestamp()`,
      values: [
        over.map(({ key }) => key),
        news.map(({ key }) => key),
        news.map(({ title }) => title),
        news.map(({ count }) => count),
      ],
    });
    return text;
  });
}

async function readTold(pool: Pool): Promise<Map<string, Told>> {
  const { rows } = await pool.query<Told>({
    name: 'alerts-told',
    text: `select key, title, count, (extract(epoch from clock_timestamp() - told_at) * 1000)::float8 as "toldAgoMs" from alert`,
  });
  return new Map(rows.map((row) => [row.key, row]));
}

function isNews({ count }: Concern, told: Told | undefined): boolean {
  if (told === undefined) return true;
  return told.toldAgoMs >= lastingMs || (count > told.count && told.toldAgoMs >= moreMs);
}

/** Plain text, as every chat takes it. Pure. */
export function messageOf(
  news: readonly Concern[],
  over: readonly Pick<Told, 'title'>[],
  publicUrl: string,
): string {
  const lines: string[] = [];
  if (news.length > 0) {
    lines.push(
      news.length === 1 ? 'Tributary needs somebody:' : `Tributary needs somebody for ${news.length} things:`,
    );
    for (const { title, reason, remedy } of news.slice(0, mostNamed))
      lines.push(
        `• ${title}${reason === null ? '.' : `: ${shortened(reason)}`}${remedy === null ? '' : ` What to do: ${shortened(remedy)}`}`,
      );
    if (news.length > mostNamed) lines.push(`… and ${news.length - mostNamed} more.`);
  }
  if (over.length > 0) {
    lines.push(news.length === 0 ? 'Tributary: over is' : 'Over is');
    for (const { title } of over.slice(0, mostNamed)) lines.push(`✓ ${title}`);
    if (over.length > mostNamed) lines.push(`… and ${over.length - mostNamed} more.`);
  }
  return [...lines, publicUrl].join('\n');
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 299)}…`;
}
