import { describe, expect, it } from 'vitest';
import { startHubSpotSandbox } from '../../sandbox/hubspot/server.ts';
import { startQuickBooksSandbox } from '../../sandbox/quickbooks/server.ts';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { Amount } from '../../src/model/money.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { upsertConnection } from '../../src/sync/connections/connections.ts';
import { Sessions } from '../../src/sync/connections/sessions.ts';
import { hubspot } from '../../src/sync/platforms/hubspot/index.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { startWorker } from '../../src/sync/worker.ts';
import { encryptionKey, eventually, memoryLog } from '../engine/support/engine.ts';
import { createTestDatabase } from '../support/database.ts';

const amount = (minor: bigint): Amount => ({ shop: minor, presentment: minor });
const none = amount(0n);

function sale(
  number: number,
  total: bigint,
  updatedAt: Date,
  more: Partial<CanonicalOrder> = {},
): PlatformChange {
  return {
    kind: 'order',
    remoteId: `${7000 + number}`,
    version: { sourceUpdatedAt: updatedAt, observedAt: null },
    order: {
      number: `#${number}`,
      channel: 'online_store',
      customer: {
        remoteId: `${number % 5}`,
        firstName: 'Ada',
        lastName: `N${number % 5}`,
        email: `ada${number % 5}@example.com`,
        phone: null,
      },
      locationRemoteId: null,
      financialStatus: 'paid',
      fulfilmentStatus: 'unfulfilled',
      currency: 'USD',
      presentmentCurrency: 'USD',
      subtotal: amount(total),
      discount: none,
      shipping: none,
      tax: none,
      duties: none,
      tip: none,
      rounding: none,
      total: amount(total),
      taxesIncluded: false,
      taxExempt: false,
      test: false,
      email: `ada${number % 5}@example.com`,
      phone: null,
      billingAddress: null,
      shippingAddress: null,
      note: null,
      tags: [],
      attributes: [],
      cancelReason: null,
      placedAt: new Date('2026-11-20T10:00:00Z'),
      cancelledAt: null,
      closedAt: null,
      lines: [
        {
          remoteId: `${number}1`,
          variantRemoteId: null,
          title: 'Wool jumper',
          variantTitle: null,
          sku: 'WJ',
          vendor: null,
          quantity: 1,
          refundedQuantity: 0,
          unitPrice: amount(total),
          discount: none,
          tax: none,
          taxable: true,
          giftCard: false,
          requiresShipping: true,
          duties: none,
          properties: [],
          allocations: [],
          taxLines: [],
        },
      ],
      shippingLines: [],
      discounts: [],
      orderTaxLines: [],
      transactions: [],
      fulfilments: [],
      refunds: [],
      ...more,
    },
  };
}

describe('orders of a shop', () => {
  it('reach HubSpot and QuickBooks side by side, once each, and follow their changes', async () => {
    await using database = await createTestDatabase();
    await using crm = await startHubSpotSandbox({ port: 0, seed: 1, limits: false });
    await using books = await startQuickBooksSandbox({ port: 0, seed: 1, limits: false });
    const { log, text } = memoryLog();
    const platforms = {
      hubspot: { ...hubspot, rateLimit: { requests: 1000, windowMs: 1000, concurrent: 20 } },
      quickbooks: { ...quickbooks, rateLimit: { requests: 1000, windowMs: 1000, concurrent: 20 } },
    };
    const connect = (
      platform: 'shopify' | 'hubspot' | 'quickbooks',
      accountId: string,
      credentials: unknown,
    ) =>
      transaction(database.pool, (tx) =>
        upsertConnection(tx, {
          platform,
          accountId,
          name: platform,
          credentials,
          writeCapabilities: ['*'],
          encryptionKey,
        }),
      );
    const shop = await connect('shopify', 'one.myshopify.com', {});
    const hubspotId = await connect('hubspot', '62515', { accessToken: 'pat-sandbox', clientSecret: 'x' });
    const quickbooksId = await connect('quickbooks', books.realmId, {
      realmId: books.realmId,
      clientId: 'qb-sandbox-client',
      clientSecret: 'qb-sandbox-secret',
      refreshToken: 'RT1-sandbox',
      verifierToken: 'x',
    });
    const sessions = new Sessions({
      pool: database.pool,
      platforms,
      encryptionKey,
      baseUrls: { hubspot: crm.url, quickbooks: books.url },
      log,
    });
    await hubspot.prepare((await sessions.get(hubspotId)) as never, { webhookUrl: '' });
    await quickbooks.prepare((await sessions.get(quickbooksId)) as never, { webhookUrl: '' });
    await using _worker = await startWorker({
      pool: database.pool,
      connectionString: database.url,
      platforms,
      sessions,
      log,
      apply: applyChanges,
    });
    const tell = (change: PlatformChange) =>
      transaction(database.pool, (tx) =>
        applyChanges(tx, {
          changes: [change],
          source: 'shopify',
          connectionId: shop,
          deliveryId: null,
          now: new Date(),
          platforms,
        }),
      );
    const pushes = async (): Promise<string[]> =>
      (
        await database.pool.query<{ line: string }>(
          "select kind || ' ' || status || coalesce(' ' || error, '') as line from push where status not in ('superseded')",
        )
      ).rows.map((row) => row.line);
    const isDone = (lines: string[]): boolean =>
      lines.length > 0 && lines.every((line) => line.endsWith(' settled'));

    const count = 30;
    const first = new Date('2026-11-20T10:00:00Z');
    await Promise.all(
      Array.from({ length: count }, (_, number) => tell(sale(number, BigInt(1000 + number), first))),
    );
    await eventually(pushes, isDone).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${text()}`);
    });
    expect(crm.records('orders')).toHaveLength(count);
    expect(crm.records('contacts')).toHaveLength(5);
    for (const record of crm.records('orders')) {
      expect(crm.associated('orders', record.id, 'contacts')).toHaveLength(1);
      expect(crm.associated('orders', record.id, 'line_items')).toHaveLength(1);
    }
    const totals = () =>
      books
        .list('SalesReceipt')
        .map((one) => `${String(one.DocNumber)} ${String(one.TotalAmt)}`)
        .sort();
    expect(totals()).toEqual(
      Array.from({ length: count }, (_, number) => `${number} ${(1000 + number) / 100}`).sort(),
    );
    expect(books.list('Customer')).toHaveLength(5);
    expect(books.list('Item').filter((one) => one.Sku === 'WJ')).toHaveLength(1);
    expect(crm.contactByEmail('ada0@example.com')?.properties).toMatchObject({
      tributary_order_count: '6',
      tributary_lifetime_value: '60.75',
    });

    await tell(sale(0, 2500n, new Date('2026-11-20T11:00:00Z')));
    await eventually(
      async () => ({
        lines: await pushes(),
        total: books.list('SalesReceipt').find((one) => one.DocNumber === '0')?.TotalAmt,
      }),
      (seen) => seen.total === 25 && isDone(seen.lines),
    );
    expect(books.list('SalesReceipt')).toHaveLength(count);
    expect(crm.find('orders', 'tributary_order_id', 'shopify:7000')?.properties.hs_total_price).toBe('25.00');
    await eventually(
      () => crm.contactByEmail('ada0@example.com')?.properties.tributary_lifetime_value ?? '',
      (value) => value === '75.75',
    );
  });
});
