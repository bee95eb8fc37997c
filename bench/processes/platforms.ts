import { peoplesProperties } from '../../sandbox/hubspot/peoples-properties.ts';
import { startHubSpotSandbox } from '../../sandbox/hubspot/server.ts';
import type { FaultEffect, Faults } from '../../sandbox/kit/faults.ts';
import { seededRandom } from '../../sandbox/kit/random.ts';
import { startQuickBooksSandbox } from '../../sandbox/quickbooks/server.ts';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { answerParent } from '../support/answer-parent.ts';
import { nowMs, sleep } from '../support/clock.ts';
import type { PlacedOrder, PlatformName } from '../support/platforms.ts';
import { orderInput } from '../support/shop-traffic.ts';

// The sandbox platforms without their vendors' limits, in a process of their own as in life.

const common = { port: 0, seed: 5, limits: false, statePath: null };
// Webhooks come from the subscriptions that Tributary makes: an address here as well would send each of them twice.
const shopify = await startShopifySandbox({ ...common, webhookUrl: null });
const hubspot = await startHubSpotSandbox({ ...common, subscribedProperties: peoplesProperties });
const quickbooks = await startQuickBooksSandbox(common);
const sandboxes = { shopify, hubspot, quickbooks };
const random = seededRandom(23);
const requests: Record<PlatformName, number> = { shopify: 0, hubspot: 0, quickbooks: 0 };
for (const [name, { faults }] of Object.entries(sandboxes)) countRequests(name as PlatformName, faults);

let people = 0;
/** By order, in months. */
const warranties = new Map<string, string>();

answerParent(
  {
    urls: () => ({ shopify: shopify.url, hubspot: hubspot.url, quickbooks: quickbooks.url }),

    /** A catalogue and customers who will come back; silent, as the past is. */
    seed: ({ products, customers, orders = 0 }: { products: number; customers: number; orders?: number }) => {
      shopify.seed({ products, customers, orders, locations: 3 });
    },

    giveWarranties: () => {
      let valid = 0;
      let invalid = 0;
      for (const [index, id] of [...shopify.shop.orders.keys()].entries()) {
        if (index % 10 === 9) continue;
        const isInvalid = index % 100 === 50;
        const months = 6 * (1 + (index % 8));
        if (isInvalid) invalid += 1;
        else valid += 1;
        // Test orders have no place in a CRM.
        if (!isInvalid && shopify.shop.orders.get(id)?.test !== true) warranties.set(id, String(months));
        const period = isInvalid ? 'for ever' : index % 2 === 0 ? `${months} months` : `${months / 12} years`;
        shopify.setMetafields([
          {
            ownerId: `gid://shopify/Order/${id}`,
            namespace: 'custom',
            key: 'warranty',
            type: 'json',
            value: JSON.stringify({ period }),
          },
        ]);
      }
      return { valid, invalid, inCrm: warranties.size };
    },

    warrantiesInCrm: () => {
      let right = 0;
      let wrong = 0;
      for (const { properties } of hubspot.records('orders')) {
        const held = properties.warranty_months ?? null;
        const wanted = warranties.get(properties.hs_external_order_id ?? '') ?? null;
        if (held !== wanted) wrong += 1;
        else if (wanted !== null) right += 1;
      }
      return { right, wrong };
    },

    webhooksOf: ({ hubspot: crm, quickbooks: books }: { hubspot: string; quickbooks: string }) => {
      hubspot.setWebhookTarget(crm);
      quickbooks.setWebhookTarget(books);
    },

    fault: ({ platform, effect }: { platform: PlatformName; effect: FaultEffect }) => {
      sandboxes[platform].faults.add({ id: `${platform}-${effect.kind}`, effect });
    },

    clearFaults: ({ platform }: { platform: PlatformName }) => sandboxes[platform].faults.clear(),

    subscriptions: () => shopify.shop.subscriptions.size,

    requests: () => ({ ...requests }),

    /** Sells at an even pace, whatever becomes of the orders. */
    sell: async ({
      perSecond,
      seconds,
      channel,
    }: {
      perSecond: number;
      seconds: number;
      channel?: 'pos';
    }): Promise<PlacedOrder[]> => {
      const skus = [...shopify.shop.variantBySku.keys()];
      const placed: PlacedOrder[] = [];
      const startMs = nowMs();
      for (let index = 0; index < perSecond * seconds; index += 1) {
        const wait = startMs + (index * 1000) / perSecond - nowMs();
        if (wait > 0) await sleep(wait);
        const wish = orderInput(random, { skus, returning: returning(), newCustomer: () => ++people });
        const order = shopify.placeOrder(channel === undefined ? wish : { ...wish, channel });
        placed.push({ id: order.id, totalText: order.total });
      }
      return placed;
    },

    giveBack: async ({ ids, perSecond }: { ids: readonly string[]; perSecond: number }): Promise<void> => {
      const startMs = nowMs();
      for (const [index, id] of ids.entries()) {
        const wait = startMs + (index * 1000) / perSecond - nowMs();
        if (wait > 0) await sleep(wait);
        const lineId = shopify.order(id)?.lines[0]?.id ?? '';
        shopify.refundOrder(id, { lines: [{ lineId, quantity: 1 }], note: 'Did not fit' });
      }
    },

    webhooksDrained: () => shopify.webhooks.drained(),

    /** What the platforms hold in the end, to check that what was measured was also right. */
    holdings: () => ({
      contacts: hubspot.records('contacts').length,
      crmOrders: hubspot.records('orders').length,
      salesReceipts: quickbooks.list('SalesReceipt').map((receipt) => Number(receipt.TotalAmt)),
    }),
  },
  async () => {
    for (const sandbox of Object.values(sandboxes)) await sandbox[Symbol.asyncDispose]();
  },
);

/** Those of the seed come back again and again; who bought during the run does not. */
let regulars: string[] | null = null;
function returning(): string[] {
  regulars ??= [...shopify.shop.customers.values()].flatMap(({ email }) => (email === null ? [] : [email]));
  if (regulars.length === 0) throw new Error('seed() makes the customers');
  return regulars;
}

/** Every request passes by the faults in force, so that is where they are counted. */
function countRequests(name: PlatformName, faults: Faults): void {
  const take = faults.take.bind(faults);
  faults.take = (facts) => {
    requests[name] += 1;
    return take(facts);
  };
}
