import { describe, expect, it } from 'vitest';
import type { OrderSnapshot, RefundSnapshot, TaxSnapshot } from '../../src/model/snapshot.ts';
import type { Entity } from '../../src/sync/platforms/quickbooks/client.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { consent, contextOf, order, orderLine, paid, push } from './memory-session.ts';
import { company, failure } from './quickbooks-support.ts';

type Company = Awaited<ReturnType<typeof company>>;

const tax = (amountMinor: bigint): TaxSnapshot => ({
  title: 'CA State Tax',
  rate: '0.0725',
  amountMinor,
  channelLiable: false,
});

/** Four jumpers at 25.00 with tax, 107.25 in all. */
const sold = order({
  lines: [orderLine({ quantity: 4, taxes: [tax(725n)] })],
  transactions: [paid('shopify_payments', 10_725n)],
});

function refund(more: Partial<RefundSnapshot> = {}): RefundSnapshot {
  const id = more.id ?? 900n;
  const back = more.totalMinor ?? 2_681n;
  return {
    id,
    remoteId: `88800000${id}`,
    note: null,
    totalMinor: back,
    settled: true,
    refundedAt: new Date('2026-11-22T12:00:00Z'),
    lines: [{ orderLineId: 71n, quantity: 1, subtotalMinor: 2_500n, taxMinor: 181n, restockType: 'return' }],
    adjustments: [],
    transactions: back === 0n ? [] : [paid('shopify_payments', back, { kind: 'refund', refundId: id })],
    ...more,
  };
}

function withRefunds(given: OrderSnapshot, ...refunds: RefundSnapshot[]): OrderSnapshot {
  return {
    ...given,
    financialStatus: 'partially_refunded',
    refunds,
    transactions: [...given.transactions, ...refunds.flatMap((one) => one.transactions)],
  };
}

const about = (given: OrderSnapshot, id = 900n) => ({ type: 'Refund', id, order: given }) as const;

function balances(it: Company): Record<string, string> {
  return Object.fromEntries(
    it.sandbox
      .ledger()
      .filter((one) => one.home !== '0.00')
      .map((one) => [one.name, one.home]),
  );
}

const only = (it: Company, type: 'CreditMemo' | 'Purchase' | 'Payment' | 'RefundReceipt' | 'Invoice') => {
  const found = it.sandbox.list(type);
  expect(found).toHaveLength(1);
  return found[0] as (typeof found)[number];
};

describe('a refund', () => {
  it('is a credit memo with lines, the money that left, and both closed with each other', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const outcome = await push(quickbooks, it.session, about(withRefunds(sold, refund())));
    const memo = only(it, 'CreditMemo');
    expect(memo).toMatchObject({
      DocNumber: '1001-R0900',
      TxnDate: '2026-11-22',
      TotalAmt: 26.81,
      RemainingCredit: 0,
      CustomerRef: { name: 'Ada Castro' },
      TxnTaxDetail: { TotalTax: 1.81 },
    });
    expect((memo.Line as { Amount: number }[])[0]).toMatchObject({
      Amount: 25,
      SalesItemLineDetail: { ItemRef: { name: 'Wool jumper – Blue / M' }, Qty: 1, UnitPrice: 25 },
    });
    expect(only(it, 'Purchase')).toMatchObject({
      TotalAmt: 26.81,
      PaymentType: 'Cash',
      AccountRef: { name: 'Undeposited Funds' },
      EntityRef: { name: 'Ada Castro' },
    });
    expect(only(it, 'Payment')).toMatchObject({ TotalAmt: 0, UnappliedAmt: 0 });
    expect(balances(it)).toEqual({
      'Undeposited Funds': '80.44',
      'Sales of Product Income': '-75.00',
      'California Payable 1': '-5.44',
    });
    expect(it.sandbox.list('Customer')[0]).toMatchObject({ Balance: 0 });
    expect(it.sandbox.list('JournalEntry')).toEqual([]);
    expect(outcome).toMatchObject({
      remoteType: 'CreditMemo',
      remoteId: memo.Id,
      detail: { docNumber: '1001-R0900', total: '26.81' },
      state: { total: '26.81', tax: '1.81', value: '26.81' },
    });
  });

  it('takes two calls one after the other once buyer and items are known', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const first = { ...sold, id: 502n, remoteId: '5', number: '#1002' };
    await push(quickbooks, it.session, first);
    await push(quickbooks, it.session, about(withRefunds(sold, refund())));
    const again = withRefunds(first, refund({ id: 901n }));
    expect(await it.waves.of(() => push(quickbooks, it.session, about(again, 901n)))).toBe(2);
  });

  it('adds up to the sale in as many steps as it is given back in', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const parts = [181n, 182n, 181n, 181n].map((taxMinor, index) =>
      refund({
        id: BigInt(900 + index),
        totalMinor: 2_500n + taxMinor,
        refundedAt: new Date(Date.UTC(2026, 10, 22, index)),
        lines: [{ orderLineId: 71n, quantity: 1, subtotalMinor: 2_500n, taxMinor, restockType: 'return' }],
      }),
    );
    const whole = withRefunds(sold, ...parts);
    for (const part of [2, 0, 3, 1]) await push(quickbooks, it.session, about(whole, parts[part]?.id));
    expect(balances(it)).toEqual({});
    expect(it.sandbox.list('CreditMemo')).toHaveLength(4);
  });

  it('waits for its order, for its money and for another attempt', async () => {
    await using it = await company();
    const given = withRefunds(sold, refund());
    expect((await failure(push(quickbooks, it.session, about(given)))).code).toBe('LINK_PENDING');
    await push(quickbooks, it.session, sold);
    for (const status of ['pending', 'failure']) {
      const late = withRefunds(
        sold,
        refund({
          transactions: [paid('shopify_payments', 2_681n, { kind: 'refund', status, refundId: 900n })],
        }),
      );
      expect(await push(quickbooks, it.session, about(late))).toBeNull();
    }
    expect(it.sandbox.list('CreditMemo')).toEqual([]);
  });

  it('is one receipt where the policy wants it so', async () => {
    await using it = await company({}, { refunds: 'refundReceipt' });
    await push(quickbooks, it.session, sold);
    const outcome = await push(quickbooks, it.session, about(withRefunds(sold, refund())));
    expect(outcome?.remoteType).toBe('RefundReceipt');
    expect(only(it, 'RefundReceipt')).toMatchObject({
      TotalAmt: 26.81,
      DepositToAccountRef: { name: 'Undeposited Funds' },
    });
    expect(it.sandbox.list('CreditMemo')).toEqual([]);
    expect(balances(it)['Undeposited Funds']).toBe('80.44');
  });

  it('keeps the form that it has in the books when the policy changes', async () => {
    for (const [before, after, type] of [
      ['refundReceipt', 'creditMemo', 'RefundReceipt'],
      ['creditMemo', 'refundReceipt', 'CreditMemo'],
    ] as const) {
      await using it = await company();
      it.session.settings = { refunds: before };
      await push(quickbooks, it.session, sold);
      await push(quickbooks, it.session, about(withRefunds(sold, refund())));
      const posted = balances(it);
      it.session.settings = { refunds: after };
      const told = about(withRefunds({ ...sold, note: 'told again' }, refund({ note: 'Too small' })));
      await push(quickbooks, it.session, told);
      expect(only(it, type).TotalAmt).toBe(26.81);
      expect(it.sandbox.list('CreditMemo').length + it.sandbox.list('RefundReceipt').length).toBe(1);
      expect(balances(it)).toEqual(posted);
    }
  });

  it('brings goods back into the inventory asset where they return to stock, and leaves their cost a cost where not', async () => {
    await using it = await company();
    const account = (name: string) => ({
      value: it.sandbox.list('Account').find((one) => one.Name === name)?.Id ?? '',
    });
    it.sandbox.create('Item', {
      Name: 'Jumper in stock',
      Sku: 'WJ-BL-M',
      Type: 'Inventory',
      IncomeAccountRef: account('Sales of Product Income'),
      ExpenseAccountRef: account('Cost of Goods Sold'),
      AssetAccountRef: account('Inventory Asset'),
      InvStartDate: '2026-01-01',
      QtyOnHand: 10,
      PurchaseCost: 12,
      TrackQtyOnHand: true,
    });
    const stock = () => {
      const { 'Inventory Asset': asset = '0.00', 'Cost of Goods Sold': cost = '0.00' } = balances(it);
      return { asset, cost };
    };
    await push(quickbooks, it.session, sold);
    expect(stock()).toEqual({ asset: '72.00', cost: '48.00' });
    const back = refund();
    await push(quickbooks, it.session, about(withRefunds(sold, back)));
    expect(stock()).toEqual({ asset: '84.00', cost: '36.00' });
    const [line] = back.lines;
    const broken = refund({
      id: 901n,
      lines: line === undefined ? [] : [{ ...line, restockType: 'no_restock' }],
    });
    await push(quickbooks, it.session, about(withRefunds(sold, back, broken), 901n));
    expect(stock()).toEqual({ asset: '84.00', cost: '36.00' });
    // Its income is taken back all the same.
    expect(balances(it)['Sales of Product Income']).toBe('-50.00');
    expect(balances(it)['Damaged Goods Written Off']).toBeUndefined();

    // The shop looks at it: it is broken. The memo that stands says so, and no other is written.
    const looked = {
      ...broken,
      lines: broken.lines.map((one) => ({ ...one, fates: { restocked: 0, damaged: 1, notReturned: 0 } })),
    };
    await push(quickbooks, it.session, about(withRefunds(sold, back, looked), 901n));
    expect(stock()).toEqual({ asset: '84.00', cost: '36.00' });
    expect(balances(it)).toMatchObject({
      'Sales of Product Income': '-75.00',
      'Damaged Goods Written Off': '25.00',
    });
    expect(it.sandbox.list('CreditMemo')).toHaveLength(2);
    const mended = {
      ...broken,
      lines: broken.lines.map((one) => ({ ...one, fates: { restocked: 1, damaged: 0, notReturned: 0 } })),
    };
    await push(quickbooks, it.session, about(withRefunds(sold, back, mended), 901n));
    expect(stock()).toEqual({ asset: '96.00', cost: '24.00' });
  });

  it('takes three calls, and none to hear that its own payment has settled the memo', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    await push(quickbooks, it.session, about(withRefunds(sold, refund())));
    it.calls();
    const second = refund({ id: 901n });
    await push(quickbooks, it.session, about(withRefunds(sold, refund(), second), 901n));
    expect(it.calls().toSorted()).toEqual(['POST creditmemo', 'POST payment', 'POST purchase']);
    const memo = it.sandbox.list('CreditMemo').at(-1) as Entity;
    expect(memo.SyncToken).not.toBe('0');
    const told = (at: Date) =>
      quickbooks.interpret(
        {
          id: 1n,
          topic: 'creditmemo.updated',
          subject: `creditmemo:${memo.Id}`,
          eventId: null,
          triggeredAt: null,
          receivedAt: at,
          body: Buffer.from(
            JSON.stringify({
              entity: 'creditmemo',
              id: memo.Id,
              operation: 'updated',
              at: at.toISOString(),
              mergedId: null,
            }),
          ),
        },
        it.session,
        { fresh: false },
      );
    const settledAt = Date.parse(memo.MetaData.LastUpdatedTime);
    expect(await told(new Date(settledAt))).toMatchObject({ kind: 'ignored' });
    expect(it.calls()).toEqual([]);
    // Whatever happens to it later is somebody's doing.
    expect(await told(new Date(settledAt + 60_000))).toMatchObject({ kind: 'changes' });
    expect(it.calls()).toHaveLength(1);
  });

  it('goes back through the account of each gateway', async () => {
    await using it = await company({}, { gatewayAccounts: { cash: 'Cash Register' } });
    const split = {
      ...sold,
      transactions: [paid('cash', 2_725n), paid('shopify_payments', 8_000n)],
    };
    const sale = await push(quickbooks, it.session, split);
    expect(sale?.remoteType).toBe('Invoice');
    expect(only(it, 'Invoice')).toMatchObject({ TotalAmt: 107.25, Balance: 0 });
    expect(balances(it)).toMatchObject({ 'Cash Register': '27.25', 'Undeposited Funds': '80.00' });
    const back = refund({
      transactions: [
        paid('cash', 681n, { kind: 'refund', refundId: 900n }),
        paid('shopify_payments', 2_000n, { kind: 'refund', refundId: 900n }),
      ],
    });
    await push(quickbooks, it.session, about(withRefunds(split, back)));
    expect(balances(it)).toMatchObject({ 'Cash Register': '20.44', 'Undeposited Funds': '60.00' });
    expect(only(it, 'CreditMemo')).toMatchObject({ RemainingCredit: 0 });
  });

  it('onto a gift card or as store credit is a debt and no money', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const back = refund({
      transactions: [
        paid('gift_card', 2_000n, { kind: 'refund', refundId: 900n }),
        paid('shopify_store_credit', 681n, { kind: 'refund', refundId: 900n }),
      ],
    });
    await push(quickbooks, it.session, about(withRefunds(sold, back)));
    expect(balances(it)).toMatchObject({
      'Undeposited Funds': '107.25',
      'Gift Card Liability': '-20.00',
      'Store Credit Liability': '-6.81',
    });
    expect(it.sandbox.list('Purchase')).toEqual([]);
  });

  it('of an invoice that is not paid is spent on it', async () => {
    await using it = await company({}, { unpaidOrders: 'invoice' });
    const unpaid = { ...sold, financialStatus: 'pending' as const, paidMinor: 0n, transactions: [] };
    await push(quickbooks, it.session, unpaid);
    const back = { ...withRefunds(unpaid, refund({ totalMinor: 0n })), financialStatus: 'pending' as const };
    await push(quickbooks, it.session, about(back));
    expect(only(it, 'Invoice')).toMatchObject({ TotalAmt: 107.25, Balance: 80.44 });
    expect(only(it, 'CreditMemo')).toMatchObject({ TotalAmt: 26.81, RemainingCredit: 0 });
    // The rest is paid in two steps, the second told together with the first.
    const half = {
      ...back,
      financialStatus: 'partially_paid' as const,
      transactions: [paid('bank', 4_000n)],
      paidMinor: 4_000n,
    };
    await push(quickbooks, it.session, half);
    expect(only(it, 'Invoice')).toMatchObject({ Balance: 40.44 });
    const whole = { ...half, transactions: [paid('bank', 8_044n)], financialStatus: 'paid' as const };
    await push(quickbooks, it.session, whole);
    expect(only(it, 'Invoice')).toMatchObject({ Balance: 0 });
    expect(it.sandbox.list('Customer')[0]).toMatchObject({ Balance: 0 });
    expect(quickbooks.plan(whole, contextOf(quickbooks, it.session, whole))).toEqual([]);
  });

  it('spent on an exchange leaves the receipt at the money that came in', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const cap = orderLine({
      id: 72n,
      remoteId: '9002',
      variantId: 32n,
      sku: 'CAP',
      title: 'Cap',
      quantity: 1,
    });
    const grown = order({
      ...sold,
      lines: [...sold.lines, { ...cap, unitPriceMinor: 2_681n, totalMinor: 2_681n }],
      totalMinor: 13_406n,
    });
    const exchanged = withRefunds(grown, refund({ totalMinor: 0n }));
    await push(quickbooks, it.session, exchanged);
    await push(quickbooks, it.session, about(exchanged));
    expect(balances(it)).toEqual({
      'Undeposited Funds': '107.25',
      'Sales of Product Income': '-101.81',
      'California Payable 1': '-5.44',
    });
    expect(it.sandbox.list('SalesReceipt')[0]).toMatchObject({ TotalAmt: 107.25 });
  });

  it('is written once though answers were lost and request ids are forgotten', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const given = about(withRefunds(sold, refund()));
    for (const path of ['/creditmemo', '/purchase', '/payment'])
      it.sandbox.faults.add({
        id: path,
        method: 'POST',
        path,
        effect: { kind: 'dropResponse' },
        times: 1,
      });
    expect((await failure(push(quickbooks, it.session, given))).retryable).toBe(true);
    for (let attempt = 2; attempt < 5; attempt += 1) {
      const outcome = await push(quickbooks, it.session, given, { attempt }).catch(() => null);
      if (outcome !== null) break;
    }
    for (const type of ['CreditMemo', 'Purchase', 'Payment'] as const)
      expect([type, it.sandbox.list(type).length]).toEqual([type, 1]);
    expect(balances(it)['Undeposited Funds']).toBe('80.44');
  });

  it('is taken back whole: application, money and memo', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const given = about(withRefunds(sold, refund()));
    await push(quickbooks, it.session, given);
    for (const link of it.session.known)
      if (link.entityType === 'Refund' && link.remoteType === 'CreditMemo') link.state.void = 'asked';
    await push(quickbooks, it.session, given);
    expect(balances(it)['Undeposited Funds']).toBe('107.25');
    expect(it.sandbox.list('CreditMemo')).toEqual([]);
    expect(await push(quickbooks, it.session, given)).toBeNull();
  });
});

describe('a document that somebody changed in QuickBooks', () => {
  const edited = order({ lines: [orderLine({ quantity: 5, taxes: [tax(906n)] })] });

  it('is not written over before they consent, whether or not we were told', async () => {
    await using it = await company();
    const first = await push(quickbooks, it.session, sold);
    const id = first?.remoteId ?? '';
    const line = (it.sandbox.read('SalesReceipt', id).Line as Record<string, unknown>[])[0];
    it.sandbox.edit('SalesReceipt', id, {
      Line: [{ ...line, Amount: 90, SalesItemLineDetail: { ItemRef: { value: '1' } } }],
    });
    const error = await failure(push(quickbooks, it.session, edited));
    expect([error.code, error.retryable]).toEqual(['DOCUMENT_CHANGED_BY_HAND', false]);
    expect(error.remedy).toContain('postingRepost');
    consent(it.session, 'Order');
    await push(quickbooks, it.session, edited);
    expect(it.sandbox.read('SalesReceipt', id)).toMatchObject({ TotalAmt: 134.06 });
  });

  it('is voided on wish, and stays so whatever becomes of the order', async () => {
    await using it = await company();
    const first = await push(quickbooks, it.session, sold);
    for (const link of it.session.known) if (link.entityType === 'Order') link.state.void = 'asked';
    await push(quickbooks, it.session, sold);
    expect(it.sandbox.read('SalesReceipt', first?.remoteId ?? '')).toMatchObject({ TotalAmt: 0 });
    expect(balances(it)).toEqual({});
    expect(await push(quickbooks, it.session, edited)).toBeNull();
  });
});

describe('a document of a closed period', () => {
  it.each([
    ['more', 5, 906n, 'SalesReceipt', 26.81],
    ['less', 3, 544n, 'RefundReceipt', 26.81],
  ] as const)(
    'stays, and what the order is %s is corrected on the first open day',
    async (_, quantity, minor, type, amount) => {
      await using it = await company();
      it.session.now = () => Date.parse('2026-11-24T12:00:00Z');
      const first = await push(quickbooks, it.session, sold);
      it.sandbox.configure({ bookCloseDate: '2026-11-30' });
      const edited = order({ lines: [orderLine({ quantity, taxes: [tax(minor)] })] });
      const outcome = await push(quickbooks, it.session, edited);
      expect(it.sandbox.read('SalesReceipt', first?.remoteId ?? '')).toMatchObject({ TotalAmt: 107.25 });
      const correction = it.sandbox.list(type).find((one) => one.DocNumber === '1001-C1');
      expect(correction).toMatchObject({ TotalAmt: amount, TxnDate: '2026-12-01' });
      expect(outcome?.detail.correction).toMatchObject({ docNumber: '1001-C1', type });
      expect(balances(it)['Undeposited Funds']).toBe(quantity === 5 ? '134.06' : '80.44');
      expect(quickbooks.plan(edited, contextOf(quickbooks, it.session, edited))).toEqual([]);
    },
  );

  it('is corrected again by what its corrections lack, in a company that numbers its forms itself too', async () => {
    await using it = await company({ company: { customTxnNumbers: false } });
    it.session.now = () => Date.parse('2026-11-24T12:00:00Z');
    await push(quickbooks, it.session, sold);
    it.sandbox.configure({ bookCloseDate: '2026-11-30' });
    for (const [quantity, minor] of [
      [5, 906n],
      [6, 1_087n],
    ] as const)
      await push(quickbooks, it.session, order({ lines: [orderLine({ quantity, taxes: [tax(minor)] })] }));
    expect(it.sandbox.list('SalesReceipt').map((one) => [one.DocNumber, one.TotalAmt])).toEqual([
      ['1001', 107.25],
      ['1002', 26.81],
      ['1003', 26.81],
    ]);
  });
});
