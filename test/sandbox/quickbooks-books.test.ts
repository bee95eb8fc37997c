import { describe, expect, it } from 'vitest';
import {
  accountNamed,
  assertContract,
  balanceOf,
  contractsPresent,
  QboClient,
  refusal,
  sale,
  start,
} from './quickbooks-support.ts';

describe('names', () => {
  it('creates a customer with what the platform adds and reads it back the same', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const created = await qbo.create('Customer', {
      GivenName: 'Ada',
      FamilyName: 'Castro',
      PrimaryEmailAddr: { Address: 'ada@example.com' },
    });
    expect(created).toMatchObject({
      Id: '1',
      SyncToken: '0',
      DisplayName: 'Ada Castro',
      FullyQualifiedName: 'Ada Castro',
      PrintOnCheckName: 'Ada Castro',
      Active: true,
      Balance: 0,
      domain: 'QBO',
      sparse: false,
      CurrencyRef: { value: 'USD', name: 'United States Dollar' },
    });
    expect(created.MetaData.CreateTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-08:00$/);
    expect(await qbo.get('Customer', '1')).toEqual(created);
  });

  it('has one name space for customers, vendors and employees, whatever the case', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    await qbo.create('Vendor', { DisplayName: 'Northwind' });
    const refused = await refusal(qbo.create('Customer', { DisplayName: 'NORTHWIND' }));
    expect([refused.status, refused.code]).toEqual([400, '6240']);
    expect(refused.body.Fault?.type).toBe('ValidationFault');
  });

  it('frees the name of a customer that was made inactive, hides it from queries and refuses it in transactions', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const first = await qbo.create('Customer', { DisplayName: 'Twice' });
    const gone = await qbo.update('Customer', { Id: first.Id, SyncToken: '0', Active: false });
    expect(gone.DisplayName).toBe('Twice (deleted)');
    const second = await qbo.create('Customer', { DisplayName: 'Twice' });
    expect((await qbo.find('findCustomers', { DisplayName: 'Twice' })).Customer).toHaveLength(1);
    expect((await qbo.find('findCustomers', {})).Customer?.map((one) => one.Id)).toEqual([second.Id]);
    expect(
      (await qbo.find('findCustomers', [{ field: 'Active', value: [true, false], operator: 'IN' }])).Customer,
    ).toHaveLength(2);
    const refused = await refusal(
      qbo.create('Invoice', { CustomerRef: { value: first.Id }, Line: [sale(5)] }),
    );
    expect(refused.code).toBe('610');
  });

  it.each([
    ['a colon', { DisplayName: 'a:b' }, '2040'],
    ['a tab', { DisplayName: 'a\tb' }, '2040'],
    ['a new line', { DisplayName: 'a\nb' }, '2040'],
    ['101 characters', { DisplayName: 'x'.repeat(101) }, '2050'],
    ['nothing to be called by', { Notes: 'x' }, '6080'],
    ['an unknown field', { DisplayName: 'x', Nickname: 'y' }, '2010'],
    ['a malformed address', { DisplayName: 'x', PrimaryEmailAddr: { Address: 'nowhere' } }, '2210'],
    [
      'a foreign currency while there is only one',
      { DisplayName: 'x', CurrencyRef: { value: 'EUR' } },
      '6000',
    ],
    ['an unknown parent', { DisplayName: 'x', ParentRef: { value: '99' } }, '2500'],
  ])('refuses a customer with %s', async (_what, body, code) => {
    await using sandbox = await start();
    expect((await refusal(new QboClient(sandbox).create('Customer', body))).code).toBe(code);
    expect(sandbox.list('Customer')).toHaveLength(0);
  });

  it('accepts a name of exactly 100 characters', async () => {
    await using sandbox = await start();
    const name = 'x'.repeat(100);
    expect((await new QboClient(sandbox).create('Customer', { DisplayName: name })).DisplayName).toBe(name);
  });

  it('does not delete names', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const created = await qbo.create('Customer', { DisplayName: 'Stays' });
    const response = await fetch(`${sandbox.endpoint}${sandbox.realmId}/customer?operation=delete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sandbox.issueAccessToken()}` },
      body: JSON.stringify({ Id: created.Id, SyncToken: '0' }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ Fault: { Error: [{ code: '500' }] } });
  });
});

describe('versions', () => {
  it('keeps what a sparse update does not name, and clears what a full update leaves out', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const created = await qbo.create('Customer', { DisplayName: 'A', Notes: 'n', CompanyName: 'C' });
    const sparse = await qbo.update('Customer', { Id: created.Id, SyncToken: '0', CompanyName: 'D' });
    expect(sparse).toMatchObject({ SyncToken: '1', DisplayName: 'A', Notes: 'n', CompanyName: 'D' });
    const cleared = await qbo.update('Customer', { Id: created.Id, SyncToken: '1', Notes: '' });
    expect(cleared).not.toHaveProperty('Notes');
    const full = await qbo.update('Customer', {
      Id: created.Id,
      SyncToken: '2',
      DisplayName: 'A',
      sparse: false,
    });
    expect(full).toMatchObject({ SyncToken: '3', DisplayName: 'A' });
    expect(full).not.toHaveProperty('CompanyName');
  });

  it('refuses a stale version with 5010 and changes nothing', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const created = await qbo.create('Customer', { DisplayName: 'A' });
    sandbox.edit('Customer', created.Id, { Notes: 'by hand' });
    const refused = await refusal(qbo.update('Customer', { Id: created.Id, SyncToken: '0', Notes: 'late' }));
    expect([refused.status, refused.code]).toEqual([400, '5010']);
    expect(await qbo.get('Customer', created.Id)).toMatchObject({ SyncToken: '1', Notes: 'by hand' });
  });

  it('says 610 for what is not there', async () => {
    await using sandbox = await start();
    const refused = await refusal(new QboClient(sandbox).get('SalesReceipt', '404'));
    expect([refused.status, refused.code]).toEqual([400, '610']);
  });

  it('deletes a transaction in its current version only', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(5)] });
    expect((await refusal(qbo.delete('SalesReceipt', { Id: receipt.Id, SyncToken: '7' }))).code).toBe('5010');
    expect(await qbo.delete('SalesReceipt', receipt)).toMatchObject({
      SalesReceipt: { Id: receipt.Id, status: 'Deleted', domain: 'QBO' },
    });
    expect((await refusal(qbo.get('SalesReceipt', receipt.Id))).code).toBe('610');
    expect(sandbox.trialBalance().rows).toEqual([]);
  });
});

describe('sales forms', () => {
  it('works out the total, numbers the document and fills in names', async () => {
    await using sandbox = await start({ company: { customTxnNumbers: false } });
    const qbo = new QboClient(sandbox);
    const customer = await qbo.create('Customer', { DisplayName: 'Ada' });
    const receipt = await qbo.create('SalesReceipt', {
      CustomerRef: { value: customer.Id },
      TxnDate: '2026-03-01',
      Line: [sale(39.98, { Qty: 2, UnitPrice: 19.99 }), sale(5.5, { ItemRef: { value: '2' } })],
    });
    expect(receipt).toMatchObject({
      DocNumber: '1001',
      TotalAmt: 45.48,
      Balance: 0,
      CustomerRef: { value: customer.Id, name: 'Ada' },
      DepositToAccountRef: { value: accountNamed(sandbox, 'Undeposited Funds'), name: 'Undeposited Funds' },
    });
    expect(receipt.Line?.map((line) => [line.DetailType, line.Amount])).toEqual([
      ['SalesItemLineDetail', 39.98],
      ['SalesItemLineDetail', 5.5],
      ['SubTotalLineDetail', 45.48],
    ]);
    expect(receipt.Line?.[0]?.SalesItemLineDetail).toMatchObject({
      ItemRef: { value: '1', name: 'Sales' },
      ItemAccountRef: { name: 'Sales of Product Income' },
      TaxCodeRef: { value: 'NON' },
    });
    expect((await qbo.create('SalesReceipt', { Line: [sale(1)] })).DocNumber).toBe('1002');
  });

  it('takes a discount by amount or by percent off the total', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const byAmount = await qbo.create('SalesReceipt', {
      Line: [sale(100), { Amount: 12.34, DetailType: 'DiscountLineDetail', DiscountLineDetail: {} }],
    });
    expect(byAmount.TotalAmt).toBe(87.66);
    const byPercent = await qbo.create('SalesReceipt', {
      Line: [
        sale(99.99),
        {
          DetailType: 'DiscountLineDetail',
          DiscountLineDetail: { PercentBased: true, DiscountPercent: 12.5 },
        },
      ],
    });
    expect(byPercent.TotalAmt).toBe(87.49);
    expect(byPercent.Line?.at(-1)).toMatchObject({ DetailType: 'DiscountLineDetail', Amount: 12.5 });
    expect(balanceOf(sandbox, 'Discounts Given')).toBe('24.84');
    expect(balanceOf(sandbox, 'Sales of Product Income')).toBe('-199.99');
    expect(balanceOf(sandbox, 'Undeposited Funds')).toBe('175.15');
  });

  it.each([
    ['an amount that is not quantity times price', { Line: [sale(10, { Qty: 3, UnitPrice: 3.33 })] }, '6070'],
    ['no lines', { PrivateNote: 'x' }, '2020'],
    [
      'a line without an amount',
      { Line: [{ DetailType: 'SalesItemLineDetail', SalesItemLineDetail: {} }] },
      '2020',
    ],
    ['an unknown item', { Line: [sale(1, { ItemRef: { value: '999' } })] }, '2500'],
    ['an unknown customer', { CustomerRef: { value: '999' }, Line: [sale(1)] }, '2500'],
    ['an unknown field', { Line: [sale(1)], Total: 1 }, '2010'],
    ['an unknown field in a line', { Line: [{ ...sale(1), Colour: 'red' }] }, '2010'],
    ['an amount written as text', { Line: [sale('1.00' as unknown as number)] }, '2090'],
    ['a number of 22 characters', { DocNumber: 'x'.repeat(22), Line: [sale(1)] }, '2050'],
    ['a negative total', { Line: [sale(-1)] }, '6000'],
    ['a bad date', { TxnDate: '2026-02-30', Line: [sale(1)] }, '2080'],
    ['a deposit into an income account', { DepositToAccountRef: { value: '15' }, Line: [sale(1)] }, '6000'],
    ['a tax code that is not TAX or NON', { Line: [sale(1, { TaxCodeRef: { value: '2' } })] }, '6100'],
    ['another currency', { CurrencyRef: { value: 'EUR' }, Line: [sale(1)] }, '6000'],
  ])('refuses a sales receipt with %s', async (_what, body, code) => {
    await using sandbox = await start();
    expect((await refusal(new QboClient(sandbox).create('SalesReceipt', body))).code).toBe(code);
    expect(sandbox.list('SalesReceipt')).toHaveLength(0);
    expect(sandbox.trialBalance().rows).toEqual([]);
  });

  it('wants a customer on invoices and an account on refunds', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const invoice = await refusal(qbo.create('Invoice', { Line: [sale(1)] }));
    expect([invoice.code, invoice.body.Fault?.Error[0]?.element]).toEqual(['2020', 'CustomerRef']);
    const refund = await refusal(qbo.create('RefundReceipt', { Line: [sale(1)] }));
    expect([refund.code, refund.body.Fault?.Error[0]?.element]).toEqual(['2020', 'DepositToAccountRef']);
  });

  it('refuses a number that is taken, names its holder, and lets it pass when asked to', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const first = await qbo.create('SalesReceipt', { DocNumber: '#1042', Line: [sale(1)] });
    const refused = await refusal(qbo.create('SalesReceipt', { DocNumber: '#1042', Line: [sale(1)] }));
    expect(refused.code).toBe('6140');
    expect(refused.detail).toContain(
      `DocNumber=#1042 is assigned to TxnType=Sales Receipt with TxnId=${first.Id}`,
    );
    await qbo.create('SalesReceipt', { DocNumber: '#1042', Line: [sale(1)], allowDuplicateDocNum: true });
    sandbox.configure({ warnDuplicateDocNumber: false });
    await qbo.create('SalesReceipt', { DocNumber: '#1042', Line: [sale(1)] });
    expect((await qbo.find('findSalesReceipts', { DocNumber: '#1042' })).SalesReceipt).toHaveLength(3);
  });

  it('gives no numbers where the company writes its own', async () => {
    await using sandbox = await start({ company: { customTxnNumbers: true } });
    const qbo = new QboClient(sandbox);
    expect(await qbo.create('SalesReceipt', { Line: [sale(1)] })).not.toHaveProperty('DocNumber');
    expect((await qbo.create('SalesReceipt', { Line: [sale(1)], DocNumber: 'A-1' })).DocNumber).toBe('A-1');
  });

  it('keeps clients out of closed books, by old date and by new one, and lets a person in', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', { TxnDate: '2026-01-31', Line: [sale(1)] });
    sandbox.configure({ bookCloseDate: '2026-01-31' });
    const preferences = (await qbo.call('getPreferences')) as {
      AccountingInfoPrefs: Record<string, unknown>;
    };
    expect(preferences.AccountingInfoPrefs.BookCloseDate).toBe('2026-01-31');
    const refused = [
      refusal(qbo.create('SalesReceipt', { TxnDate: '2026-01-31', Line: [sale(1)] })),
      refusal(qbo.update('SalesReceipt', { Id: receipt.Id, SyncToken: '0', TxnDate: '2026-02-01' })),
      refusal(qbo.delete('SalesReceipt', receipt)),
    ];
    expect((await Promise.all(refused)).map((one) => one.code)).toEqual(['6210', '6210', '6210']);
    await qbo.create('SalesReceipt', { TxnDate: '2026-02-01', Line: [sale(1)] });
    expect(sandbox.edit('SalesReceipt', receipt.Id, { PrivateNote: 'x' }).PrivateNote).toBe('x');
  });

  it('refuses an expired company inside HTTP 200', async () => {
    await using sandbox = await start();
    sandbox.configure({ companyStatus: 'expired' });
    const refused = await refusal(new QboClient(sandbox).create('Customer', { DisplayName: 'A' }));
    expect([refused.status, refused.code]).toEqual([200, '6190']);
  });

  it('voids a receipt: it stays, at nothing', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(9.5)], PrivateNote: 'till 3' });
    const voided = await qbo.update('SalesReceipt', { Id: receipt.Id, SyncToken: '0', void: true });
    expect(voided).toMatchObject({
      Id: receipt.Id,
      SyncToken: '1',
      TotalAmt: 0,
      PrivateNote: 'Voided - till 3',
    });
    expect(sandbox.trialBalance().rows).toEqual([]);
    const creditMemo = await qbo.create('CreditMemo', {
      CustomerRef: { value: (await qbo.create('Customer', { DisplayName: 'A' })).Id },
      Line: [sale(1)],
    });
    const refused = await refusal(qbo.update('CreditMemo', { ...creditMemo, void: true }));
    expect(refused.code).toBe('500');
  });
});

describe('money owed', () => {
  it('keeps balances of invoices, credit memos and customers through payments, edits and deletions', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const customer = await qbo.create('Customer', { DisplayName: 'Ada' });
    const CustomerRef = { value: customer.Id };
    const invoice = await qbo.create('Invoice', { CustomerRef, Line: [sale(100)] });
    const credit = await qbo.create('CreditMemo', { CustomerRef, Line: [sale(30)] });
    expect((await qbo.get('Customer', customer.Id)).Balance).toBe(70);
    const link = (TxnId: string, TxnType: string, Amount: number) => ({
      Amount,
      LinkedTxn: [{ TxnId, TxnType }],
    });
    const payment = await qbo.create('Payment', {
      CustomerRef,
      TotalAmt: 50,
      Line: [link(invoice.Id, 'Invoice', 75), link(credit.Id, 'CreditMemo', 30)],
    });
    expect(payment).toMatchObject({ TotalAmt: 50, UnappliedAmt: 5 });
    expect(await qbo.get('Invoice', invoice.Id)).toMatchObject({
      Balance: 25,
      SyncToken: '1',
      LinkedTxn: [{ TxnId: payment.Id, TxnType: 'Payment' }],
    });
    expect(await qbo.get('CreditMemo', credit.Id)).toMatchObject({ Balance: 0, RemainingCredit: 0 });
    expect((await qbo.get('Customer', customer.Id)).Balance).toBe(20);
    const rewritten = await qbo.update('Invoice', {
      Id: invoice.Id,
      SyncToken: '1',
      sparse: false,
      CustomerRef,
      Line: [sale(101)],
    });
    expect(rewritten).toMatchObject({ Balance: 26, LinkedTxn: [{ TxnId: payment.Id }] });
    const below = { Id: invoice.Id, SyncToken: '2', Line: [sale(74.99)] };
    expect((await refusal(qbo.update('Invoice', below))).code).toBe('6000');
    await qbo.update('Invoice', { Id: invoice.Id, SyncToken: '2', Line: [sale(100)] });

    const tooMuch = { CustomerRef, TotalAmt: 80, Line: [link(invoice.Id, 'Invoice', 25.01)] };
    expect((await refusal(qbo.create('Payment', tooMuch))).code).toBe('6000');
    const overdrawn = { CustomerRef, TotalAmt: 1, Line: [link(invoice.Id, 'Invoice', 25)] };
    expect((await refusal(qbo.create('Payment', overdrawn))).code).toBe('6000');
    const other = await qbo.create('Customer', { DisplayName: 'Bo' });
    const notTheirs = {
      CustomerRef: { value: other.Id },
      TotalAmt: 1,
      Line: [link(invoice.Id, 'Invoice', 1)],
    };
    expect((await refusal(qbo.create('Payment', notTheirs))).code).toBe('620');

    await qbo.delete('Payment', payment);
    expect(await qbo.get('Invoice', invoice.Id)).toMatchObject({ Balance: 100, LinkedTxn: [] });
    expect((await qbo.get('Customer', customer.Id)).Balance).toBe(70);
  });

  it('leaves the payment as credit when its invoice is deleted', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const CustomerRef = { value: (await qbo.create('Customer', { DisplayName: 'Ada' })).Id };
    const invoice = await qbo.create('Invoice', { CustomerRef, Line: [sale(40)] });
    const payment = await qbo.create('Payment', {
      CustomerRef,
      TotalAmt: 40,
      Line: [{ Amount: 40, LinkedTxn: [{ TxnId: invoice.Id, TxnType: 'Invoice' }] }],
    });
    await qbo.delete('Invoice', await qbo.get('Invoice', invoice.Id));
    expect(await qbo.get('Payment', payment.Id)).toMatchObject({ UnappliedAmt: 40, Line: [] });
    expect((await qbo.get('Customer', CustomerRef.value)).Balance).toBe(-40);
  });

  it('moves receipts to the bank once, less fees, and guards what was deposited', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(60)] });
    const deposit = await qbo.create('Deposit', {
      DepositToAccountRef: { value: accountNamed(sandbox, 'Checking') },
      Line: [
        { Amount: 60, LinkedTxn: [{ TxnId: receipt.Id, TxnType: 'SalesReceipt', TxnLineId: '0' }] },
        {
          Amount: -1.74,
          DetailType: 'DepositLineDetail',
          DepositLineDetail: { AccountRef: { value: accountNamed(sandbox, 'Merchant Fees') } },
        },
      ],
    });
    expect(deposit.TotalAmt).toBe(58.26);
    expect(
      ['Checking', 'Merchant Fees', 'Undeposited Funds'].map((name) => balanceOf(sandbox, name)),
    ).toEqual(['58.26', '1.74', '0.00']);
    const again = {
      DepositToAccountRef: { value: accountNamed(sandbox, 'Checking') },
      Line: [{ Amount: 60, LinkedTxn: [{ TxnId: receipt.Id, TxnType: 'SalesReceipt', TxnLineId: '0' }] }],
    };
    expect((await refusal(qbo.create('Deposit', again))).code).toBe('620');
    expect((await refusal(qbo.delete('SalesReceipt', receipt))).code).toBe('6540');
    const grown = { Id: receipt.Id, SyncToken: '0', Line: [sale(61)] };
    expect((await refusal(qbo.update('SalesReceipt', grown))).code).toBe('6540');
    await qbo.update('SalesReceipt', { Id: receipt.Id, SyncToken: '0', PrivateNote: 'fine' });
    await qbo.delete('Deposit', deposit);
    await qbo.delete('SalesReceipt', { Id: receipt.Id, SyncToken: '1' });
    expect(sandbox.trialBalance().rows).toEqual([]);
  });

  it('takes journal entries that balance, and no others', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const line = (PostingType: string, account: string, Amount: number) => ({
      Amount,
      DetailType: 'JournalEntryLineDetail',
      JournalEntryLineDetail: { PostingType, AccountRef: { value: accountNamed(sandbox, account) } },
    });
    const entry = await qbo.create('JournalEntry', {
      Line: [line('Debit', 'Merchant Fees', 2.5), line('Credit', 'Shopify Clearing', 2.5)],
    });
    expect(entry.TotalAmt).toBe(2.5);
    expect(balanceOf(sandbox, 'Shopify Clearing')).toBe('-2.50');
    const lopsided = {
      Line: [line('Debit', 'Merchant Fees', 2.5), line('Credit', 'Shopify Clearing', 2.49)],
    };
    expect((await refusal(qbo.create('JournalEntry', lopsided))).code).toBe('6000');
    const nobody = { Line: [line('Debit', 'Accounts Receivable (A/R)', 1), line('Credit', 'Rounding', 1)] };
    expect((await refusal(qbo.create('JournalEntry', nobody))).code).toBe('6000');
  });
});

describe('lists', () => {
  it('sells stock: quantity, cost and asset move together and come back with a refund', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const account = (name: string) => ({ value: accountNamed(sandbox, name) });
    const item = await qbo.create('Item', {
      Name: 'Lantern',
      Sku: 'LAN-1',
      Type: 'Inventory',
      QtyOnHand: 10,
      PurchaseCost: 4.25,
      UnitPrice: 12,
      InvStartDate: '2026-01-01',
      IncomeAccountRef: account('Sales of Product Income'),
      AssetAccountRef: account('Inventory Asset'),
      ExpenseAccountRef: account('Cost of Goods Sold'),
    });
    expect(item.QtyOnHand).toBe(10);
    const detail = { ItemRef: { value: item.Id }, Qty: 3, UnitPrice: 12 };
    await qbo.create('SalesReceipt', { TxnDate: '2026-02-01', Line: [sale(36, detail)] });
    expect((await qbo.get('Item', item.Id)).QtyOnHand).toBe(7);
    expect(['Inventory Asset', 'Cost of Goods Sold'].map((name) => balanceOf(sandbox, name))).toEqual([
      '29.75',
      '12.75',
    ]);
    await qbo.create('RefundReceipt', {
      TxnDate: '2026-02-02',
      DepositToAccountRef: account('Shopify Clearing'),
      Line: [sale(12, { ...detail, Qty: 1 })],
    });
    expect((await qbo.get('Item', item.Id)).QtyOnHand).toBe(8);
    expect(balanceOf(sandbox, 'Inventory Asset')).toBe('34.00');
    const early = { TxnDate: '2025-12-31', Line: [sale(36, detail)] };
    expect((await refusal(qbo.create('SalesReceipt', early))).code).toBe('6270');
    expect((await qbo.find('findItems', { Sku: 'LAN-1' })).Item?.map((one) => one.Id)).toEqual([item.Id]);
  });

  it('creates accounts, classes, departments, payment methods, terms and attachables, each with its own rules', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    expect(await qbo.create('Account', { Name: 'Stripe', AccountType: 'Bank' })).toMatchObject({
      Classification: 'Asset',
      AccountSubType: 'Checking',
      CurrentBalance: 0,
    });
    expect((await refusal(qbo.create('Account', { Name: 'Stripe', AccountType: 'Bank' }))).code).toBe('6240');
    expect((await refusal(qbo.create('Account', { Name: 'Vague' }))).code).toBe('6010');
    expect((await refusal(qbo.create('Account', { Name: 'Odd', AccountType: 'Odd' }))).code).toBe('2170');
    const parent = await qbo.create('Class', { Name: 'Retail' });
    const child = await qbo.create('Class', { Name: 'Online', ParentRef: { value: parent.Id } });
    expect(child.FullyQualifiedName).toBe('Retail:Online');
    await qbo.create('Department', { Name: 'Oslo' });
    await qbo.create('PaymentMethod', { Name: 'Klarna' });
    await qbo.create('Term', { Name: 'Net 60', DueDays: 60 });
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(1)], ClassRef: { value: child.Id } });
    expect(receipt.ClassRef).toEqual({ value: child.Id, name: 'Retail:Online' });
    const note = {
      Note: 'order note',
      AttachableRef: [{ EntityRef: { type: 'SalesReceipt', value: receipt.Id } }],
    };
    expect((await qbo.create('Attachable', note)).Note).toBe('order note');
    const loose = { Note: 'x', AttachableRef: [{ EntityRef: { type: 'SalesReceipt', value: '999' } }] };
    expect((await refusal(qbo.create('Attachable', loose))).code).toBe('2500');
  });

  it('shows the company and takes changed preferences switch by switch', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const company = (await qbo.call('getCompanyInfo', sandbox.realmId)) as Record<string, unknown>;
    expect(company).toMatchObject({ Country: 'US', CompanyName: 'Harbour & Pine Outfitters' });
    const before = (await qbo.call('getPreferences')) as Record<string, unknown>;
    const after = (await qbo.call('updatePreferences', {
      Id: before.Id,
      SyncToken: before.SyncToken,
      SalesFormsPrefs: { CustomTxnNumbers: true },
    })) as { SalesFormsPrefs: Record<string, unknown> };
    expect(after.SalesFormsPrefs).toMatchObject({ CustomTxnNumbers: true, AllowDiscount: true });
  });

  it.skipIf(!contractsPresent)(
    'has its bodies checked against the published schema, which knows no other fields',
    () => {
      assertContract('Customer', { DisplayName: 'A' });
      expect(() => assertContract('Customer', { Nickname: 'A' })).toThrow('not a Customer');
      expect(() => assertContract('SalesReceipt', { TotalAmt: '1.00' })).toThrow('must be number');
    },
  );
});
