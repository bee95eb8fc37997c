import { apiKey } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { nowMs, until } from './support/clock.ts';
import { LiveShop } from './support/live-shop.ts';
import { round } from './support/samples.ts';

const orders = Number(process.env.CUSTOM_FIELD_ORDERS ?? 10_000);
/** What goes on being sold meanwhile. */
const perSecond = 1;

export const customFields: Benchmark = {
  name: 'custom-fields',
  title: `a metafield becomes a field of ${orders.toLocaleString('en-US')} orders that are there already, while the shop sells on`,
  run,
};

const input = {
  owner: 'ORDER',
  key: 'warranty_months',
  name: 'Warranty (months)',
  type: 'NUMBER',
  source: { metafield: { namespace: 'custom', key: 'warranty' } },
  transform: { jsonPath: 'period', unit: 'months' },
  limits: { min: '0', max: '120', decimals: 0 },
  hubspotProperty: 'warranty_months',
};

interface Progress {
  status: string;
  total: number;
  done: number;
  filled: number;
  problems: number;
}

async function run(bench: Bench): Promise<void> {
  const { report } = bench;
  const wanted = { valid: 0, invalid: 0, inCrm: 0 };
  await using shop = await LiveShop.open(bench, {
    orders,
    withinMs: 40 * 60_000,
    beforeConnecting: async (platforms) => Object.assign(wanted, await platforms.giveWarranties()),
    // The books have no part in this.
    observing: ['quickbooks'],
    // Otherwise HubSpot is only told of orders from its connection on.
    beforeWork: (database) =>
      database.query(
        `update connection set settings = settings || '{"ordersFrom": null}' where platform = 'hubspot'`,
      ),
  });
  const { platforms } = shop;
  const ask = askerOf(shop.tributary.url);
  const requestsBefore = await platforms.requests();

  const previewedAt = nowMs();
  const { customFieldPreview: preview } = await ask<{
    customFieldPreview: { checked: number; filled: number; problems: number };
  }>(
    `query ($input: CustomFieldMappingInput!) { customFieldPreview(input: $input, first: 50) { checked filled problems } }`,
    { input },
  );
  report.say(
    `dry run on the latest ${preview.checked} orders: ${preview.filled} would have a value, ${preview.problems} could not be understood (${round(nowMs() - previewedAt)} ms)`,
  );

  const declaredAt = nowMs();
  await ask(
    `mutation ($input: CustomFieldMappingInput!) { customFieldMappingUpsert(input: $input) { userErrors { message } } }`,
    { input },
  );
  let isOver = false;
  const selling = sellUntil(shop, () => isOver);
  const shown: Progress[] = [];
  await until(
    'everybody is filled in',
    async () => {
      const { customFields } = await ask<{ customFields: { backfill: Progress }[] }>(
        '{ customFields { backfill { status total done filled problems } } }',
      );
      const progress = customFields[0]?.backfill;
      if (progress === undefined) return null;
      // Enough to see it move.
      if (progress.done >= ((shown.length + 1) * progress.total) / 5 && progress.total > 0)
        shown.push(progress);
      return progress.status === 'FINISHED' ? true : null;
    },
    { withinMs: 30 * 60_000, everyMs: 250 },
  );
  const filledS = (nowMs() - declaredAt) / 1000;
  isOver = true;
  const sold = await selling;
  await shop.quiet(20 * 60_000);
  const heldS = (nowMs() - declaredAt) / 1000;
  const requests = await platforms.requests();
  const { customFields: after } = await ask<{ customFields: { backfill: Progress }[] }>(
    '{ customFields { backfill { status total done filled problems } } }',
  );
  const { right, wrong } = await platforms.warrantiesInCrm();

  report.say(`progress as it was shown: ${shown.map(({ done, total }) => `${done}/${total}`).join(', ')}`);
  report.table([
    ['', 'seconds', 'orders/s'],
    ['filled in the graph', round(filledS), round(orders / filledS)],
    ['and HubSpot holds them', round(heldS), round(orders / heldS)],
  ]);
  report.say(
    `requests meanwhile: ${requests.shopify - requestsBefore.shopify} to Shopify, ${requests.hubspot - requestsBefore.hubspot} to HubSpot; ${sold} orders were sold`,
  );
  report.say(
    `${wanted.valid} orders with a warranty that can be read, ${wanted.invalid} with one that cannot; ${wanted.inCrm} of them are no test orders, ${right} are right in HubSpot`,
  );
  const backfill = after[0]?.backfill;
  for (const line of await shop.deaths()) report.say(`dead: ${line}`);
  report.atMost('orders that HubSpot holds a wrong value of, or none', wrong + wanted.inCrm - right, 0, '');
  report.atMost('values here that are missing', Math.abs(wanted.valid - (backfill?.filled ?? 0)), 0, '');
  report.atMost('problems that are not told', Math.abs(wanted.invalid - (backfill?.problems ?? 0)), 0, '');
  report.atMost('work left for a person', (await shop.openWork()).dead, 0, '');
}

async function sellUntil(shop: LiveShop, isOver: () => boolean): Promise<number> {
  let sold = 0;
  while (!isOver()) sold += (await shop.platforms.sell({ perSecond, seconds: 2 })).length;
  return sold;
}

function askerOf(url: string) {
  return async <Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey.key}` },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data: Data; errors?: { message: string }[] };
    if (answer.errors !== undefined) throw new Error(answer.errors.map((one) => one.message).join(' '));
    return answer.data;
  };
}
