import { expect, test } from 'vitest';
import { orderPipeline } from '../../sandbox/hubspot/property-definitions.ts';
import { prepareConnections } from '../../src/app.ts';
import type { Finding } from '../../src/sync/platforms/platform.ts';
import { type Answer, type Stack, startStack, until } from '../support/stack.ts';
import { crmOrders, receiptsOf } from './observe.ts';

const update = `mutation ($input: ConnectionUpdateInput!) {
  connectionUpdate(input: $input) {
    connection { name settings { name value isChosen } }
    userErrors { code field message }
  }
}`;

async function connectionOf(stack: Stack, platform: string): Promise<Answer> {
  const { connections } = await stack.graphql(
    '{ connections { id name platform settings { name value isChosen } } }',
  );
  return connections.find((one: Answer) => one.platform === platform);
}

async function change(stack: Stack, platform: string, input: Record<string, unknown>): Promise<Answer> {
  const { id } = await connectionOf(stack, platform);
  return (await stack.graphql(update, { input: { id, ...input } })).connectionUpdate;
}

const settingsOf = ({ settings }: Answer): Record<string, unknown> =>
  Object.fromEntries(settings.map(({ name, value }: Answer) => [name, value]));

test('orders of an earlier time are written once they are asked for, and records follow the stages that are chosen', async () => {
  await using stack = await startStack();
  // As if the accounts had been connected only later.
  const later = new Date(Date.now() + 86_400_000).toISOString();
  expect(await change(stack, 'HUBSPOT', { settings: [{ name: 'ordersFrom', value: later }] })).toMatchObject({
    userErrors: [],
  });
  const books = await connectionOf(stack, 'QUICKBOOKS');
  const policy = `mutation ($input: PostingPolicyUpdateInput!) {
    postingPolicyUpdate(input: $input) { userErrors { message } }
  }`;
  await stack.graphql(policy, { input: { id: books.id, ordersFrom: later } });
  await stack.settled();
  const order = stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'ada@example.com', firstName: 'Ada' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });
  await stack.settled();
  expect(crmOrders(stack, order.id)).toEqual([]);
  expect(receiptsOf(stack, order.name)).toEqual([]);

  await change(stack, 'HUBSPOT', { settings: [{ name: 'ordersFrom', value: null }] });
  await stack.graphql(policy, { input: { id: books.id, ordersFrom: null } });
  // The work goes on in the background, and nothing that a person waits for ends with it.
  const [written] = await until(
    'the order is in HubSpot and in the books',
    () => (receiptsOf(stack, order.name).length === 1 ? crmOrders(stack, order.id) : []),
    (records) => records.length > 0,
  );
  expect(written).toMatchObject({ properties: { hs_order_name: order.name } });
  await stack.settled();

  const [, processed, , delivered, cancelled] = orderPipeline.stages.map(([id]) => id);
  const orderStages = { pipeline: orderPipeline.id, open: processed, fulfilled: delivered, cancelled };
  await change(stack, 'HUBSPOT', { settings: [{ name: 'orderStages', value: orderStages }] });
  await until(
    'the order has its stage',
    () => crmOrders(stack, order.id).map(({ properties }) => properties.hs_pipeline_stage),
    ([stage]) => stage === processed,
  );
  await stack.settled();
  // What is posted keeps its form, and nothing is posted twice.
  expect(receiptsOf(stack, order.name)).toHaveLength(1);

  const mistyped = { ...orderStages, open: 'opened' };
  const refused = await change(stack, 'HUBSPOT', { settings: [{ name: 'orderStages', value: mistyped }] });
  const misfit = 'HubSpot’s pipeline Order Pipeline has no stage opened. It has: Open (';
  expect(refused.userErrors).toMatchObject([
    { code: 'SETTING_INVALID', message: expect.stringContaining(misfit) },
  ]);
  expect(settingsOf(await connectionOf(stack, 'HUBSPOT')).orderStages).toEqual(orderStages);
  // A pipeline that is changed in HubSpot afterwards is found by the look at the account.
  await stack.database.pool.query(
    `update connection set settings = jsonb_set(settings, '{orderStages,open}', '"opened"') where platform = 'hubspot'`,
  );
  const findings = async (): Promise<Finding[]> => {
    await prepareConnections(stack.app.context);
    const { connections } = await stack.graphql(
      '{ connections { platform findings { subject state message } } }',
    );
    return connections.find((one: Answer) => one.platform === 'HUBSPOT').findings;
  };
  // Settings are kept for some seconds.
  const seen = await until('the stages are looked at', findings, (all) =>
    all.some(({ subject, state }) => subject === 'Setting orderStages' && state !== ('GOOD' as string)),
  );
  expect(seen).toContainEqual({
    subject: 'Setting orderStages',
    state: 'BROKEN',
    message: expect.stringContaining(misfit),
  });
});

test('what may be chosen for an account is told with what holds, and what does not fit is refused by its name', async () => {
  await using stack = await startStack({ amazon: {} });
  expect(settingsOf(await connectionOf(stack, 'HUBSPOT'))).toEqual({
    // The shop's own, as Shopify tells it.
    country: 'US',
    lifecycleStage: 'customer',
    orderStages: null,
    ordersFrom: expect.any(String),
  });
  expect(settingsOf(await connectionOf(stack, 'AMAZON'))).toEqual({ country: 'US', historyDays: 90 });
  expect(
    await change(stack, 'AMAZON', {
      name: '  Marketplace ',
      settings: [
        { name: 'country', value: 'DE' },
        { name: 'historyDays', value: 30 },
      ],
    }),
  ).toMatchObject({ userErrors: [], connection: { name: 'Marketplace' } });
  expect(settingsOf(await connectionOf(stack, 'AMAZON'))).toEqual({ country: 'DE', historyDays: 30 });
  const refusals = async (input: Record<string, unknown>) =>
    (await change(stack, 'AMAZON', input)).userErrors;
  expect(await refusals({ settings: [{ name: 'orderStages', value: null }] })).toMatchObject([
    {
      code: 'SETTING_UNKNOWN',
      message: 'There is no setting "orderStages". There are: country, historyDays.',
    },
  ]);
  expect(await refusals({ settings: [{ name: 'historyDays', value: 'many' }] })).toMatchObject([
    { code: 'SETTING_INVALID', message: expect.stringContaining('historyDays: ') },
  ]);
  expect(await refusals({ name: '', settings: [{ name: 'historyDays', value: 7 }] })).toMatchObject([
    { code: 'INVALID_INPUT', field: ['input', 'name'] },
  ]);
  // Nothing of what was refused was kept, and what is reset is what held before.
  expect(settingsOf(await connectionOf(stack, 'AMAZON'))).toEqual({ country: 'DE', historyDays: 30 });
  await change(stack, 'AMAZON', { settings: [{ name: 'historyDays' }] });
  expect(settingsOf(await connectionOf(stack, 'AMAZON'))).toEqual({ country: 'DE', historyDays: 90 });
});
