import { createHmac, randomUUID } from 'node:crypto';
import type { HubSpotRecord } from '../../sandbox/hubspot/server.ts';
import type { Entity } from '../../sandbox/quickbooks/entities.ts';
import { parseMinor } from '../../src/model/money.ts';
import { type Answer, apiSecret, type Stack, shop, until } from '../support/stack.ts';

/** An order as the API tells it, with what stands for it at the platforms. */
export async function orderInGraph(stack: Stack, number: string): Promise<Answer> {
  const { orderByNumber } = await stack.graphql(
    `query ($number: String!) {
      orderByNumber(number: $number) {
        id number channel financialStatus fulfilmentStatus note tags cancelledAt
        total { amount currencyCode } paidTotal { amount } refundedTotal { amount } netTotal { amount }
        lines { sku quantity refundedQuantity unitPrice { amount } total { amount } }
        refunds { total { amount } settled lines { quantity } }
        customer { id email orderCount lifetimeValue { amount currencyCode } }
        records { remoteType remoteId source { platform } }
      }
    }`,
    { number },
  );
  return orderByNumber;
}

/** Some platforms stamp whole seconds: what shall be told apart by its time happens in seconds of its own. */
export async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  await until(
    'the next second has begun',
    () => Math.floor(Date.now() / 1000),
    (now) => now > second,
  );
}

/** How many rows of each kind there are. */
export async function counts(stack: Stack): Promise<Record<string, number>> {
  const { rows } = await stack.database.pool.query<Record<string, number>>(
    `select (select count(*) from customer where merged_into_id is null)::int as customers,
       (select count(*) from sales_order)::int as orders,
       (select count(*) from delivery)::int as deliveries,
       (select count(*) from delivery where status = 'dead')::int as "deadDeliveries",
       (select count(*) from push where status = 'dead')::int as "deadPushes",
       (select count(*) from stock_movement)::int as movements,
       (select count(*) from event)::int as events`,
  );
  return rows[0] as Record<string, number>;
}

/** How many deliveries about an order are stored. */
export async function deliveriesOf(stack: Stack, remoteId: string): Promise<number> {
  const { rows } = await stack.database.pool.query<{ stored: number }>(
    'select count(*)::int as stored from delivery where subject = $1',
    [`order:${remoteId}`],
  );
  return rows[0]?.stored ?? 0;
}

/** Work that a person would have to look at, with its reason: every journey ends without any. */
export async function deadLetters(stack: Pick<Stack, 'database'>): Promise<string[]> {
  const { rows } = await stack.database.pool.query<{ text: string }>(
    `select 'delivery ' || topic || ': ' || coalesce(error, '') as text from delivery where status = 'dead'
     union all select 'push ' || kind || ': ' || coalesce(error, '') from push where status = 'dead' limit 10`,
  );
  return rows.map((row) => row.text);
}

export function receiptsOf(stack: Pick<Stack, 'quickbooks'>, number: string): Entity[] {
  const bare = number.replace(/^#/, '');
  return stack.quickbooks
    .list('SalesReceipt')
    .filter((receipt) => String(receipt.DocNumber).replace(/^#/, '') === bare);
}

/** The money that a receipt brought in, as the ledger has it, in minor units. */
export function bankedMinor(stack: Stack, receipt: Entity): bigint {
  const { value: account } = receipt.DepositToAccountRef as { value: string };
  return stack.quickbooks
    .ledgerEntries({ type: 'SalesReceipt', id: receipt.Id })
    .flatMap((entry) => entry.lines.map((line) => ({ ...line, currency: entry.currency })))
    .filter((line) => line.account === account)
    .reduce((sum, line) => sum + minor(line.amount, line.currency), 0n);
}

/** What all documents of an order and its refunds come to: money kept, and what the customer owes (or is owed, below zero). */
export function bookedOf(
  stack: Pick<Stack, 'quickbooks'>,
  remoteId: string,
): { money: bigint; owed: bigint } {
  const names = new Map(stack.quickbooks.ledger().map((one) => [one.id, one.name]));
  const booked = { money: 0n, owed: 0n };
  for (const type of [
    'SalesReceipt',
    'Invoice',
    'Payment',
    'CreditMemo',
    'RefundReceipt',
    'Purchase',
  ] as const)
    for (const document of stack.quickbooks.list(type)) {
      if (!new RegExp(`\\[tributary shopify:${remoteId}[: ]`).test(String(document.PrivateNote))) continue;
      for (const entry of stack.quickbooks.ledgerEntries({ type, id: document.Id }))
        for (const line of entry.lines) {
          const name = names.get(line.account) ?? '';
          if (name === 'Undeposited Funds') booked.money += minor(line.amount, entry.currency);
          if (/^(Accounts Receivable|Customer Credit|Exchange Clearing)/.test(name))
            booked.owed += minor(line.amount, entry.currency);
        }
    }
  return booked;
}

export function contact(stack: Pick<Stack, 'hubspot'>, email: string): HubSpotRecord {
  const all = stack.hubspot.records('contacts').filter((record) => record.properties.email === email);
  const [only] = all;
  if (only === undefined || all.length > 1)
    throw new Error(`${all.length} contacts have the address ${email}`);
  return only;
}

export function crmOrders(stack: Pick<Stack, 'hubspot'>, remoteId: string): HubSpotRecord[] {
  return stack.hubspot
    .records('orders')
    .filter((record) => record.properties.hs_external_order_id === remoteId && !record.archived);
}

export function minor(amount: string | number | null | undefined, currency = 'USD'): bigint {
  if (amount === null || amount === undefined) throw new TypeError('there is no amount');
  return parseMinor(String(amount), currency);
}

/** A webhook as Shopify would sign it. Answers the status. */
export async function postShopifyWebhook(
  stack: Stack,
  webhook: {
    topic: string;
    body: string;
    webhookId?: string;
    eventId?: string;
    secret?: string;
    shop?: string;
  },
): Promise<number> {
  const response = await fetch(`${stack.url}/webhooks/shopify`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-shopify-topic': webhook.topic,
      'x-shopify-shop-domain': webhook.shop ?? shop,
      'x-shopify-webhook-id': webhook.webhookId ?? randomUUID(),
      'x-shopify-event-id': webhook.eventId ?? randomUUID(),
      'x-shopify-triggered-at': new Date().toISOString(),
      'x-shopify-api-version': '2026-07',
      'x-shopify-hmac-sha256': createHmac('sha256', webhook.secret ?? apiSecret)
        .update(webhook.body)
        .digest('base64'),
    },
    body: webhook.body,
  });
  await response.arrayBuffer();
  return response.status;
}

export function everyStockLevelAtShopify(stack: Pick<Stack, 'shopify'>): [string, string, number][] {
  const { variants, items, locations } = stack.shopify.shop;
  return [...items.values()].flatMap((item) =>
    Object.values(item.levels).map((level): [string, string, number] => [
      variants.get(item.variantId)?.sku ?? '',
      locations.get(level.locationId)?.name ?? '',
      level.available,
    ]),
  );
}

export function stockAtShopify(stack: Stack, sku: string, location: string): number | undefined {
  return everyStockLevelAtShopify(stack).find(([ofSku, at]) => ofSku === sku && at === location)?.[2];
}
