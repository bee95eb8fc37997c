import { expect, test } from 'vitest';
import { fairWeather } from '../../sandbox/kit/webhooks.ts';
import { prepareConnections } from '../../src/app.ts';
import { type Stack, startStack, until } from '../support/stack.ts';
import {
  bankedMinor,
  contact,
  crmOrders,
  deadLetters,
  everyStockLevelAtShopify,
  minor,
  nextSecond,
  orderInGraph,
  receiptsOf,
} from './observe.ts';

/** From now on what the platforms announce gets lost, or arrives again. */
function loseWebhooks(stack: Stack, lose: 0 | 1): void {
  for (const { webhooks } of [stack.shopify, stack.hubspot, stack.quickbooks])
    webhooks.weather = { ...fairWeather, lose };
}

test('when every webhook of a while was lost and subscriptions are gone, a sweep leads to the same graph and books', async () => {
  await using stack = await startStack();
  const { shopify, hubspot, quickbooks } = stack;
  const place = (who: string, sku = 'HAT') =>
    shopify.placeOrder({
      channel: 'online',
      customer: { email: `${who}@example.com`, firstName: who },
      lines: [{ sku, quantity: 2 }],
    });
  const edited = place('edited');
  const refunded = place('refunded', 'MUG');
  await stack.settled();
  const deliveries = async () =>
    (await stack.database.pool.query<{ count: bigint }>('select count(*) from delivery')).rows[0]?.count;
  const known = await deliveries();

  loseWebhooks(stack, 1);
  // Shopify deletes a subscription whose deliveries failed for long.
  const subscribed = shopify.shop.subscriptions.size;
  for (const id of [...shopify.shop.subscriptions.keys()].slice(0, 5)) shopify.shop.subscriptions.delete(id);
  await nextSecond();
  const missed = [place('first'), place('second', 'BAG')];
  shopify.updateOrder(edited.id, { note: 'Ring twice', tags: ['gift'] });
  shopify.refundOrder(refunded.id, { lines: [{ sku: 'MUG', quantity: 1 }] });
  shopify.setStock({ sku: 'BAG', quantity: 77 });
  shopify.upsertProduct({
    title: 'A new thing',
    status: 'ACTIVE',
    variants: [{ sku: 'NEW', price: '5.00', stock: 9 }],
  });
  hubspot.editContact(contact(stack, 'edited@example.com').id, { lastname: 'Byron' });
  await stack.settled();
  expect(await deliveries()).toBe(known);

  loseWebhooks(stack, 0);
  await prepareConnections(stack.app.context);
  expect(shopify.shop.subscriptions.size).toBe(subscribed);
  await stack.sweep();
  await stack.settled();
  await stack.sweep();
  await stack.settled();

  for (const order of [edited, refunded, ...missed]) {
    const now = shopify.order(order.id);
    expect(await orderInGraph(stack, order.name)).toMatchObject({
      note: now?.note ?? null,
      tags: now?.tags ?? [],
    });
    expect(crmOrders(stack, order.id)).toHaveLength(1);
    const [receipt, ...others] = receiptsOf(stack, order.name);
    if (receipt === undefined) throw new Error(`order ${order.name} has no receipt`);
    expect(others).toEqual([]);
    expect(minor(receipt.TotalAmt as number)).toBe(minor(order.total));
    expect(bankedMinor(stack, receipt)).toBe(minor(order.total));
  }
  expect((await orderInGraph(stack, refunded.name)).refunds).toMatchObject([{ lines: [{ quantity: 1 }] }]);
  expect(shopify.shop.customers.get(edited.customerId ?? '')?.lastName).toBe('Byron');
  expect(contact(stack, 'second@example.com').properties.firstname).toBe('second');
  const { rows } = await stack.database.pool.query<{ sku: string; name: string; available: number }>(
    `select v.sku, l.name, s.available from stock_level s join variant v on v.id = s.variant_id
     join location l on l.id = s.location_id`,
  );
  expect(rows.map(({ sku, name, available }) => [sku, name, available]).sort()).toEqual(
    everyStockLevelAtShopify(stack).sort(),
  );
  const { syncStatus } = await stack.graphql(
    '{ syncStatus { connections { sweep { read error finishedAt } connection { sweptUntil } } } }',
  );
  for (const { sweep, connection } of syncStatus.connections) {
    expect(sweep).toMatchObject({ error: null, finishedAt: expect.any(String) });
    expect(connection.sweptUntil).not.toBe(null);
  }
  expect(quickbooks.trialBalance().balanced).toBe(true);
  expect(await deadLetters(stack)).toEqual([]);
});

test('a person asks for a sweep through the API: what was lost is read at once, all of it where all is asked for', async () => {
  await using stack = await startStack();
  const { shopify } = stack;
  const { connections } = await stack.graphql('{ connections { id platform } }');
  const { id } = connections.find((one: { platform: string }) => one.platform === 'SHOPIFY');
  const ask = async (full: boolean) =>
    (
      await stack.graphql(
        `mutation ($id: ID!, $full: Boolean) { connectionSweep(input: { id: $id, full: $full }) {
           connection { id } userErrors { code field } } }`,
        { id, full },
      )
    ).connectionSweep;
  const sweep = async () =>
    (
      await stack.graphql(
        '{ syncStatus { connections { connection { id } sweep { since read drifted finishedAt startedAt } } } }',
      )
    ).syncStatus.connections.find((one: { connection: { id: string } }) => one.connection.id === id).sweep;

  loseWebhooks(stack, 1);
  await nextSecond();
  const missed = shopify.placeOrder({
    channel: 'online',
    customer: { email: 'missed@example.com', firstName: 'Missed' },
    lines: [{ sku: 'HAT', quantity: 2 }],
  });
  await stack.settled();
  const before = await sweep();
  expect(await ask(false)).toEqual({ connection: { id }, userErrors: [] });
  const after = await until(
    'the sweep that was asked for has ended',
    sweep,
    (seen) => seen.startedAt !== before.startedAt && seen.finishedAt !== null,
  );
  expect(after).toMatchObject({ since: expect.any(String) });
  expect((await orderInGraph(stack, missed.name)).number).toBe(missed.name);

  expect(await ask(true)).toEqual({ connection: { id }, userErrors: [] });
  const full = await until(
    'the full sweep has ended',
    sweep,
    (seen) => seen.startedAt !== after.startedAt && seen.finishedAt !== null,
  );
  expect(full).toMatchObject({ since: null, drifted: 0 });

  await stack.graphql(
    'mutation ($id: ID!) { connectionPause(input: { id: $id, reason: "lunch" }) { settled } }',
    {
      id,
    },
  );
  expect(await ask(false)).toEqual({
    connection: null,
    userErrors: [{ code: 'CONNECTION_NOT_ACTIVE', field: ['input', 'id'] }],
  });
});
