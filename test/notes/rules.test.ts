import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { readNote } from '../../src/sync/notes/read-note.ts';
import { recoverReadings } from '../../src/sync/notes/request-reading.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { openShop, orderChange, type Shop } from '../write-path/support.ts';

let shop: Shop;
const options = () => ({
  pool: shop.pool,
  platforms: shop.platforms,
  log: createLog({ level: 'silent' }),
  metrics: createMetrics(new Registry()),
  claude: null,
});

beforeAll(async () => {
  shop = await openShop({ platforms: { shopify: shopify as never } });
});
afterAll(() => shop[Symbol.asyncDispose]());

/** An order placed with a note, as its platform tells it; @returns its id. */
async function place(
  remoteId: string,
  second: number,
  parts: Parameters<typeof orderChange>[2],
): Promise<bigint> {
  const change = orderChange(remoteId, second, parts);
  const { note, tags } = change.order;
  await shop.tell('shopify', { ...change, observed: { note, tags } });
  const [row] = await shop.rows<{ id: bigint }>('select id from sales_order where remote_id = $1', [
    remoteId,
  ]);
  return row?.id ?? 0n;
}

const rulesOf = (orderId: bigint) =>
  shop.rows('select kind, value, status, decided_by from fulfilment_rule where order_id = $1 order by id', [
    orderId,
  ]);
const tagsOf = async (orderId: bigint) =>
  (await shop.rows<{ tags: string[] }>('select tags from sales_order where id = $1', [orderId]))[0]?.tags;
const jobsOf = (orderId: bigint) =>
  shop.rows(`select 1 from graphile_worker.jobs where key = 'note:' || $1`, [orderId]);
const ruleEvents = async (orderId: bigint) =>
  (
    await shop.rows<{ type: string }>(
      `select type from event where subject_type = 'Order' and subject_id = $1 and type like 'fulfilment_rule.%' order by position`,
      [orderId],
    )
  ).map((event) => event.type);

test('a note becomes rules after the order is in the graph, and the platform is owed them', async () => {
  const id = await place('n1', 1, {
    note: 'Gift wrap please. Leave it with the neighbour at number 12.',
    tags: ['vip'],
  });
  expect(await rulesOf(id)).toEqual([]);
  expect(await jobsOf(id)).toHaveLength(1);
  await readNote(id, options());
  expect(await rulesOf(id)).toEqual([
    { kind: 'gift_wrap', value: null, status: 'approved', decided_by: 'automatic' },
    { kind: 'leave_at', value: 'the neighbour at number 12', status: 'proposed', decided_by: null },
  ]);
  expect(await tagsOf(id)).toEqual(['vip', 'note:gift-wrap']);
  expect(await ruleEvents(id)).toEqual(['fulfilment_rule.approved', 'fulfilment_rule.proposed']);
  const [push] = await shop.rows<{ body: unknown }>(
    `select body from push where subject_type = 'Order' and subject_id = $1 and status = 'pending'`,
    [id],
  );
  expect(push?.body).toEqual({
    orderId: 'n1',
    number: '#1001',
    fields: {
      tags: ['note:gift-wrap', 'vip'],
      fulfilmentRules: [{ kind: 'gift_wrap', value: null, quote: 'Gift wrap please' }],
    },
  });
  const facts = JSON.stringify(await shop.events());
  expect(facts).not.toContain('neighbour');
  const [last] = await shop.rows<{ payload: { changedFields: string[] } }>(
    `select payload from event where type = 'order.updated' and subject_id = $1 order by position desc limit 1`,
    [id],
  );
  expect(last?.payload.changedFields).toEqual(['fulfilmentRules', 'tags']);
});

test('reading again, and the same note told again, change nothing', async () => {
  const id = await place('n2', 1, { note: 'Fragile!' });
  await readNote(id, options());
  const before = await shop.events();
  await readNote(id, options());
  await shop.rows('delete from graphile_worker._private_jobs');
  await place('n2', 2, { note: 'Fragile!', financialStatus: 'authorized' });
  expect(await jobsOf(id)).toEqual([]);
  await readNote(id, options());
  const rules = (await shop.events())
    .slice(before.length)
    .filter((event) => event.type.startsWith('fulfilment_rule'));
  expect(rules).toEqual([]);
});

test('a note edited here or there is read anew: what a person decided survives with its words', async () => {
  const id = await place('n3', 1, { note: 'I will pick it up. Leave it at 5 Elm Road.' });
  await readNote(id, options());
  const [place5] = await shop.rows<{ id: bigint }>(
    `select id from fulfilment_rule where order_id = $1 and kind = 'leave_at'`,
    [id],
  );
  await shop.edit({ kind: 'fulfilmentRuleDecide', ruleId: place5?.id ?? 0n, approve: true, by: 'anna' });
  expect(await tagsOf(id)).toEqual(['note:leave-at']);
  await shop.edit({ kind: 'orderEdit', orderId: id, patch: { note: 'Fragile. Leave it at 5 Elm Road.' } });
  await readNote(id, options());
  expect(await rulesOf(id)).toEqual([
    { kind: 'hold_for_pickup', value: null, status: 'withdrawn', decided_by: null },
    { kind: 'leave_at', value: '5 Elm Road', status: 'approved', decided_by: 'anna' },
    { kind: 'fragile', value: null, status: 'approved', decided_by: 'automatic' },
  ]);
  expect(await tagsOf(id)).toEqual(['note:leave-at', 'note:fragile']);
  await shop.edit({ kind: 'orderEdit', orderId: id, patch: { note: null } });
  await readNote(id, options());
  expect((await rulesOf(id)).map((rule) => (rule as { status: string }).status)).toEqual([
    'withdrawn',
    'withdrawn',
    'withdrawn',
  ]);
  expect(await tagsOf(id)).toEqual([]);
});

test('a rule turned down leaves the order and is not proposed again', async () => {
  const id = await place('n4', 1, { note: 'Please call before delivery' });
  await readNote(id, options());
  const [rule] = await shop.rows<{ id: bigint }>('select id from fulfilment_rule where order_id = $1', [id]);
  await shop.edit({ kind: 'fulfilmentRuleDecide', ruleId: rule?.id ?? 0n, approve: false, by: 'anna' });
  expect(await tagsOf(id)).toEqual([]);
  await shop.edit({
    kind: 'orderEdit',
    orderId: id,
    patch: { note: 'Please call before delivery. Thanks!' },
  });
  await readNote(id, options());
  expect(await rulesOf(id)).toEqual([
    { kind: 'call_first', value: null, status: 'rejected', decided_by: 'anna' },
  ]);
});

test('a reading of a note that was changed meanwhile is not applied', async () => {
  const id = await place('n5', 1, { note: 'Fragile!' });
  await shop.edit({
    kind: 'orderNoteRead',
    orderId: id,
    hash: 'of another note',
    reader: 'parser',
    fallbackReason: null,
    rules: [{ kind: 'fragile', value: null, quote: 'Fragile', confidence: 1 }],
  });
  expect(await rulesOf(id)).toEqual([]);
});

test('a shop’s history is not read, and an order without a note asks for nothing', async () => {
  const sent = await place('n6', 1, { note: 'Gift wrap', fulfilmentStatus: 'fulfilled' });
  const plain = await place('n7', 1, { note: null });
  for (const id of [sent, plain]) {
    expect(await jobsOf(id)).toEqual([]);
    expect(await shop.rows('select 1 from note_reading where order_id = $1', [id])).toEqual([]);
  }
});

test('a note whose job is lost is brought back', async () => {
  const id = await place('n8', 1, { note: 'Fragile!' });
  await shop.rows('delete from graphile_worker._private_jobs');
  expect(await transaction(shop.pool, (tx) => recoverReadings(tx, 60_000, 10))).toBe(0);
  expect(await transaction(shop.pool, (tx) => recoverReadings(tx, 0, 100))).toBeGreaterThan(0);
  expect(await jobsOf(id)).toHaveLength(1);
});
