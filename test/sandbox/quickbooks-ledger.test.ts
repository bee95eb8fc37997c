import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../sandbox/quickbooks/ledger.ts';
import type { QuickBooksSandbox } from '../../sandbox/quickbooks/server.ts';
import { accountNamed, balanceOf, QboClient, refusal, sale, start } from './quickbooks-support.ts';

const taxCode = (sandbox: QuickBooksSandbox, name: string): string => {
  const code = sandbox.list('TaxCode').find((one) => one.Name === name);
  if (code === undefined) throw new Error(`no tax code ${name}`);
  return code.Id;
};

describe('tax in the United States', () => {
  it('taxes TAX lines with the rates of the one code, and owes each rate on its own', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', {
      Line: [sale(100, { TaxCodeRef: { value: 'TAX' } }), sale(50, { TaxCodeRef: { value: 'NON' } })],
      TxnTaxDetail: { TxnTaxCodeRef: { value: taxCode(sandbox, 'Santa Monica') } },
    });
    expect(receipt.TotalAmt).toBe(160.25);
    expect(receipt.TxnTaxDetail?.TotalTax).toBe(10.25);
    expect(receipt.TxnTaxDetail?.TaxLine?.map((line) => line.Amount)).toEqual([7.25, 3]);
    expect(receipt.TxnTaxDetail?.TaxLine?.[0]?.TaxLineDetail).toMatchObject({
      TaxPercent: 7.25,
      NetAmountTaxable: 100,
    });
    const owed = sandbox.ledger().filter((account) => account.name.includes('Payable'));
    expect(owed.map((account) => account.home)).toEqual(['-7.25', '-3.00']);
  });

  it('takes a total that comes with the code as it is, whatever the rates say', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', {
      Line: [sale(100, { TaxCodeRef: { value: 'TAX' } })],
      TxnTaxDetail: { TxnTaxCodeRef: { value: taxCode(sandbox, 'Channel tax') }, TotalTax: 8.13 },
    });
    expect(receipt.TotalAmt).toBe(108.13);
    expect(receipt.TxnTaxDetail?.TaxLine?.map((line) => line.Amount)).toEqual([8.13]);
    const noted = await qbo.update('SalesReceipt', { Id: receipt.Id, SyncToken: '0', PrivateNote: 'x' });
    expect(noted.TotalAmt).toBe(108.13);
    const changed = await qbo.update('SalesReceipt', {
      Id: receipt.Id,
      SyncToken: '1',
      Line: [sale(200, { TaxCodeRef: { value: 'TAX' } })],
    });
    expect(changed.TotalAmt).toBe(200);
  });

  it('drops a total that names no code', async () => {
    await using sandbox = await start();
    const receipt = await new QboClient(sandbox).create('SalesReceipt', {
      Line: [sale(100, { TaxCodeRef: { value: 'TAX' } })],
      TxnTaxDetail: { TotalTax: 8.13 },
    });
    expect([receipt.TotalAmt, receipt.TxnTaxDetail?.TotalTax]).toEqual([100, 0]);
  });

  it('taxes before the discount unless told otherwise', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const body = {
      Line: [
        sale(100, { TaxCodeRef: { value: 'TAX' } }),
        { Amount: 20, DetailType: 'DiscountLineDetail', DiscountLineDetail: {} },
      ],
      TxnTaxDetail: { TxnTaxCodeRef: { value: taxCode(sandbox, 'California') } },
    };
    expect((await qbo.create('SalesReceipt', body)).TotalAmt).toBe(87.25);
    expect((await qbo.create('SalesReceipt', { ...body, ApplyTaxAfterDiscount: true })).TotalAmt).toBe(85.8);
  });

  it('refuses tax lines of a foreign rate, and ones that do not add up', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const line = (rate: string, Amount: number) => ({
      Amount,
      DetailType: 'TaxLineDetail',
      TaxLineDetail: { TaxRateRef: { value: rate } },
    });
    const body = (taxLine: object, TotalTax: number) => ({
      Line: [sale(100, { TaxCodeRef: { value: 'TAX' } })],
      TxnTaxDetail: {
        TxnTaxCodeRef: { value: taxCode(sandbox, 'California') },
        TotalTax,
        TaxLine: [taxLine],
      },
    });
    expect((await refusal(qbo.create('SalesReceipt', body(line('2', 7.25), 7.25)))).code).toBe('6000');
    expect((await refusal(qbo.create('SalesReceipt', body(line('1', 7.25), 7.24)))).code).toBe('6000');
    expect((await qbo.create('SalesReceipt', body(line('1', 7.24), 7.24))).TotalAmt).toBe(107.24);
  });

  it('makes tax codes through the tax service', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const agency = await qbo.create('TaxAgency', { DisplayName: 'Ohio' });
    const made = (await qbo.call('createTaxService', {
      TaxCode: 'Ohio',
      TaxRateDetails: [
        { TaxRateName: 'Ohio state', RateValue: 5.75, TaxAgencyId: agency.Id, TaxApplicableOn: 'Sales' },
      ],
    })) as { TaxCodeId: string };
    const receipt = await qbo.create('SalesReceipt', {
      Line: [sale(10, { TaxCodeRef: { value: 'TAX' } })],
      TxnTaxDetail: { TxnTaxCodeRef: { value: made.TaxCodeId } },
    });
    expect(receipt.TxnTaxDetail?.TotalTax).toBe(0.58);
    expect((await qbo.find('findTaxCodes', { Name: 'Ohio' })).TaxCode).toHaveLength(1);
  });
});

describe('tax elsewhere', () => {
  it('wants a code on every line, and adds tax per rate to prices without it', async () => {
    await using sandbox = await start({ company: { taxMode: 'global' } });
    const qbo = new QboClient(sandbox);
    const refused = await refusal(qbo.create('SalesReceipt', { Line: [sale(1)] }));
    expect([refused.code, refused.detail]).toEqual([
      '6000',
      'Business Validation Error: Make sure all your transactions have a sales tax rate before you save.',
    ]);
    const standard = { TaxCodeRef: { value: taxCode(sandbox, '20.0% S') } };
    const reduced = { TaxCodeRef: { value: taxCode(sandbox, '5.0% R') } };
    const receipt = await qbo.create('SalesReceipt', {
      Line: [sale(10.01, standard), sale(20.02, standard), sale(3, reduced)],
    });
    expect(receipt).toMatchObject({
      TotalAmt: 39.19,
      GlobalTaxCalculation: 'TaxExcluded',
      CurrencyRef: { value: 'GBP' },
    });
    expect(receipt.TxnTaxDetail?.TaxLine?.map((line) => line.Amount)).toEqual([6.01, 0.15]);
  });

  it('takes tax out of prices that include it', async () => {
    await using sandbox = await start({ company: { taxMode: 'global' } });
    const qbo = new QboClient(sandbox);
    const TaxCodeRef = { value: taxCode(sandbox, '20.0% S') };
    const receipt = await qbo.create('SalesReceipt', {
      GlobalTaxCalculation: 'TaxInclusive',
      Line: [
        sale(59.97, { TaxCodeRef, Qty: 3, UnitPrice: 19.99 }),
        { Amount: 6, DetailType: 'DiscountLineDetail', DiscountLineDetail: {} },
      ],
    });
    expect(receipt.TotalAmt).toBe(53.97);
    expect(receipt.TxnTaxDetail?.TotalTax).toBe(8.99);
    expect(receipt.Line?.[0]).toMatchObject({
      Amount: 49.98,
      SalesItemLineDetail: { TaxInclusiveAmt: 59.97 },
    });
    expect(['Sales of Product Income', 'Discounts Given'].map((name) => balanceOf(sandbox, name))).toEqual([
      '-49.98',
      '5.00',
    ]);
    const again = await qbo.update('SalesReceipt', { ...receipt, sparse: false });
    expect([again.TotalAmt, again.TxnTaxDetail?.TotalTax]).toEqual([53.97, 8.99]);
  });

  it('keeps inclusive prices when the tax in them is overridden, and the discount account out of it', async () => {
    await using sandbox = await start({ company: { taxMode: 'global' } });
    const TaxCodeRef = { value: taxCode(sandbox, '20.0% S') };
    const receipt = await new QboClient(sandbox).create('SalesReceipt', {
      GlobalTaxCalculation: 'TaxInclusive',
      Line: [sale(12, { TaxCodeRef }), sale(6, { TaxCodeRef })],
      TxnTaxDetail: { TotalTax: 2.98 },
    });
    expect([receipt.TotalAmt, receipt.TxnTaxDetail?.TotalTax]).toEqual([18, 2.98]);
    expect(receipt.Line?.map((line) => line.Amount)).toEqual([10.02, 5, 15.02]);
    expect(balanceOf(sandbox, 'Discounts Given')).toBe('0.00');
  });

  it('leaves tax alone where it does not apply', async () => {
    await using sandbox = await start({ company: { taxMode: 'global' } });
    const receipt = await new QboClient(sandbox).create('SalesReceipt', {
      GlobalTaxCalculation: 'NotApplicable',
      Line: [sale(10)],
    });
    expect(receipt.TotalAmt).toBe(10);
    expect(receipt).not.toHaveProperty('TxnTaxDetail');
  });
});

describe('currencies', () => {
  it('keeps receivables per currency, converts to home currency and refuses a customer of another currency', async () => {
    await using sandbox = await start({ company: { multiCurrency: true, exchangeRates: { EUR: '1.0837' } } });
    const qbo = new QboClient(sandbox);
    const customer = await qbo.create('Customer', { DisplayName: 'Ana', CurrencyRef: { value: 'EUR' } });
    const invoice = await qbo.create('Invoice', {
      CustomerRef: { value: customer.Id },
      Line: [sale(33.33), sale(33.33), sale(33.33)],
    });
    expect(invoice).toMatchObject({
      TotalAmt: 99.99,
      HomeTotalAmt: 108.36,
      ExchangeRate: 1.0837,
      CurrencyRef: { value: 'EUR', name: 'Euro' },
    });
    expect(
      sandbox.ledger().find((one) => one.name === 'Accounts Receivable (A/R) - EUR')?.currencies,
    ).toEqual({
      EUR: '99.99',
    });
    expect(sandbox.trialBalance().balanced).toBe(true);
    const dollars = { CustomerRef: { value: customer.Id }, CurrencyRef: { value: 'USD' }, Line: [sale(1)] };
    expect((await refusal(qbo.create('Invoice', dollars))).code).toBe('6000');
    const change = { Id: customer.Id, SyncToken: '0', CurrencyRef: { value: 'USD' } };
    expect((await refusal(qbo.update('Customer', change))).code).toBe('6000');
  });
});

describe('the ledger', () => {
  it('refuses an entry that does not balance', () => {
    const ledger = new Ledger();
    const entry = {
      type: 'SalesReceipt',
      id: '1',
      date: '2026-01-01',
      currency: 'USD',
      lines: [{ account: '1', amountMinor: 1n, homeMinor: 1n }],
      stock: [],
    };
    expect(() => ledger.post(entry)).toThrow('does not balance');
  });

  const cents = fc.integer({ min: 1, max: 500_000 }).map((minor) => minor / 100);
  const form = fc.record({
    type: fc.constantFrom('SalesReceipt', 'Invoice', 'CreditMemo', 'RefundReceipt'),
    lines: fc.array(fc.record({ amount: cents, taxed: fc.boolean(), item: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
    discountPercent: fc.option(fc.integer({ min: 1, max: 9999 }).map((hundredths) => hundredths / 100)),
    afterDiscount: fc.boolean(),
    tax: fc.constantFrom('none', 'computed', 'overridden'),
    taxMinor: fc.integer({ min: 0, max: 100_000 }),
    foreign: fc.boolean(),
  });
  type Form = typeof form extends fc.Arbitrary<infer T> ? T : never;

  function bodyOf(
    sandbox: QuickBooksSandbox,
    given: Form,
    mode: 'us' | 'TaxExcluded' | 'TaxInclusive',
  ): object {
    const code =
      mode === 'us'
        ? (taxed: boolean) => ({ value: taxed ? 'TAX' : 'NON' })
        : (taxed: boolean) => ({ value: taxCode(sandbox, taxed ? '20.0% S' : '5.0% R') });
    return {
      CustomerRef: { value: given.foreign ? '2' : '1' },
      Line: [
        ...given.lines.map((line) =>
          sale(line.amount, { ItemRef: { value: String(line.item) }, Qty: 1, TaxCodeRef: code(line.taxed) }),
        ),
        ...(given.discountPercent === null
          ? []
          : [
              {
                DetailType: 'DiscountLineDetail',
                DiscountLineDetail: { PercentBased: true, DiscountPercent: given.discountPercent },
              },
            ]),
      ],
      ...(given.type === 'RefundReceipt' || given.type === 'SalesReceipt'
        ? { DepositToAccountRef: { value: accountNamed(sandbox, 'Shopify Clearing') } }
        : {}),
      ApplyTaxAfterDiscount: given.afterDiscount,
      ...(mode === 'us'
        ? given.tax === 'none'
          ? {}
          : {
              TxnTaxDetail: {
                TxnTaxCodeRef: { value: taxCode(sandbox, 'Santa Monica') },
                ...(given.tax === 'overridden' ? { TotalTax: given.taxMinor / 100 } : {}),
              },
            }
        : { GlobalTaxCalculation: mode }),
    };
  }

  it.each(['us', 'TaxExcluded', 'TaxInclusive'] as const)(
    'balances after every posting, and the control account carries exactly the total (%s)',
    async (mode) => {
      await using sandbox = await start({
        company: {
          taxMode: mode === 'us' ? 'us' : 'global',
          homeCurrency: 'USD',
          multiCurrency: true,
          warnDuplicateDocNumber: false,
        },
      });
      sandbox.create('Customer', { DisplayName: 'Home' });
      sandbox.create('Customer', { DisplayName: 'Away', CurrencyRef: { value: 'EUR' } });
      sandbox.seed({ products: 1 });
      fc.assert(
        fc.property(form, form, (first, second) => {
          const created = sandbox.create(
            first.type as 'Invoice',
            bodyOf(sandbox, first, mode) as Record<string, unknown>,
          );
          const [entry] = sandbox.ledgerEntries({ type: first.type, id: created.Id });
          const sum = (key: 'amount' | 'home') =>
            (entry?.lines ?? []).reduce((total, line) => total + BigInt(line[key].replace('.', '')), 0n);
          expect([sum('amount'), sum('home')]).toEqual([0n, 0n]);
          const giving = first.type === 'CreditMemo' || first.type === 'RefundReceipt';
          const total = Number(created.TotalAmt) * (giving ? -1 : 1);
          if (total !== 0) expect(entry?.lines[0]?.amount).toBe(total.toFixed(2));
          // What the lines, the discount and the tax say is what the total says.
          const detail = created.TxnTaxDetail as { TotalTax: number } | undefined;
          const shown = (created.Line as { DetailType: string; Amount: number }[]).map((line) => ({
            kind: line.DetailType,
            minor: BigInt(line.Amount.toFixed(2).replace('.', '')),
          }));
          const of = (kind: string) =>
            shown.filter((line) => line.kind === kind).reduce((a, line) => a + line.minor, 0n);
          expect(of('SalesItemLineDetail')).toBe(of('SubTotalLineDetail'));
          if (mode !== 'TaxInclusive')
            expect(
              of('SalesItemLineDetail') -
                of('DiscountLineDetail') +
                BigInt((detail?.TotalTax ?? 0).toFixed(2).replace('.', '')),
            ).toBe(BigInt(Number(created.TotalAmt).toFixed(2).replace('.', '')));
          sandbox.edit(first.type as 'Invoice', created.Id, {
            ...(bodyOf(sandbox, { ...second, type: first.type, foreign: first.foreign }, mode) as Record<
              string,
              unknown
            >),
          });
          expect(sandbox.trialBalance().balanced).toBe(true);
        }),
        { numRuns: 60 },
      );
      for (const type of ['SalesReceipt', 'Invoice', 'CreditMemo', 'RefundReceipt'] as const)
        for (const one of sandbox.list(type)) sandbox.remove(type, one.Id);
      const opening = sandbox.ledger().filter((account) => account.home !== '0.00');
      expect(opening.map((account) => account.name).sort()).toEqual([
        'Inventory Asset',
        'Opening Balance Equity',
      ]);
    },
  );
});
