import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { alertWebhook } from '../../src/sync/alerts/alert-webhook.ts';
import type { Concern } from '../../src/sync/alerts/concerns.ts';
import { messageOf, tellAlerts } from '../../src/sync/alerts/tell-alerts.ts';
import { openShop, orderChange, type Shop } from '../write-path/support.ts';

const publicUrl = 'https://shop.example';

/** A chat's incoming webhook. */
async function openChat(): Promise<{ url: string; messages: unknown[]; status: number } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (chat.status === 200) chat.messages.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(chat.status).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const chat = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/secret`,
    messages: [] as unknown[],
    status: 200,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
  return chat;
}

const tell = (shop: Shop, url: string) => tellAlerts({ pool: shop.pool, send: alertWebhook(url), publicUrl });

/** An hour and a bit more goes by. */
const later = (shop: Shop, interval: string) =>
  shop.pool.query(`update alert set told_at = told_at - $1::interval`, [interval]);

async function die(shop: Shop, kind: string): Promise<void> {
  await shop.pool.query(
    `update push set status = 'dead', error = 'No such account.', remedy = 'Make it.' where kind = $1 and status <> 'dead'`,
    [kind],
  );
}

test('a dead letter is told once, again when there are more after an hour, after a day, and when it is over', async () => {
  await using shop = await openShop();
  await using chat = await openChat();
  await shop.tell('shopify', orderChange('1', 1));
  await die(shop, 'salesReceipt');
  const [books] = await shop.rows<{ name: string }>(
    `select name from connection where platform = 'quickbooks'`,
  );
  const line = (count: number) =>
    `• QuickBooks (${books?.name}): ${count} × write salesReceipt failed for good: No such account. What to do: Make it.`;
  const message = (count: number) => ['Tributary needs somebody:', line(count), publicUrl].join('\n');
  expect(await tell(shop, chat.url)).toBe(message(1));
  expect(await tell(shop, chat.url)).toBeNull();

  await shop.tell('shopify', orderChange('2', 2));
  await die(shop, 'salesReceipt');
  expect(await tell(shop, chat.url)).toBeNull();
  await later(shop, '61 minutes');
  expect(await tell(shop, chat.url)).toBe(message(2));
  await later(shop, '23 hours');
  expect(await tell(shop, chat.url)).toBeNull();
  await later(shop, '61 minutes');
  expect(await tell(shop, chat.url)).toBe(message(2));

  await shop.pool.query(`update push set status = 'settled', settled_at = clock_timestamp()`);
  const over = `Tributary: over is\n✓ QuickBooks (${books?.name}): 2 × write salesReceipt failed for good\n${publicUrl}`;
  expect(await tell(shop, chat.url)).toBe(over);
  expect(await tell(shop, chat.url)).toBeNull();
  expect(chat.messages).toEqual([message(1), message(2), message(2), over].map((text) => ({ text })));
});

test('a message that did not arrive is made anew, and the address stands in no error', async () => {
  await using shop = await openShop();
  await using chat = await openChat();
  await shop.tell('shopify', orderChange('1', 1));
  await die(shop, 'salesReceipt');
  for (const status of [500, 302, 404]) {
    chat.status = status;
    const problem = await tell(shop, chat.url).then(
      () => null,
      (error: unknown) => error,
    );
    expect(problem).toMatchObject({ code: 'ALERT_NOT_SENT', retryable: true });
    expect(JSON.stringify(problem, Object.getOwnPropertyNames(problem))).not.toContain('/services/secret');
  }
  expect(await shop.rows('select key from alert')).toEqual([]);
  chat.status = 200;
  const [one, other] = await Promise.all([tell(shop, chat.url), tell(shop, chat.url)]);
  expect([one, other].filter((text) => text !== null)).toHaveLength(1);
  expect(chat.messages).toHaveLength(1);
});

test('refused credentials, what an account lacks, work that is late and requests that are due are told; a pause is not', async () => {
  await using shop = await openShop();
  await using chat = await openChat();
  await shop.tell('shopify', orderChange('1', 1));
  const set = (platform: string, columns: string) =>
    shop.pool.query(`update connection set ${columns} where platform = $1::platform`, [platform]);
  await set('hubspot', `status = 'revoked', status_reason = 'The token was withdrawn.'`);
  await set(
    'shopify',
    `findings = '[{"subject": "Webhooks", "state": "broken", "message": "None comes.", "remedy": "Set PUBLIC_URL."},
      {"subject": "Scope read_returns", "state": "limited", "message": "Missing.", "remedy": null}]'`,
  );
  await set('quickbooks', `circuit_reason = 'QuickBooks answered 503.'`);
  await shop.pool.query(`update push set created_at = clock_timestamp() - interval '12 minutes'`);
  await shop.pool.query(
    `insert into privacy_request (kind, requested_by, reference, due_at)
     values ('export', 'shopify', 'one', '2026-01-31T00:00:00Z'), ('export', 'shopify', 'far', clock_timestamp() + interval '9 days')`,
  );
  const text = (await tell(shop, chat.url)) ?? '';
  expect(text.split('\n').map((one) => one.replace(/ \([^)]+\)/, ''))).toEqual([
    'Tributary needs somebody for 4 things:',
    '• Shopify: Webhooks: None comes. What to do: Set PUBLIC_URL.',
    '• HubSpot refuses our credentials; its work waits: The token was withdrawn. What to do: Start with new credentials, or correct the app there and call connectionResume.',
    '• QuickBooks: 1 thing waits, the oldest for 12 minutes: QuickBooks answered 503.',
    '• 1 request of a person is due by 2026-01-31. What to do: npx tributary privacy requests lists them.',
    publicUrl,
  ]);
  // What waits for a person who has paused the account needs nobody to be told.
  await set('quickbooks', `status = 'paused'`);
  expect(await tell(shop, chat.url)).toContain('✓ QuickBooks');
});

test('a message stays short enough for a chat, whatever has happened', () => {
  const concern = (number: number): Concern => ({
    key: `${number}`,
    title: `Thing ${number}`,
    count: 1,
    reason: 'x'.repeat(5_000),
    remedy: 'y'.repeat(5_000),
  });
  const many = Array.from({ length: 300 }, (_, number) => concern(number));
  const text = messageOf(many, many, publicUrl);
  expect(text.length).toBeLessThan(8_000);
  expect(text).toContain('… and 290 more.');
  expect(text.endsWith(publicUrl)).toBe(true);
});
