import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../sandbox/kit/random.ts';
import { type Stack, startStack, until } from '../support/stack.ts';
import { contact, deadLetters, minor } from './observe.ts';

const wanted = 200;
const kills = 5;

test('a worker that is killed again and again, with answers lost on the way, posts each of 200 orders exactly once', async () => {
  const random = seededRandom(5);
  await using stack = await startStack({ worker: 'child' });
  const worker = stack.worker;
  if (worker === null) throw new Error('the worker runs in a process of its own');
  // Writes that happened but whose answer never came are the hardest: some in each round, at both platforms.
  const loseAnswers = (): void => {
    for (const { faults } of [stack.hubspot, stack.quickbooks])
      faults.add({
        id: 'lost',
        effect: { kind: 'dropResponse' },
        method: 'POST',
        probability: 0.2,
        times: 2,
      });
  };

  const totals = new Map<string, { name: string; total: string; email: string }>();
  const place = (): void => {
    const email = `buyer-${random.int(1, 40)}@example.com`;
    const placed = stack.shopify.placeOrder({
      channel: random.chance(0.5) ? 'pos' : 'online',
      customer: { email, firstName: 'Buyer' },
      lines: [{ sku: random.pick(['BAG', 'HAT', 'MUG']), quantity: random.int(1, 3) }],
    });
    totals.set(placed.id, { name: placed.name, total: placed.total, email });
  };

  let killed = 0;
  for (let round = 0; round < kills; round += 1) {
    const before = await settledPushes(stack);
    loseAnswers();
    while (totals.size < Math.ceil((wanted * (round + 1)) / kills)) {
      place();
      if (random.chance(0.2)) await sleep(random.int(0, 20));
    }
    // Somewhere in the middle of the work that these orders make.
    const least = before + BigInt(random.int(5, 60));
    await until(
      'some pushes are settled',
      () => settledPushes(stack),
      (settled) => settled >= least,
      120_000,
    );
    await worker.kill();
    killed += 1;
    await worker.start();
  }
  expect({ killed, placed: totals.size }).toEqual({ killed: kills, placed: wanted });
  await stack.settled(400_000);

  expect(await deadLetters(stack)).toEqual([]);
  const receipts = stack.quickbooks.list('SalesReceipt').map((receipt) => ({
    number: String(receipt.DocNumber),
    total: minor(receipt.TotalAmt as number),
  }));
  expect(sorted(receipts)).toEqual(
    sorted([...totals.values()].map(({ name, total }) => ({ number: name, total: minor(total) }))),
  );
  const crm = stack.hubspot.records('orders').filter((order) => !order.archived);
  expect(crm.map((order) => order.properties.hs_external_order_id).sort()).toEqual([...totals.keys()].sort());
  for (const order of crm) {
    expect(stack.hubspot.associated('orders', order.id, 'contacts')).toHaveLength(1);
    expect(stack.hubspot.associated('orders', order.id, 'line_items')).toHaveLength(1);
  }
  expect(stack.hubspot.records('line_items').filter((item) => !item.archived)).toHaveLength(wanted);
  const values = Map.groupBy(totals.values(), (order) => order.email);
  for (const [email, orders] of values)
    expect({ email, value: minor(contact(stack, email).properties.tributary_lifetime_value) }).toEqual({
      email,
      value: orders.reduce((sum, order) => sum + minor(order.total), 0n),
    });
  const customers = stack.quickbooks.list('Customer').filter((one) => one.Active !== false);
  const addresses = customers.map(
    (one) => (one.PrimaryEmailAddr as { Address?: string } | undefined)?.Address,
  );
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(stack.log.some((line) => line.includes('workers that have died'))).toBe(true);
}, 900_000);

async function settledPushes({ database }: Stack): Promise<bigint> {
  const { rows } = await database.pool.query<{ settled: bigint }>(
    `select count(*) as settled from push where status = 'settled'`,
  );
  return rows[0]?.settled ?? 0n;
}

function sorted(rows: { number: string; total: bigint }[]): { number: string; total: bigint }[] {
  return rows
    .map((row) => ({ ...row, number: row.number.replace(/^#/, '') }))
    .sort((a, b) => (a.number < b.number ? -1 : 1));
}
