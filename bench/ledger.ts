import { createPool, type Pool } from '../src/db/pool.ts';
import { LedgerShop } from './simulation/ledger-shop.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { nowMs } from './support/clock.ts';
import { round } from './support/samples.ts';

const movementsWanted = Number(process.env.BENCH_MOVEMENTS ?? 100_000);

export const ledger: Benchmark = {
  name: 'ledger',
  title: 'random movements of stock, told twice and out of order, both platforms edited by hand in between',
  run,
};

async function run({ cluster, report }: Bench): Promise<void> {
  const connectionString = await cluster.createDatabase();
  // Nothing here is about outliving a loss of power.
  const quick = `${connectionString}${connectionString.includes('?') ? '&' : '?'}options=-c%20synchronous_commit%3Doff`;
  const pool = createPool({ connectionString: quick, max: 4, applicationName: 'bench-ledger' });
  try {
    const shop = await LedgerShop.open(pool, 1);
    const startedMs = nowMs();
    let toldMs = startedMs;
    for (let movements = 0; movements < movementsWanted; ) {
      await shop.act(200);
      movements = await count(pool);
      if (nowMs() - toldMs < 15_000) continue;
      toldMs = nowMs();
      report.say(`${movements} movements after ${round((toldMs - startedMs) / 1000)} s`);
    }
    await shop.deliverAll();
    const beforeSweep = await shop.differences();
    await shop.sweep();
    const after = await shop.differences();
    const movements = await count(pool);
    report.say(
      `${movements} movements over ${shop.levels} levels, ${shop.told} messages, ${shop.repeated} of them again, in ${round((nowMs() - startedMs) / 1000)} s`,
    );
    const { rows } = await pool.query<{ cause: string; count: number }>(
      'select cause, count(*)::int as count from stock_movement group by cause order by 2 desc',
    );
    report.table([['cause', 'movements'], ...rows.map((row) => [row.cause, String(row.count)] as const)]);
    report.say(
      `before the sweep ${beforeSweep.shopify + beforeSweep.amazon} figures differed from a platform's`,
    );
    report.atMost('levels that are not the fold of their movements', after.fold, 0, '');
    report.atMost('levels that differ from Shopify after the sweep', after.shopify, 0, '');
    report.atMost('offers that differ from Amazon after the sweep', after.amazon, 0, '');
    report.atMost('movements without an explanation', after.unexplained, 0, '');
  } finally {
    await pool.end();
  }
}

async function count(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from stock_movement');
  return rows[0]?.count ?? 0;
}
