import { expect, test } from 'vitest';
import { type Answer, startStack, until } from '../support/stack.ts';
import { bankedMinor, crmOrders, deadLetters, minor, receiptsOf } from './observe.ts';

test('while QuickBooks is down webhooks are acknowledged, HubSpot goes on, the API says what waits and why, and then all of it drains', async () => {
  await using stack = await startStack();
  stack.quickbooks.faults.add({
    id: 'down',
    effect: { kind: 'status', status: 503, body: '{"message":"Service Unavailable"}' },
  });
  const placed = Array.from({ length: 12 }, (_, index) =>
    stack.shopify.placeOrder({
      channel: index % 2 === 0 ? 'pos' : 'online',
      customer: { email: `patient-${index}@example.com`, firstName: 'Patient' },
      lines: [{ sku: 'HAT', quantity: 1 + (index % 3) }],
    }),
  );
  await stack.shopify.webhooks.drained();
  const sent = stack.shopify.webhooks.attempts;
  expect(sent.filter((attempt) => attempt.status !== 200)).toEqual([]);

  await until(
    'HubSpot has every order',
    () => placed.filter((order) => crmOrders(stack, order.id).length === 1).length,
    (count) => count === placed.length,
  );
  expect(stack.quickbooks.list('SalesReceipt')).toEqual([]);

  const books = await until(
    'the status says that the books wait, and that calls are held back',
    async (): Promise<Answer> => {
      const { syncStatus } = await stack.graphql(
        `{ syncStatus { lagSeconds connections {
            connection { platform circuit circuitReason } waiting retrying dead oldestWaitingSeconds
            work { what kind status count reason }
        } } }`,
      );
      return syncStatus.connections.find((one: Answer) => one.connection.platform === 'QUICKBOOKS');
    },
    (seen) => seen.connection.circuit === 'OPEN' && seen.waiting + seen.retrying >= placed.length,
  );
  expect(books).toMatchObject({ dead: 0, connection: { circuitReason: expect.stringContaining('503') } });
  expect(books.oldestWaitingSeconds).toBeGreaterThan(0);
  const receipts = books.work.filter((work: Answer) => work.kind === 'salesReceipt');
  expect(receipts.reduce((sum: number, work: Answer) => sum + work.count, 0)).toBe(placed.length);
  for (const work of receipts) expect(work.reason).toMatch(/held back|503|trouble/i);

  const { pushes } = await stack.graphql(
    `{ pushes(first: 100, filter: { kinds: ["salesReceipt"] }) { nodes { status error remedy nextAttemptAt } } }`,
  );
  expect(pushes.nodes).toHaveLength(placed.length);
  for (const push of pushes.nodes) expect(['PENDING', 'RETRYING', 'RUNNING']).toContain(push.status);

  stack.quickbooks.faults.remove('down');
  await stack.settled(90_000);
  for (const order of placed) {
    const [receipt, ...others] = receiptsOf(stack, order.name);
    expect(others).toEqual([]);
    if (receipt === undefined) throw new Error(`order ${order.name} has no receipt`);
    expect(minor(receipt.TotalAmt as number)).toBe(minor(order.total));
    expect(bankedMinor(stack, receipt)).toBe(minor(order.total));
  }
  expect(await deadLetters(stack)).toEqual([]);
  const { syncStatus } = await stack.graphql(
    '{ syncStatus { lagSeconds connections { waiting retrying dead connection { circuit } } } }',
  );
  expect(syncStatus).toEqual({
    lagSeconds: 0,
    connections: Array.from({ length: 3 }, () => ({
      waiting: 0,
      retrying: 0,
      dead: 0,
      connection: { circuit: 'CLOSED' },
    })),
  });
});
