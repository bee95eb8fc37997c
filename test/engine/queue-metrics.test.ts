import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { QueueMetrics } from '../../src/sync/queue-metrics.ts';
import { createTestDatabase } from '../support/database.ts';
import { addDelivery, addPush, connect } from './support/engine.ts';

test('/metrics tells how much work is open, of what age, and where the stream stands', async () => {
  await using database = await createTestDatabase();
  const { pool } = database;
  const shopify = await connect(pool, 'shopify', 'a.example');
  const hubspot = await connect(pool, 'hubspot', '1');
  const [first] = [
    await addDelivery(pool, { connectionId: shopify }),
    await addDelivery(pool, { connectionId: shopify }),
  ];
  await pool.query(
    `update delivery set received_at = clock_timestamp() - interval '100 seconds' where id = $1`,
    [first],
  );
  await addPush(pool, { connectionId: hubspot, subjectId: 1n, status: 'dead' });
  await addPush(pool, { connectionId: hubspot, subjectId: 2n, status: 'plan' });
  for (const id of [
    await addPush(pool, { connectionId: hubspot, subjectId: 5n, status: 'dead' }),
    await addPush(pool, { connectionId: hubspot, subjectId: 6n, status: 'dead' }),
  ])
    await pool.query(
      "update push set status = 'dismissed', dismissed_at = now(), dismissed_by = 'ada', dismissed_reason = 'Done by hand.' where id = $1",
      [id],
    );
  await addPush(pool, { connectionId: hubspot, subjectId: 3n });
  const settled = await addPush(pool, { connectionId: hubspot, subjectId: 4n });
  await pool.query("update push set status = 'settled', settled_at = now() where id = $1", [settled]);
  await pool.query(
    "update push set created_at = clock_timestamp() - interval '1 day' where status <> 'pending'",
  );
  await pool.query('update event_head set position = 41');
  const registry = new Registry();
  const metrics = new QueueMetrics(pool, registry);
  await Promise.all([metrics.refresh(), metrics.refresh()]);
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const value = (line: string) =>
    Number(
      lines
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')
        .at(-1),
    );
  const of = (name: string, labels: string) => value(`tributary_${name}{${labels}}`);
  expect(of('deliveries_open', 'platform="shopify",status="pending"')).toBe(2);
  expect(of('deliveries_open', 'platform="shopify",status="dead"')).toBe(0);
  expect(of('deliveries_open', 'platform="hubspot",status="pending"')).toBe(0);
  expect(
    ['plan', 'pending', 'running', 'retrying', 'dead'].map((status) =>
      of('pushes_open', `platform="hubspot",status="${status}"`),
    ),
  ).toEqual([1, 1, 0, 0, 1]);
  // What a person has closed is not open; it is counted apart.
  expect(of('dismissed', 'what="push",platform="hubspot"')).toBe(2);
  expect(of('dismissed', 'what="delivery",platform="hubspot"')).toBe(0);
  expect(lines.filter((line) => /_open\{.*dismissed/.test(line))).toEqual([]);
  const oldestDelivery = of('oldest_waiting_seconds', 'what="delivery",platform="shopify"');
  expect(oldestDelivery).toBeGreaterThanOrEqual(100);
  // A dead letter and a plan wait for a person, not for us: they do not make the queue look late.
  const oldestPush = of('oldest_waiting_seconds', 'what="push",platform="hubspot"');
  expect(oldestPush).toBeLessThan(86_400);
  expect(of('oldest_waiting_seconds', 'what="delivery",platform="hubspot"')).toBe(0);
  expect(of('connections', 'platform="hubspot",status="active"')).toBe(1);
  expect(value('tributary_event_head')).toBe(41);
});
