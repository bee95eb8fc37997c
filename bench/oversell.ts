import { type Connector, type Outcome, simulate, type World } from './simulation/market.ts';
import { flashSale, ordinaryMonth } from './simulation/worlds.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';

/** Every run is the same: worlds are drawn from these seeds, and time is virtual. */
const flashSales = 200;
const kindsOfGoods = 600;

export const oversell: Benchmark = {
  name: 'oversell',
  title: 'how often what is sold is not there, and what is not sold although it is, in virtual time',
  run,
};

const connectors: readonly (readonly [Connector, string])[] = [
  ['tributary', 'Tributary'],
  ['webhooks', 'webhooks, without buffers'],
  ['every15Minutes', 'every 15 minutes'],
];

async function run({ report }: Bench): Promise<void> {
  report.say(
    'Shopify’s online store, tills and Amazon sell from one shelf. The same allocation as in the product decides what',
  );
  report.say(
    'Amazon is told. Lost: what somebody who knows everything at once would have sold, and was not sold.',
  );
  const seeds = (count: number) => Array.from({ length: count }, (_none, index) => index + 1);
  const flash = seeds(flashSales).map((seed) => flashSale(seed, false));
  const slow = seeds(flashSales).map((seed) => flashSale(seed, true));
  const ordinary = seeds(kindsOfGoods).map(ordinaryMonth);
  const rates = (title: string, worlds: readonly World[]) => {
    report.say('');
    report.say(title);
    const results = connectors.map(([connector, name]) => {
      const sums = add(worlds.map((world) => simulate(world, connector)));
      return { connector, name, sums };
    });
    const first = results[0]?.sums;
    report.table([
      ['', 'sold', 'oversold', 'of sold', 'lost', 'of possible'],
      ...results.map(({ name, sums }) => rowOf(name, sums)),
      ['theoretical optimum', `${first?.possible ?? 0}`, '0', '0 %', '0', '0 %'],
    ]);
    return first ?? { demand: 0, sold: 0, oversold: 0, possible: 0 };
  };
  const inFlash = rates(
    `${flashSales} flash sales: 300 to 3,000 units, half as many people again, most of them within minutes; one in five with an outage of each kind`,
    flash,
  );
  const inSlowFlash = rates('the same with Amazon four times as slow', slow);
  const inOrdinary = rates(
    `${kindsOfGoods} kinds of goods over 30 days: 0.2 to 6 buyers a day, bought in weekly, outages of 5 to 60 minutes`,
    ordinary,
  );
  report.say('');
  report.atMost('oversold in flash sales', (100 * inFlash.oversold) / inFlash.sold, 1, '% of units');
  report.atMost(
    'oversold in flash sales with a slow Amazon',
    (100 * inSlowFlash.oversold) / inSlowFlash.sold,
    1,
    '% of units',
  );
  report.atMost('oversold in ordinary traffic', inOrdinary.oversold, 0, 'units');
}

function add(outcomes: readonly Outcome[]): Outcome {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  return {
    demand: sum((one) => one.demand),
    sold: sum((one) => one.sold),
    oversold: sum((one) => one.oversold),
    possible: sum((one) => one.possible),
  };
}

function rowOf(name: string, { sold, oversold, possible }: Outcome): readonly [string, ...string[]] {
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(3)} %`;
  const lost = possible - (sold - oversold);
  return [name, `${sold}`, `${oversold}`, percent(oversold, sold), `${lost}`, percent(lost, possible)];
}
