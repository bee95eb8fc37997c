import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entity } from '../../sandbox/quickbooks/entities.ts';
import type { TaxSnapshot } from '../../src/model/snapshot.ts';
import type { DeliveryFacts, IncomingDelivery, WebhookRequest } from '../../src/sync/platforms/platform.ts';
import { directoryOf } from '../../src/sync/platforms/quickbooks/directory.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import type { QuickBooksCredentials } from '../../src/sync/platforms/quickbooks/settings.ts';
import { balanceOf, contractsPresent } from '../sandbox/quickbooks-support.ts';
import { generatedOrder } from './generated-order.ts';
import { consent, contextOf, customer, order, orderLine, paid, push } from './memory-session.ts';
import { company, failure } from './quickbooks-support.ts';

const salesTax = (amountMinor: bigint, rate = '0.0725', title = 'California'): TaxSnapshot => ({
  title,
  rate,
  amountMinor,
  channelLiable: false,
});

const taxed = order({ lines: [orderLine({ taxes: [salesTax(363n)] })] });

function receipts(sandbox: { list(type: 'SalesReceipt'): Entity[] }): Entity[] {
  return sandbox.list('SalesReceipt');
}

function linesOf(receipt: Entity | undefined) {
  return ((receipt?.Line ?? []) as Record<string, unknown>[]).filter(
    (line) => line.DetailType === 'SalesItemLineDetail',
  ) as {
    Amount: number;
    Description: string;
    SalesItemLineDetail: Record<string, unknown> & { ItemRef: { name: string } };
  }[];
}

describe('the door', () => {
  const credentials: QuickBooksCredentials = {
    realmId: '1269959970',
    clientId: 'c',
    clientSecret: 's',
    refreshToken: 'r',
    verifierToken: 'verifier',
  };
  const request = (body: string, verifier = 'verifier'): WebhookRequest => ({
    method: 'POST',
    url: 'https://sync.example.com/webhooks/quickbooks',
    headers: { 'intuit-signature': createHmac('sha256', verifier).update(body).digest('base64') },
    rawBody: Buffer.from(body),
    receivedAtMs: 0,
  });
  const cloudEvent = {
    specversion: '1.0',
    id: 'd1a3aedd',
    source: 'intuit.x',
    type: 'qbo.salesreceipt.created.v1',
    time: '2026-10-07T19:59:07.034359333Z',
    intuitentityid: '1234',
    intuitaccountid: '310687',
  };

  it('accepts what was signed with the verifier token and nothing else', () => {
    const good = request('[]');
    expect(quickbooks.door.verify(good, credentials)).toBe(true);
    expect(quickbooks.door.verify({ ...good, rawBody: Buffer.from('[ ]') }, credentials)).toBe(false);
    expect(quickbooks.door.verify(request('[]', 'other'), credentials)).toBe(false);
    expect(quickbooks.door.verify({ ...good, headers: {} }, credentials)).toBe(false);
    expect(quickbooks.door.isSigned({ ...good, headers: {} })).toBe(false);
  });

  it('reads cloud events and the classic format into the same deliveries', () => {
    const [cloud] = quickbooks.door.split(request(JSON.stringify([cloudEvent])));
    expect(cloud).toMatchObject({
      accountId: '310687',
      externalId: 'd1a3aedd',
      eventId: 'd1a3aedd',
      topic: 'salesreceipt.created',
      subject: 'salesreceipt:1234',
      triggeredAt: new Date('2026-10-07T19:59:07.034Z'),
    });
    const classic = {
      eventNotifications: [
        {
          realmId: '1269959970',
          dataChangeEvent: {
            entities: [
              {
                name: 'SalesReceipt',
                id: '1234',
                operation: 'Create',
                lastUpdated: '2026-10-05T03:07:04.000Z',
              },
              {
                name: 'Customer',
                id: '43',
                operation: 'Merge',
                lastUpdated: '2026-10-05T03:07:04Z',
                deletedId: '44',
              },
            ],
          },
        },
      ],
    };
    const split = quickbooks.door.split(request(JSON.stringify(classic)));
    expect(
      split.map(({ accountId, externalId, topic, subject }) => [accountId, externalId, topic, subject]),
    ).toEqual([
      [
        '1269959970',
        '1269959970:SalesReceipt:1234:Create:2026-10-05T03:07:04.000Z',
        'salesreceipt.created',
        'salesreceipt:1234',
      ],
      ['1269959970', '1269959970:Customer:43:Merge:2026-10-05T03:07:04Z', 'customer.merged', 'customer:43'],
    ]);
  });

  it.each([
    ['not json'],
    ['{}'],
    ['[]'],
    ['[{}]'],
    ['{"eventNotifications":[]}'],
    ['[{"specversion":"1.0","id":"x"}]'],
  ])('says of %s that it is malformed', (body) => {
    expect(() => quickbooks.door.split(request(body))).toThrow(/MALFORMED_WEBHOOK/);
  });

  const folder = join(resolve(process.env.CONTRACTS_DIR ?? '../shared/contracts'), 'quickbooks/webhooks');
  it.skipIf(!existsSync(folder))('agrees with the published signature and the published bodies', () => {
    const vector = JSON.parse(readFileSync(join(folder, 'signature-test-vector.json'), 'utf8')) as Record<
      string,
      string
    >;
    const rawBody = readFileSync(join(folder, vector.body_file ?? ''));
    const given = {
      ...request(''),
      rawBody,
      headers: { 'intuit-signature': vector.expected_signature },
    };
    expect(
      quickbooks.door.verify(given, { ...credentials, verifierToken: vector.verifier_token ?? '' }),
    ).toBe(true);
    expect(quickbooks.door.split(given).map((one) => one.subject)).toEqual(['vendor:40', 'customer:43']);
    const cloud = readFileSync(join(folder, 'cloudevents.raw.json'));
    expect(quickbooks.door.split({ ...given, rawBody: cloud })[0]).toMatchObject({
      accountId: '310687',
      subject: 'class:1234',
    });
  });
});

describe('contracts', () => {
  it('are at hand wherever this runs unattended', () => {
    if (process.env.CI) expect(contractsPresent).toBe(true);
  });
});

describe('a receipt', () => {
  it('is itemised, dated, numbered and adds up to the cent', async () => {
    await using it = await company(
      {},
      {
        timeZone: 'Europe/Berlin',
        orderUrl: 'https://shop.example/orders/{remoteId}',
        depositAccount: 'Shopify Clearing',
      },
    );
    await it.prepare();
    const full = order({
      lines: [
        orderLine({ taxes: [salesTax(326n)], discountMinor: 500n }),
        orderLine({
          id: 72n,
          remoteId: '2',
          variantId: 32n,
          sku: 'CAP',
          title: 'Cap',
          variantTitle: null,
          quantity: 3,
          unitPriceMinor: 333n,
          taxes: [salesTax(72n)],
        }),
        orderLine({
          id: 73n,
          remoteId: '3',
          variantId: null,
          sku: null,
          title: 'Engraving',
          variantTitle: null,
          quantity: 1,
          unitPriceMinor: 700n,
        }),
        orderLine({
          id: 74n,
          remoteId: '4',
          variantId: 34n,
          sku: 'GC',
          title: 'Gift card',
          variantTitle: null,
          quantity: 1,
          unitPriceMinor: 2500n,
          giftCard: true,
        }),
      ],
      shippingLines: [{ id: 1n, title: 'DHL', priceMinor: 590n, discountMinor: 0n, taxMinor: 0n, taxes: [] }],
      discounts: [{ kind: 'code', code: 'WELCOME', title: null, amountMinor: 500n }],
      tipMinor: 250n,
      transactions: [paid('gift_card', 1000n), paid('shopify_payments', 8937n)],
    });
    const outcome = await push(quickbooks, it.session, full);
    const [receipt] = receipts(it.sandbox);
    expect(full.totalMinor).toBe(9937n);
    expect(receipt).toMatchObject({
      DocNumber: '1001',
      TxnDate: '2026-11-21',
      TotalAmt: 89.37,
      CustomerRef: { name: 'Ada Castro' },
      DepositToAccountRef: { name: 'Shopify Clearing' },
      TxnTaxDetail: { TotalTax: 3.98, TaxLine: [{ Amount: 3.98 }] },
    });
    expect(String(receipt?.PrivateNote)).toMatch(
      /^Shopify order #1001\nhttps:\/\/shop\.example\/orders\/820982911946154508\n\[tributary shopify:820982911946154508 [0-9a-f]{12}\]$/,
    );
    expect(
      linesOf(receipt).map(({ Amount, SalesItemLineDetail: detail }) => [
        detail.ItemRef.name,
        detail.Qty,
        detail.UnitPrice,
        Amount,
        (detail.TaxCodeRef as { value: string }).value,
      ]),
    ).toEqual([
      ['Wool jumper – Blue / M', 2, 25, 50, 'TAX'],
      ['Cap', 3, 3.33, 9.99, 'TAX'],
      ['Sales', 1, 7, 7, 'NON'],
      ['Gift Card', 1, 25, 25, 'NON'],
      ['Shipping', 1, 5.9, 5.9, 'NON'],
      ['Discounts', 1, -5, -5, 'TAX'],
      ['Tips', 1, 2.5, 2.5, 'NON'],
      ['Gift Card', 1, -10, -10, 'NON'],
    ]);
    expect(it.sandbox.list('Item').find((one) => one.Sku === 'WJ-BL-M')).toMatchObject({
      Name: 'Wool jumper – Blue / M',
      Type: 'NonInventory',
      UnitPrice: 25,
    });
    expect(balanceOf(it.sandbox, 'Shopify Clearing')).toBe('89.37');
    expect(balanceOf(it.sandbox, 'Gift Card Liability')).toBe('-15.00');
    expect(outcome).toMatchObject({
      remoteType: 'SalesReceipt',
      remoteId: receipt?.Id,
      remoteVersion: '0',
      adopted: false,
      detail: { docNumber: '1001', total: '89.37', currency: 'USD', date: '2026-11-21' },
      state: { total: '89.37', tax: '3.98' },
    });
    expect(await push(quickbooks, it.session, full)).toBeNull();
  });

  it('takes two calls for strangers once it knows whom the books hold, and asks again where it cannot be sure', async () => {
    await using it = await company();
    await it.prepare();
    let now = Date.now();
    it.session.now = () => now;
    const directory = directoryOf(it.session);
    const person = (id: bigint, email: string) => ({
      ...taxed,
      id: 1000n + id,
      remoteId: String(1000n + id),
      number: `#${2000n + id}`,
      customer: taxed.customer === null ? null : { ...taxed.customer, id, email, lastName: `No ${id}` },
      lines: taxed.lines.map((line) => ({
        ...line,
        variantId: 500n + id,
        sku: `SKU-${id}`,
        title: `Goods ${id}`,
      })),
    });
    const wavesOf = (id: bigint, email: string) =>
      it.waves.of(() => push(quickbooks, it.session, person(id, email)));
    // Before it has looked it asks each time; after a few questions it looks.
    expect(await wavesOf(20n, 'anna@example.com')).toBe(3);
    for (let asked = 0; asked < 6; asked += 1) directory.lacksEmail('nobody@example.com');
    await directory.settled();
    expect(directory.lacksEmail('nobody@example.com')).toBe(true);
    expect(directory.lacksEmail(' Anna@Example.com ')).toBe(false);
    expect(directory.lacksSku('sku-20')).toBe(false);
    expect(await wavesOf(21n, 'berta@example.com')).toBe(2);
    // Entered by hand: unknown until the next look, then adopted.
    const clara = it.sandbox.create('Customer', {
      DisplayName: 'Clara of the shop',
      PrimaryEmailAddr: { Address: 'clara@example.com' },
    });
    now += 21_000;
    directory.lacksEmail('clara@example.com');
    await directory.settled();
    expect(await wavesOf(22n, 'clara@example.com')).toBe(2);
    expect(it.session.linkOf('Customer', 22n, 'Customer')?.remoteId).toBe(clara.Id);
    // A name that somebody else is known to have is not tried: two calls instead of four.
    const nameOf = (id: bigint) =>
      String(
        it.sandbox.list('Customer').find((one) => JSON.stringify(one).includes(`No ${id}`))?.DisplayName,
      );
    const taken = nameOf(21n).replace('No 21', 'No 23');
    it.sandbox.create('Customer', {
      DisplayName: taken.toUpperCase(),
      PrimaryEmailAddr: { Address: 'namesake@example.com' },
    });
    now += 21_000;
    directory.lacksEmail('dora@example.com');
    await directory.settled();
    expect(await wavesOf(23n, 'dora@example.com')).toBe(2);
    expect(nameOf(23n)).toBe(`${taken} (C23)`);
    // One that we have made ourselves is known before the next look.
    const { firstName } = person(24n, '').customer ?? {};
    const namesake = {
      ...person(25n, 'emil@example.com'),
      customer: { ...person(24n, '').customer, id: 25n },
    };
    expect(await wavesOf(24n, 'fritz@example.com')).toBe(2);
    expect(
      await it.waves.of(() =>
        push(quickbooks, it.session, {
          ...namesake,
          customer:
            taxed.customer === null
              ? null
              : {
                  ...taxed.customer,
                  id: 25n,
                  email: 'emil@example.com',
                  firstName: firstName ?? null,
                  lastName: 'No 24',
                },
        }),
      ),
    ).toBe(2);
    // Too long without a look: nothing is sure any more.
    now += 61_000;
    expect(directory.lacksEmail('nobody@example.com')).toBe(false);
  });

  it('takes at most three calls one after the other for strangers, and one once all are known', async () => {
    await using it = await company();
    await it.prepare();
    it.calls();
    expect(await it.waves.of(() => push(quickbooks, it.session, taxed))).toBe(3);
    expect(it.calls().at(-1)).toBe('POST salesreceipt');
    const next = { ...taxed, id: 502n, remoteId: '5', number: '#1002' };
    expect(await it.waves.of(() => push(quickbooks, it.session, next))).toBe(1);
    expect(it.calls()).toEqual(['POST salesreceipt']);
  });

  it('finds and makes what twenty orders need in few calls, each buyer and product once', async () => {
    await using it = await company();
    await it.prepare();
    it.calls();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        push(
          quickbooks,
          it.session,
          order({
            id: BigInt(700 + index),
            remoteId: `9${index}`,
            number: `#${index}`,
            customer: customer({
              id: BigInt(index % 10),
              email: `b${index % 10}@example.com`,
              firstName: `B${index % 10}`,
            }),
            lines: [
              orderLine({ variantId: BigInt(index % 5), sku: `S${index % 5}`, title: `P${index % 5}` }),
            ],
          }),
        ),
      ),
    );
    const calls = it.calls();
    expect(calls.filter((one) => one !== 'POST salesreceipt').length).toBeLessThanOrEqual(8);
    expect(receipts(it.sandbox)).toHaveLength(20);
    expect(it.sandbox.list('Customer')).toHaveLength(10);
    expect(it.sandbox.list('Item').filter((one) => one.Sku !== undefined)).toHaveLength(5);
  });

  it('equals every order to the cent, per rate (US)', async () => {
    await using it = await company({ limits: false });
    await it.prepare();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(generatedOrder(), async (generated) => {
        number += 1;
        const one = { ...generated, id: BigInt(number), remoteId: String(number), number: `#${number}` };
        const outcome = await push(quickbooks, it.session, one);
        if (outcome === null) {
          // Nothing was sold: there is nothing to post.
          expect(one.totalMinor).toBe(0n);
          return;
        }
        const receipt = it.sandbox.read('SalesReceipt', outcome.remoteId);
        expect(cents(receipt.TotalAmt)).toBe(one.totalMinor);
      }),
      { numRuns: 60 },
    );
    expect(it.sandbox.trialBalance()).toMatchObject({ balanced: true });
  });

  it('equals every order to the cent, per rate (elsewhere, prices with and without tax)', async () => {
    await using it = await company({ company: { taxMode: 'global' } }, { tax: { unmatched: 'line' } });
    await it.prepare();
    const rateIds = new Map(
      it.sandbox.list('TaxRate').map((rate) => [Number(rate.RateValue) / 100, rate.Id]),
    );
    let number = 0;
    await fc.assert(
      fc.asyncProperty(generatedOrder({ currency: 'GBP' }), async (generated) => {
        number += 1;
        const one = { ...generated, id: BigInt(number), remoteId: String(number), number: `#${number}` };
        const outcome = await push(quickbooks, it.session, one);
        if (outcome === null) {
          // Nothing was sold: there is nothing to post.
          expect(one.totalMinor).toBe(0n);
          return;
        }
        const receipt = it.sandbox.read('SalesReceipt', outcome.remoteId);
        expect(cents(receipt.TotalAmt)).toBe(one.totalMinor);
        const detail = receipt.TxnTaxDetail as
          | { TaxLine?: { Amount: number; TaxLineDetail: { TaxRateRef: { value: string } } }[] }
          | undefined;
        for (const rate of ['0.2', '0.05']) {
          const sold = one.lines.filter((line) => line.quantity > 0);
          const onLines = [...sold, ...one.shippingLines].some((part) =>
            part.taxes.some((tax) => tax.rate === rate && !tax.channelLiable),
          );
          if (!onLines) continue;
          const wanted = one.taxes
            .filter((tax) => tax.rate === rate && tax.title === 'VAT')
            .reduce((all, tax) => all + tax.amountMinor, 0n);
          const posted = (detail?.TaxLine ?? [])
            .filter((line) => line.TaxLineDetail.TaxRateRef.value === rateIds.get(Number(rate)))
            .reduce((all, line) => all + cents(line.Amount), 0n);
          expect(posted).toBe(wanted);
        }
      }),
      { numRuns: 60 },
    );
    expect(it.sandbox.trialBalance()).toMatchObject({ balanced: true });
  });

  it('shows prices with tax as the shop does', async () => {
    await using it = await company({ company: { taxMode: 'global' } });
    const vat = { title: 'VAT', rate: '0.2', amountMinor: 1000n, channelLiable: false };
    const gross = order({
      currency: 'GBP',
      taxesIncluded: true,
      lines: [orderLine({ quantity: 3, unitPriceMinor: 2000n, taxes: [vat] })],
    });
    await push(quickbooks, it.session, gross);
    const [receipt] = receipts(it.sandbox);
    expect(receipt).toMatchObject({
      GlobalTaxCalculation: 'TaxInclusive',
      TotalAmt: 60,
      TxnTaxDetail: { TotalTax: 10 },
    });
    expect(linesOf(receipt)[0]?.SalesItemLineDetail.TaxInclusiveAmt).toBe(60);
  });

  it('leaves tax that no code covers to a person, with a remedy', async () => {
    await using it = await company({ company: { taxMode: 'global' } });
    const odd = order({
      currency: 'GBP',
      lines: [
        orderLine({ taxes: [{ title: 'Odd', rate: '0.123', amountMinor: 615n, channelLiable: false }] }),
      ],
    });
    const error = await failure(push(quickbooks, it.session, odd));
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_TAX_UNMATCHED', false]);
    expect(error.publicMessage).toContain('Odd (0.123)');
    expect(receipts(it.sandbox)).toHaveLength(0);
  });

  it('is not made of authorised, test and cancelled orders', async () => {
    await using it = await company();
    for (const more of [
      { financialStatus: 'authorized' as const },
      { test: true },
      { cancelledAt: new Date(0), financialStatus: 'voided' as const },
    ])
      expect(await push(quickbooks, it.session, order(more))).toBeNull();
  });

  it('is not touched by a refund, which makes documents of its own', async () => {
    await using it = await company();
    await push(quickbooks, it.session, taxed);
    const refunded = { ...taxed, refundedMinor: 1000n, financialStatus: 'partially_refunded' as const };
    expect(quickbooks.plan(refunded, contextOf(quickbooks, it.session, refunded))).toEqual([]);
  });

  it('follows an edited order as the same document, also where a person has touched it', async () => {
    await using it = await company();
    const first = await push(quickbooks, it.session, taxed);
    it.sandbox.edit('SalesReceipt', first?.remoteId ?? '', { CustomerMemo: { value: 'Thanks!' } });
    const edited = order({ lines: [orderLine({ quantity: 4, taxes: [salesTax(725n)] })] });
    const second = await push(quickbooks, it.session, edited);
    expect(second).toMatchObject({
      remoteId: first?.remoteId,
      remoteVersion: '2',
      detail: { total: '107.25' },
    });
    expect(receipts(it.sandbox)).toHaveLength(1);
    expect(it.sandbox.read('SalesReceipt', first?.remoteId ?? '')).toMatchObject({
      TotalAmt: 107.25,
      CustomerMemo: { value: 'Thanks!' },
    });
  });

  // Without the warning nothing but the request id keeps a second receipt away.
  it.each([true, false])(
    'is written once though the answer was lost and the order has changed meanwhile (numbers checked: %s)',
    async (warnDuplicateDocNumber) => {
      await using it = await company({ company: { warnDuplicateDocNumber } });
      await it.prepare();
      it.sandbox.faults.add({
        id: 'lost',
        method: 'POST',
        path: '/salesreceipt',
        effect: { kind: 'dropResponse' },
        times: 1,
      });
      const error = await failure(push(quickbooks, it.session, taxed));
      expect(error.retryable).toBe(true);
      expect(receipts(it.sandbox)).toHaveLength(1);
      // A newer version of the order took the place of the push that failed: another push, another key.
      const edited = order({ lines: [orderLine({ quantity: 4, taxes: [salesTax(725n)] })] });
      const outcome = await push(quickbooks, it.session, edited);
      expect(outcome?.adopted).toBe(true);
      expect(receipts(it.sandbox).map((one) => one.TotalAmt)).toEqual([107.25]);
    },
  );

  it('takes over the receipt of an earlier attempt whose request id is forgotten', async () => {
    await using it = await company();
    const first = await push(quickbooks, it.session, taxed);
    it.session.known.splice(
      0,
      it.session.known.length,
      ...it.session.known.filter((one) => one.entityType !== 'Order'),
    );
    it.calls();
    const again = await push(quickbooks, it.session, taxed, { attempt: 2 });
    expect(again).toMatchObject({ remoteId: first?.remoteId, adopted: true });
    expect(it.calls()).toEqual(['GET query', 'GET query']);
  });

  it('sends no number to a company that numbers its forms itself, and knows its own by the mark', async () => {
    await using it = await company({ company: { customTxnNumbers: false } });
    const first = await push(quickbooks, it.session, taxed);
    expect(receipts(it.sandbox)).toMatchObject([{ DocNumber: '1001' }]);
    const [sent] = it.exchanges.filter((one) => one.path === 'salesreceipt');
    expect(sent?.body).not.toHaveProperty('DocNumber');
    const second = { ...taxed, id: 502n, remoteId: '5002', number: '#7777' };
    const other = await push(quickbooks, it.session, second);
    // A thousand sales of the day lie between it and what is asked for last.
    for (let index = 0; index < 1001; index += 1)
      it.sandbox.create('SalesReceipt', {
        TxnDate: String(receipts(it.sandbox)[0]?.TxnDate),
        Line: [
          { Amount: 5, DetailType: 'SalesItemLineDetail', SalesItemLineDetail: { ItemRef: { value: '1' } } },
        ],
      });
    const third = { ...taxed, id: 503n, remoteId: '5003', number: '#8888' };
    const last = await push(quickbooks, it.session, third);
    const forget = () =>
      it.session.known.splice(
        0,
        it.session.known.length,
        ...it.session.known.filter((one) => one.entityType !== 'Order'),
      );
    forget();
    for (const [given, outcome] of [
      [taxed, first],
      [second, other],
      [third, last],
    ] as const)
      expect(await push(quickbooks, it.session, given, { attempt: 2 })).toMatchObject({
        remoteId: outcome?.remoteId,
        adopted: true,
      });
    expect(receipts(it.sandbox)).toHaveLength(1004);
  });

  it('keeps the order’s number where somebody else’s receipt has it', async () => {
    await using it = await company();
    it.sandbox.create('SalesReceipt', {
      DocNumber: '1001',
      Line: [
        { Amount: 5, DetailType: 'SalesItemLineDetail', SalesItemLineDetail: { ItemRef: { value: '1' } } },
      ],
    });
    const outcome = await push(quickbooks, it.session, taxed);
    expect(outcome).toMatchObject({ adopted: false, detail: { docNumber: '1001' } });
    expect(receipts(it.sandbox)).toHaveLength(2);
  });

  it('asks a person where it was deleted, and is written again once they consent', async () => {
    await using it = await company();
    const first = await push(quickbooks, it.session, taxed);
    it.sandbox.remove('SalesReceipt', first?.remoteId ?? '');
    const edited = order({ lines: [orderLine({ quantity: 4, taxes: [salesTax(725n)] })] });
    const error = await failure(push(quickbooks, it.session, edited));
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_GONE', false]);
    expect((await failure(push(quickbooks, it.session, edited, { attempt: 2 }))).code).toBe(
      'QUICKBOOKS_GONE',
    );
    consent(it.session, 'Order');
    await push(quickbooks, it.session, edited);
    expect(receipts(it.sandbox).map((one) => one.TotalAmt)).toEqual([107.25]);
  });

  it('is written again when it was deleted and is asked for again', async () => {
    const clock = { now: Date.now() };
    await using it = await company({ now: () => clock.now });
    it.session.now = () => clock.now;
    const first = await push(quickbooks, it.session, taxed);
    it.sandbox.remove('SalesReceipt', first?.remoteId ?? '');
    it.session.known.splice(
      0,
      it.session.known.length,
      ...it.session.known.filter((one) => one.entityType !== 'Order'),
    );
    clock.now += 10 * 60_000;
    const second = await push(quickbooks, it.session, taxed);
    expect(second?.remoteId).not.toBe(first?.remoteId);
    expect(receipts(it.sandbox)).toHaveLength(1);
  });

  it('finds new items and customers where the known ones were made inactive', async () => {
    await using it = await company();
    await push(quickbooks, it.session, taxed);
    const [item] = it.sandbox.list('Item').filter((one) => one.Sku === 'WJ-BL-M');
    const [buyer] = it.sandbox.list('Customer');
    it.sandbox.edit('Item', item?.Id ?? '', { Active: false });
    it.sandbox.edit('Customer', buyer?.Id ?? '', { Active: false });
    const outcome = await push(quickbooks, it.session, {
      ...taxed,
      id: 502n,
      remoteId: '5',
      number: '#1002',
    });
    const receipt = it.sandbox.read('SalesReceipt', outcome?.remoteId ?? '');
    expect((receipt.CustomerRef as { value: string }).value).not.toBe(buyer?.Id);
    expect(linesOf(receipt)[0]?.SalesItemLineDetail.ItemRef).not.toMatchObject({ value: item?.Id });
  });

  it('takes away from its customer what it wrote and has no value for any more, and nothing else', async () => {
    await using it = await company();
    const buyer = customer({
      phone: '+14155550101',
      address: {
        firstName: null,
        lastName: null,
        company: null,
        address1: 'Long Street 1',
        address2: null,
        city: 'Bonn',
        province: null,
        zip: '53113',
        countryCode: 'DE',
        phone: null,
      },
    });
    await push(quickbooks, it.session, order({ customer: buyer }));
    const [made] = it.sandbox.list('Customer');
    it.sandbox.edit('Customer', made?.Id ?? '', { CompanyName: 'Theirs' });
    // As the webhook of that change leaves it.
    const link = it.session.known.find((one) => one.remoteType === 'Customer');
    if (link !== undefined) link.state = { ...link.state, company: 'Theirs' };
    const emptied = customer({ phone: null, lastName: null, address: null });
    await push(quickbooks, it.session, emptied);
    const [now] = it.sandbox.list('Customer');
    expect(now).toMatchObject({ GivenName: 'Ada', CompanyName: 'Theirs' });
    const {
      FamilyName: family,
      PrimaryPhone: phone,
      BillAddr: place,
    } = now as unknown as {
      FamilyName?: string;
      PrimaryPhone?: { FreeFormNumber?: string };
      BillAddr?: Record<string, string>;
    };
    expect([family ?? '', phone?.FreeFormNumber ?? '']).toEqual(['', '']);
    expect(['Line1', 'City', 'PostalCode', 'Country'].map((name) => place?.[name] ?? '')).toEqual([
      '',
      '',
      '',
      '',
    ]);
    expect(await push(quickbooks, it.session, emptied)).toBeNull();
  });

  it('goes to the first open day where the books are closed, and says so', async () => {
    await using it = await company();
    await it.prepare();
    // Closed after our look: the refusal makes us look again.
    it.sandbox.configure({ bookCloseDate: '2026-11-30' });
    await push(quickbooks, it.session, taxed);
    const [receipt] = receipts(it.sandbox);
    expect(receipt?.TxnDate).toBe('2026-12-01');
    expect(String(receipt?.PrivateNote)).toContain('Sold on 2026-11-20, when the books were closed.');
  });

  it('leaves closed books to a person where that is wished', async () => {
    await using it = await company({ company: { bookCloseDate: '2026-11-30' } }, { closedBooks: 'refuse' });
    const error = await failure(push(quickbooks, it.session, taxed));
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_BOOKS_CLOSED', false]);
  });

  it('speaks the order’s currency, with a customer per currency', async () => {
    await using it = await company({ company: { multiCurrency: true } }, { exchangeRates: { EUR: '1.1' } });
    await push(quickbooks, it.session, taxed);
    const euros = order({ id: 502n, remoteId: '5', number: '#1002', currency: 'EUR' });
    await push(quickbooks, it.session, euros);
    expect(
      it.sandbox
        .list('Customer')
        .map((one) => [one.DisplayName, (one.CurrencyRef as { value: string }).value]),
    ).toEqual([
      ['Ada Castro', 'USD'],
      ['Ada Castro (C7)', 'EUR'],
    ]);
    expect(receipts(it.sandbox)[1]).toMatchObject({
      CurrencyRef: { value: 'EUR' },
      ExchangeRate: 1.1,
      TotalAmt: 50,
      HomeTotalAmt: 55,
    });
  });

  it('asks for multicurrency where the books have one currency only', async () => {
    await using it = await company();
    const error = await failure(push(quickbooks, it.session, order({ currency: 'EUR' })));
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_CURRENCY', false]);
  });

  it('does not post an order whose parts lack more than a little of its total', async () => {
    await using it = await company();
    const error = await failure(push(quickbooks, it.session, order({ totalMinor: 5_101n })));
    expect([error.code, error.publicMessage]).toEqual([
      'ORDER_DOES_NOT_ADD_UP',
      'The parts of order 1001 lack 1.01 USD of its total.',
    ]);
    await push(quickbooks, it.session, order({ totalMinor: 5_100n }));
    expect(receipts(it.sandbox)[0]).toMatchObject({ TotalAmt: 51 });
  });
});

describe('buyers', () => {
  it('are taken over by their address', async () => {
    await using it = await company();
    const known = it.sandbox.create('Customer', {
      DisplayName: 'Castro, A.',
      PrimaryEmailAddr: { Address: 'Ada@Example.com' },
    });
    await push(quickbooks, it.session, taxed);
    expect(receipts(it.sandbox)[0]?.CustomerRef).toMatchObject({ value: known.Id });
    expect(it.session.linkOf('Customer', 7n, 'Customer')).toMatchObject({ remoteId: known.Id });
  });

  it('get a name of their own where a vendor or a stranger has it', async () => {
    await using it = await company();
    it.sandbox.create('Vendor', { DisplayName: 'Ada Castro' });
    await push(quickbooks, it.session, taxed);
    expect(it.sandbox.list('Customer').map((one) => one.DisplayName)).toEqual(['Ada Castro (C7)']);
    const stranger = customer({ id: 8n, email: 'other@example.com', phone: null });
    it.sandbox.create('Customer', {
      DisplayName: 'Ada Castro (C8)',
      PrimaryEmailAddr: { Address: 'third@example.com' },
    });
    await push(
      quickbooks,
      it.session,
      order({ id: 502n, remoteId: '5', number: '#1002', customer: stranger }),
    );
    expect(it.sandbox.list('Customer').at(-1)?.DisplayName).toMatch(/^Ada Castro \([0-9A-Za-z]{8}\)$/);
  });

  it('are the guest where there is nobody', async () => {
    await using it = await company();
    await push(quickbooks, it.session, order({ customer: null }));
    await push(quickbooks, it.session, order({ id: 502n, remoteId: '5', number: '#1002', customer: null }));
    expect(it.sandbox.list('Customer').map((one) => one.DisplayName)).toEqual(['Guest']);
  });

  it('have names without what QuickBooks does not take', async () => {
    await using it = await company();
    const odd = customer({
      firstName: `A:da\t${'x'.repeat(120)}`,
      lastName: null,
      phone: '1'.repeat(40),
      email: 'no address',
    });
    await push(quickbooks, it.session, order({ customer: odd }));
    expect(String(it.sandbox.list('Customer')[0]?.DisplayName)).toHaveLength(100);
  });

  it('are kept up to date once they are linked, field by field, over other people’s edits', async () => {
    await using it = await company();
    expect(quickbooks.plan(customer(), contextOf(quickbooks, it.session, customer()))).toEqual([]);
    await push(quickbooks, it.session, taxed);
    expect(await push(quickbooks, it.session, customer())).toBeNull();
    const id = it.session.linkOf('Customer', 7n, 'Customer')?.remoteId ?? '';
    it.sandbox.edit('Customer', id, { Notes: 'Pays late' });
    const moved = customer({ phone: '+4930999' });
    const outcome = await push(quickbooks, it.session, moved);
    expect(outcome).toMatchObject({ remoteType: 'Customer', remoteId: id, remoteVersion: '2' });
    expect(it.sandbox.read('Customer', id)).toMatchObject({
      Notes: 'Pays late',
      PrimaryPhone: { FreeFormNumber: '+4930999' },
      BillAddr: { City: 'Berlin' },
    });
    expect(await push(quickbooks, it.session, moved)).toBeNull();
  });
});

describe('what QuickBooks tells', () => {
  const facts = (
    incoming: Partial<IncomingDelivery> & { entity: string; id: string; operation: string },
  ): DeliveryFacts => ({
    id: 1n,
    topic: `${incoming.entity}.${incoming.operation}`,
    subject: `${incoming.entity}:${incoming.id}`,
    eventId: null,
    triggeredAt: null,
    receivedAt: new Date(),
    body: Buffer.from(
      JSON.stringify({
        entity: incoming.entity,
        id: incoming.id,
        operation: incoming.operation,
        at: '2026-11-20T00:00:00Z',
        mergedId: null,
      }),
    ),
  });

  it('of a receipt is the state that posting left, so that an echo changes nothing', async () => {
    await using it = await company();
    const outcome = await push(quickbooks, it.session, taxed);
    const id = outcome?.remoteId ?? '';
    expect(
      await quickbooks.interpret(facts({ entity: 'salesreceipt', id, operation: 'created' }), it.session, {
        fresh: false,
      }),
    ).toEqual({ kind: 'ignored', reason: 'A record of our own making, told back.' });
    // What we wrote and what it is worth is our own knowledge.
    const told = Object.fromEntries(
      Object.entries(outcome?.state ?? {}).filter(([name]) => name !== 'written' && name !== 'value'),
    );
    const read = await quickbooks.interpret(
      facts({ entity: 'salesreceipt', id, operation: 'updated' }),
      it.session,
      { fresh: false },
    );
    expect(read).toMatchObject({
      kind: 'changes',
      changes: [
        {
          kind: 'documentObserved',
          remoteType: 'SalesReceipt',
          remoteId: id,
          remoteVersion: '0',
          state: told,
        },
      ],
    });
    it.sandbox.remove('SalesReceipt', id);
    expect(
      await quickbooks.interpret(facts({ entity: 'salesreceipt', id, operation: 'deleted' }), it.session, {
        fresh: false,
      }),
    ).toMatchObject({ changes: [{ kind: 'documentObserved', remoteId: id, state: null }] });
  });

  it('of a customer is the record as it stands now, with what the books hold', async () => {
    await using it = await company();
    await push(quickbooks, it.session, taxed);
    const id = it.session.linkOf('Customer', 7n, 'Customer')?.remoteId ?? '';
    const read = () =>
      quickbooks.interpret(facts({ entity: 'customer', id, operation: 'updated' }), it.session, {
        fresh: false,
      });
    expect(await read()).toMatchObject({ kind: 'ignored' });
    it.sandbox.edit('Customer', id, { PrimaryPhone: { FreeFormNumber: '+1 555' } });
    expect(await read()).toMatchObject({
      kind: 'changes',
      changes: [
        {
          kind: 'customer',
          remoteId: id,
          customer: {
            firstName: 'Ada',
            phone: '+1 555',
            email: 'ada@example.com',
            address: { address2: 'Flat 3', countryCode: 'DE' },
          },
          observed: { phone: '+1 555', city: 'Berlin' },
        },
      ],
    });
    it.sandbox.edit('Customer', id, { Active: false });
    expect(await read()).toMatchObject({ changes: [{ kind: 'customerRemoved', remoteId: id }] });
  });

  it('of the guest, of vendors and of items is of no use', async () => {
    await using it = await company();
    await push(quickbooks, it.session, order({ customer: null }));
    const id = it.sandbox.list('Customer')[0]?.Id ?? '';
    for (const entity of ['customer', 'vendor', 'item'])
      expect(
        await quickbooks.interpret(facts({ entity, id, operation: 'updated' }), it.session, { fresh: false }),
      ).toMatchObject({ kind: 'ignored' });
  });

  it('about many is read in one call', async () => {
    await using it = await company();
    const ids = Array.from(
      { length: 20 },
      (_, index) => it.sandbox.create('Customer', { DisplayName: `C${index}` }).Id,
    );
    await quickbooks.interpret(
      facts({ entity: 'customer', id: ids[0] ?? '', operation: 'created' }),
      it.session,
      { fresh: false },
    );
    it.calls();
    await Promise.all(
      ids.map((id) =>
        quickbooks.interpret(facts({ entity: 'customer', id, operation: 'created' }), it.session, {
          fresh: false,
        }),
      ),
    );
    expect(it.calls()).toEqual(['GET query']);
  });
});

describe('sweeping', () => {
  async function swept(it: Awaited<ReturnType<typeof company>>, since: Date | null) {
    const changes = [];
    for await (const page of quickbooks.sweep(it.session, { since })) changes.push(...page);
    return changes.map((one) => [
      one.kind,
      'remoteId' in one ? one.remoteId : '',
      one.kind === 'documentObserved' && one.state === null,
    ]);
  }

  it('tells what changed since, deletions included', async () => {
    const clock = { now: Date.now() - 3_600_000 };
    await using it = await company({ now: () => clock.now });
    it.session.now = () => clock.now;
    it.sandbox.create('Customer', { DisplayName: 'Before' });
    const first = await push(quickbooks, it.session, taxed);
    clock.now += 1_800_000;
    const since = new Date(clock.now);
    clock.now += 60_000;
    const fresh = it.sandbox.create('Customer', { DisplayName: 'Since' });
    it.sandbox.remove('SalesReceipt', first?.remoteId ?? '');
    const second = await push(quickbooks, it.session, order({ id: 502n, remoteId: '5', number: '#1002' }));
    expect((await swept(it, since)).toSorted()).toEqual(
      [
        ['customer', fresh.Id, false],
        ['documentObserved', first?.remoteId, true],
        ['documentObserved', second?.remoteId, false],
      ].toSorted(),
    );
  });

  it('reads everything the first time, and where too much changed for one answer', async () => {
    await using it = await company();
    it.sandbox.seed({ customers: 1200 });
    expect(await swept(it, null)).toHaveLength(1200);
    expect(await swept(it, new Date(Date.now() - 3_600_000))).toHaveLength(1200);
  });
});

describe('trouble', () => {
  it.each([
    [
      'XML for a limit',
      {
        kind: 'status',
        status: 429,
        headers: { 'content-type': 'application/xml' },
        body: '<IntuitResponse/>',
      },
      'QUICKBOOKS_RATE_LIMIT',
      true,
    ],
    ['a server error', { kind: 'status', status: 503, body: 'down' }, 'QUICKBOOKS_UNAVAILABLE', true],
    ['a cut connection', { kind: 'reset' }, 'QUICKBOOKS_UNREACHABLE', true],
    [
      'no authorisation',
      {
        kind: 'status',
        status: 403,
        body: '{"fault":{"error":[{"message":"no","detail":"no","code":"3100"}],"type":"AUTHORIZATION"}}',
      },
      'QUICKBOOKS_FORBIDDEN',
      false,
    ],
  ] as const)('says of %s what it is', async (_what, effect, code, retryable) => {
    await using it = await company();
    await it.prepare();
    it.sandbox.faults.add({ id: 'x', path: '/v3/', effect });
    const error = await failure(push(quickbooks, it.session, taxed));
    expect([error.code, error.retryable]).toEqual([code, retryable]);
  });

  it('reads a fault inside HTTP 200', async () => {
    await using it = await company();
    await it.prepare();
    it.sandbox.configure({ companyStatus: 'expired' });
    it.sandbox.faults.clear();
    const error = await failure(
      push(
        quickbooks,
        it.session,
        order({ customer: null, lines: [orderLine({ variantId: null, sku: null })] }),
      ),
    );
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_SUBSCRIPTION', false]);
  });

  it('gives up waiting after the time-out', async () => {
    await using it = await company();
    await it.prepare();
    Object.assign(it.session, { timeoutMs: 50 });
    it.sandbox.faults.add({ id: 'x', path: '/v3/', effect: { kind: 'timeout' }, times: 1 });
    const error = await failure(push(quickbooks, it.session, taxed));
    expect([error.code, error.retryable]).toEqual(['QUICKBOOKS_TIMEOUT', true]);
  });

  it('renews the access token once for all who find it spent, and keeps the new refresh token', async () => {
    await using it = await company();
    await it.prepare();
    expect(it.session.rotations).toBe(1);
    it.sandbox.expireTokens();
    const before = it.session.stored.refreshToken;
    await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        push(
          quickbooks,
          it.session,
          order({ id: BigInt(900 + index), remoteId: `r${index}`, number: `#r${index}` }),
        ),
      ),
    );
    expect(it.session.rotations).toBe(2);
    expect(it.session.stored.refreshToken).not.toBe(before);
    expect(receipts(it.sandbox)).toHaveLength(5);
  });

  it('names the remedy where the connection was withdrawn', async () => {
    await using it = await company();
    await it.prepare();
    it.sandbox.expireTokens(true);
    const error = await failure(push(quickbooks, it.session, taxed));
    expect([error.code, error.retryable, error.remedy]).toEqual([
      'QUICKBOOKS_UNAUTHORIZED',
      false,
      'Connect QuickBooks again, then retry.',
    ]);
  });
});

/** JSON number → minor units, through its text. */
function cents(amount: unknown): bigint {
  const [whole = '0', fraction = ''] = String(amount).split('.');
  const digits = BigInt(whole.replace('-', '') + fraction.padEnd(2, '0').slice(0, 2));
  return whole.startsWith('-') ? -digits : digits;
}
