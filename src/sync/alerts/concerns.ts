import type { Queryable } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { Finding } from '../platforms/platform.ts';

/** Something that needs a person, told in words without anything personal. */
export interface Concern {
  /** The same for as long as it lasts. */
  key: string;
  /** What it is, in one line. */
  title: string;
  /** How often; more of the same is news. */
  count: number;
  reason: string | null;
  remedy: string | null;
}

/** What waits for longer than this needs somebody: retries within minutes are usual. */
const lateSeconds = 600;
/** Requests of people are told this long before they are due. */
const dueDays = 7;

const names: Readonly<Record<PlatformName, string>> = {
  shopify: 'Shopify',
  hubspot: 'HubSpot',
  quickbooks: 'QuickBooks',
  amazon: 'Amazon',
};

/** Everything that needs a person at the moment. Reads the partial indexes of open work, whose size does not grow with history. */
export async function readConcerns(db: Queryable): Promise<Concern[]> {
  const [dead, late, accounts, requests] = await Promise.all([
    readDead(db),
    readLate(db),
    readAccounts(db),
    readRequests(db),
  ]);
  return [...accounts, ...dead, ...late, ...requests];
}

interface Account {
  id: bigint;
  platform: PlatformName;
  name: string;
}

async function readDead(db: Queryable): Promise<Concern[]> {
  const { rows } = await db.query<
    Account & { what: string; kind: string; count: number; error: string | null; remedy: string | null }
  >({
    name: 'dead-letters-to-tell',
    text: `select c.id, c.platform, c.name, d.what, d.kind, count(*)::int as count,
             (array_agg(d.error order by d.id desc))[1] as error, (array_agg(d.remedy order by d.id desc))[1] as remedy
           from (select 'write' as what, id, connection_id, kind, error, remedy from push where status = 'dead'
                 union all
                 select 'webhook', id, connection_id, topic, error, remedy from delivery where status = 'dead') d
             join connection c on c.id = d.connection_id
           group by c.id, d.what, d.kind order by c.id, d.what desc, d.kind`,
  });
  return rows.map(({ what, kind, count, error, remedy, ...account }) => ({
    key: `dead:${account.id}:${what}:${kind}`,
    title: `${called(account)}: ${count} × ${what} ${kind} failed for good`,
    count,
    reason: error,
    remedy,
  }));
}

/** Of active accounts: what waits for a paused or revoked one, waits for a person who knows. */
async function readLate(db: Queryable): Promise<Concern[]> {
  const { rows } = await db.query<
    Account & { count: number; minutes: number; reason: string | null; remedy: string | null }
  >({
    name: 'late-work-to-tell',
    text: `select c.id, c.platform, c.name, count(*)::int as count,
             floor(extract(epoch from clock_timestamp() - min(w.since)) / 60)::int as minutes,
             coalesce(c.circuit_reason, (array_agg(w.error order by w.since) filter (where w.error is not null))[1]) as reason,
             (array_agg(w.remedy order by w.since) filter (where w.remedy is not null))[1] as remedy
           from (select connection_id, created_at as since, error, remedy from push where status in ('pending', 'running', 'retrying')
                 union all
                 select connection_id, received_at, error, remedy from delivery where status in ('pending', 'retrying')) w
             join connection c on c.id = w.connection_id
           where c.status = 'active'
           group by c.id having min(w.since) < clock_timestamp() - $1 * interval '1 second' order by c.id`,
    values: [lateSeconds],
  });
  return rows.map(({ count, minutes, reason, remedy, ...account }) => ({
    key: `late:${account.id}`,
    title: `${called(account)}: ${count} ${count === 1 ? 'thing waits' : 'things wait'}, the oldest for ${minutes} minutes`,
    // That it goes on is no news: it is told again after a day.
    count: 1,
    reason,
    remedy,
  }));
}

async function readAccounts(db: Queryable): Promise<Concern[]> {
  const { rows } = await db.query<
    Account & { status: string; statusReason: string | null; findings: Finding[] }
  >({
    name: 'accounts-to-tell',
    text: `select id, platform, name, status, status_reason as "statusReason", findings from connection order by id`,
  });
  return rows.flatMap(({ status, statusReason, findings, ...account }): Concern[] => {
    if (status === 'revoked')
      return [
        {
          key: `revoked:${account.id}`,
          title: `${called(account)} refuses our credentials; its work waits`,
          count: 1,
          reason: statusReason,
          remedy: 'Start with new credentials, or correct the app there and call connectionResume.',
        },
      ];
    if (status !== 'active') return [];
    return findings
      .filter(({ state }) => state === 'broken')
      .map(({ subject, message, remedy }) => ({
        key: `finding:${account.id}:${subject}`,
        title: `${called(account)}: ${subject}`,
        count: 1,
        reason: message,
        remedy,
      }));
  });
}

async function readRequests(db: Queryable): Promise<Concern[]> {
  const { rows } = await db.query<{ count: number; due: Date }>({
    name: 'privacy-requests-to-tell',
    text: `select count(*)::int as count, min(due_at) as due from privacy_request
           where completed_at is null and due_at < clock_timestamp() + $1 * interval '1 day' having count(*) > 0`,
    values: [dueDays],
  });
  return rows.map(({ count, due }) => ({
    key: 'privacy',
    title: `${count} ${count === 1 ? 'request of a person is' : 'requests of people are'} due by ${due.toISOString().slice(0, 10)}`,
    count,
    reason: null,
    remedy: 'npx tributary privacy requests lists them.',
  }));
}

function called({ platform, name }: Account): string {
  return `${names[platform]} (${name})`;
}
