import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertContract, checkAnswer, QboClient, refusal, sale, start } from './quickbooks-support.ts';

const basic = `Basic ${Buffer.from('qb-sandbox-client:qb-sandbox-secret').toString('base64')}`;

async function refresh(tokenUrl: string, token: string, authorization = basic, grant = 'refresh_token') {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: grant, refresh_token: token }),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, string | number>,
  };
}

describe('authorisation', () => {
  it('rotates the refresh token; the old one is good until the new one is used', async () => {
    await using sandbox = await start();
    const first = await refresh(sandbox.tokenUrl, 'RT1-sandbox');
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      token_type: 'bearer',
      expires_in: 3600,
      x_refresh_token_expires_in: 8_640_000,
    });
    const second = String(first.body.refresh_token);
    expect(second).not.toBe('RT1-sandbox');
    const again = await refresh(sandbox.tokenUrl, 'RT1-sandbox');
    expect(again.body.refresh_token).toBe(second);
    const third = await refresh(sandbox.tokenUrl, second);
    expect(third.body.refresh_token).not.toBe(second);
    const late = await refresh(sandbox.tokenUrl, 'RT1-sandbox');
    expect([late.status, late.body.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(sandbox.tokenUrl, second)).status).toBe(200);
  });

  it('wants the right client, and no other grant', async () => {
    await using sandbox = await start();
    const wrong = await refresh(sandbox.tokenUrl, 'RT1-sandbox', 'Basic eDp5');
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    const grant = await refresh(sandbox.tokenUrl, 'RT1-sandbox', basic, 'password');
    expect([grant.status, grant.body.error]).toEqual([400, 'unsupported_grant_type']);
  });

  it('lets access tokens die after their hour, and refreshes through the client', async () => {
    let now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ now: () => now });
    const qbo = new QboClient(sandbox);
    await qbo.create('Customer', { DisplayName: 'A' });
    now += 3_600_000;
    const refused = await refusal(qbo.get('Customer', '1'));
    expect(refused.status).toBe(401);
    expect(refused.body).toMatchObject({
      fault: {
        type: 'AUTHENTICATION',
        error: [{ code: '3200', message: 'message=AuthenticationFailed; errorCode=003200; statusCode=401' }],
      },
    });
    expect(refused.body.Fault).toBeUndefined();
    await qbo.call('refreshAccessToken');
    expect((await qbo.get('Customer', '1')).DisplayName).toBe('A');
  });

  it('ends tokens and connections on demand', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    await fetch(`${sandbox.url}/_control/tokens/expire`, { method: 'POST' });
    expect((await refusal(qbo.call('getPreferences'))).status).toBe(401);
    sandbox.expireTokens(true);
    expect((await refresh(sandbox.tokenUrl, 'RT1-sandbox')).body.error).toBe('invalid_grant');
    expect((await refresh(sandbox.tokenUrl, sandbox.reconnect())).status).toBe(200);
  });

  it('forgets a refresh token that lay idle for 100 days', async () => {
    let now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ now: () => now });
    now += 100 * 86_400_000 + 1;
    expect((await refresh(sandbox.tokenUrl, 'RT1-sandbox')).body.error).toBe('invalid_grant');
  });

  it('keeps a token out of other companies', async () => {
    await using sandbox = await start();
    const response = await fetch(`${sandbox.endpoint}4711/companyinfo/4711`, {
      headers: { authorization: `Bearer ${sandbox.issueAccessToken()}` },
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ fault: { error: [{ code: '3100' }] } });
  });
});

describe('limits', () => {
  it('answers the eleventh request of a second with an XML 429, and lets the next second in', async () => {
    let now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ limits: true, now: () => now });
    const get = () =>
      fetch(`${sandbox.endpoint}${sandbox.realmId}/preferences`, {
        headers: { authorization: `Bearer ${token}` },
      });
    const token = sandbox.issueAccessToken();
    for (let index = 0; index < 10; index += 1) expect((await get()).status).toBe(200);
    const refused = await get();
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      429,
      'application/xml;charset=UTF-8',
    ]);
    expect(await refused.text()).toContain('errorCode=003001; statusCode=429');
    now += 1000;
    expect((await get()).status).toBe(200);
    expect(sandbox.stats().throttledRequests).toBe(1);
  });

  it('lets 500 requests a minute through', async () => {
    let now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ limits: true, now: () => now });
    for (let second = 0; second < 50; second += 1) {
      for (let index = 0; index < 10; index += 1) expect(sandbox.limits.admit(false)).toBe(true);
      now += 1000;
    }
    expect(sandbox.limits.admit(false)).toBe(false);
    now += 10_001;
    expect(sandbox.limits.admit(false)).toBe(true);
  });

  it('can be switched off over HTTP', async () => {
    await using sandbox = await start({ limits: true, now: () => 0 });
    await fetch(`${sandbox.url}/_control/limits`, {
      method: 'POST',
      body: JSON.stringify({ enabled: false }),
    });
    for (let index = 0; index < 20; index += 1) expect(sandbox.limits.admit(false)).toBe(true);
  });
});

describe('requestid', () => {
  it('gives the first answer again and writes nothing twice', async () => {
    await using sandbox = await start();
    const body = { Line: [sale(12.5)], requestId: 'order-1-v1' };
    const first = await new QboClient(sandbox).create('SalesReceipt', body);
    const second = await new QboClient(sandbox).create('SalesReceipt', { ...body, Line: [sale(99)] });
    expect(second).toEqual(first);
    expect(sandbox.list('SalesReceipt')).toHaveLength(1);
    expect(sandbox.stats().replayedRequests).toBe(1);
  });

  it('answers again after the first answer was lost on the way', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    sandbox.faults.add({ id: 'cut', effect: { kind: 'dropResponse' }, path: '/salesreceipt', times: 1 });
    const body = { Line: [sale(12.5)], requestId: 'order-2-v1' };
    await expect(qbo.create('SalesReceipt', body)).rejects.toThrow();
    expect((await qbo.create('SalesReceipt', body)).TotalAmt).toBe(12.5);
    expect(sandbox.list('SalesReceipt')).toHaveLength(1);
  });

  it('does not hold a refusal against a corrected body', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    expect((await refusal(qbo.create('SalesReceipt', { Line: [], requestId: 'r' }))).code).toBe('2020');
    expect((await qbo.create('SalesReceipt', { Line: [sale(1)], requestId: 'r' })).TotalAmt).toBe(1);
  });

  it('may be 50 characters long and no longer', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    await qbo.create('Customer', { DisplayName: 'A', requestId: 'x'.repeat(50) });
    const refused = await refusal(qbo.create('Customer', { DisplayName: 'B', requestId: 'x'.repeat(51) }));
    expect([refused.status, refused.code]).toEqual([400, '2050']);
  });
});

describe('queries', () => {
  it('filters, orders, pages and counts', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    for (let day = 1; day <= 25; day += 1)
      sandbox.create('SalesReceipt', {
        TxnDate: `2026-03-${String(day).padStart(2, '0')}`,
        DocNumber: `#${1000 + day}`,
        Line: [sale(day)],
      });
    const page = await qbo.find('findSalesReceipts', [
      { field: 'TxnDate', value: '2026-03-05', operator: '>=' },
      { field: 'TotalAmt', value: 20, operator: '<' },
      { field: 'desc', value: 'TxnDate' },
      { field: 'limit', value: 4 },
      { field: 'offset', value: 3 },
    ]);
    expect(page.SalesReceipt?.map((one) => one.TotalAmt)).toEqual([17, 16, 15, 14]);
    expect(page).toMatchObject({ startPosition: 3, maxResults: 4 });
    const count = await qbo.find('findSalesReceipts', [
      { field: 'TxnDate', value: '2026-03-05', operator: '>=' },
      { count: true },
    ]);
    expect(count.totalCount).toBe(21);
    const everything = await qbo.find('findSalesReceipts', { fetchAll: true, limit: 10 });
    expect(everything.SalesReceipt).toHaveLength(25);
    expect(await qbo.find('findSalesReceipts', { DocNumber: 'nope' })).toEqual({});
  });

  it('compares with LIKE and IN, and takes escaped quotes', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    for (const name of ["O'Brien", 'Obama', 'Ito']) sandbox.create('Customer', { DisplayName: name });
    const names = async (criteria: unknown) =>
      (await qbo.find('findCustomers', criteria)).Customer?.map((one) => one.DisplayName);
    expect(await names({ DisplayName: "O'Brien" })).toEqual(["O'Brien"]);
    expect(await names([{ field: 'DisplayName', value: 'o%', operator: 'LIKE' }])).toEqual([
      "O'Brien",
      'Obama',
    ]);
    expect(await names({ DisplayName: ['Ito', 'Obama'] })).toEqual(['Ito', 'Obama']);
    expect(await names({ Id: ['2', '99'] })).toEqual(['Obama']);
    expect(
      await names([{ field: 'MetaData.LastUpdatedTime', value: '2020-01-01T00:00:00Z', operator: '>' }]),
    ).toHaveLength(3);
  });

  it('answers 100 objects when not told otherwise', async () => {
    await using sandbox = await start();
    sandbox.seed({ customers: 130 });
    const answer = await fetch(
      `${sandbox.endpoint}${sandbox.realmId}/query?query=${encodeURIComponent('select * from Customer')}`,
      { headers: { authorization: `Bearer ${sandbox.issueAccessToken()}` } },
    );
    const body = (await answer.json()) as { QueryResponse: { Customer: unknown[]; maxResults: number } };
    checkAnswer(body);
    expect([body.QueryResponse.Customer.length, body.QueryResponse.maxResults]).toEqual([100, 100]);
  });

  it.each([
    ['select * from Customer where', '4000'],
    ["select * from Customer where DisplayName = 'a' or DisplayName = 'b'", '4000'],
    ['select * from Nothing', '4001'],
    ["select * from SalesReceipt where PrivateNote = 'x'", '4001'],
    ['select * from Customer maxresults 1001', '4001'],
    ['update Customer', '4000'],
  ])('refuses: %s', async (text, code) => {
    await using sandbox = await start();
    const response = await fetch(
      `${sandbox.endpoint}${sandbox.realmId}/query?query=${encodeURIComponent(text)}`,
      { headers: { authorization: `Bearer ${sandbox.issueAccessToken()}` } },
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ Fault: { Error: [{ code }] } });
  });
});

describe('batches', () => {
  it('answers item by item inside HTTP 200, faults and stale versions included', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const customer = await qbo.create('Customer', { DisplayName: 'A' });
    sandbox.edit('Customer', customer.Id, { Notes: 'moved on' });
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(3)] });
    const answers = await qbo.batch([
      { bId: '1', operation: 'create', Customer: { DisplayName: 'B' } },
      { bId: '2', operation: 'create', Customer: { DisplayName: 'a' } },
      {
        bId: '3',
        operation: 'update',
        Customer: { Id: customer.Id, SyncToken: '0', sparse: true, Notes: 'x' },
      },
      { bId: '4', operation: 'delete', SalesReceipt: { Id: receipt.Id, SyncToken: '0' } },
      { bId: '5', Query: "select * from Customer where DisplayName = 'B'" },
    ]);
    expect(answers).toMatchObject([
      { bId: '1', Customer: { DisplayName: 'B', SyncToken: '0' } },
      { bId: '2', Fault: { type: 'ValidationFault', Error: [{ code: '6240' }] } },
      { bId: '3', Fault: { Error: [{ code: '5010' }] } },
      { bId: '4', SalesReceipt: { Id: receipt.Id, status: 'Deleted' } },
      { bId: '5', QueryResponse: { Customer: [{ DisplayName: 'B' }], startPosition: 1, maxResults: 1 } },
    ]);
  });

  it('takes 30 items and refuses 31', async () => {
    await using sandbox = await start();
    const qbo = new QboClient(sandbox);
    const items = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        bId: String(index),
        operation: 'create',
        Customer: { DisplayName: `C${index}` },
      }));
    expect((await refusal(qbo.batch(items(31)))).code).toBe('1040');
    expect(await qbo.batch(items(30))).toHaveLength(30);
  });
});

describe('change data capture', () => {
  it('tells what changed and what was deleted since a moment', async () => {
    let now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ now: () => now });
    const qbo = new QboClient(sandbox);
    await qbo.create('Customer', { DisplayName: 'old' });
    const gone = await qbo.create('SalesReceipt', { Line: [sale(1)] });
    now += 60_000;
    const since = new Date(now);
    const fresh = await qbo.create('Customer', { DisplayName: 'new' });
    await qbo.delete('SalesReceipt', gone);
    const answer = (await qbo.call(
      'changeDataCapture',
      ['Customer', 'SalesReceipt', 'Item'],
      since.toISOString(),
    )) as {
      CDCResponse: { QueryResponse: Record<string, { Id: string; status?: string }[]>[] }[];
    };
    const [customers, receipts, items] = answer.CDCResponse[0]?.QueryResponse ?? [];
    expect(customers?.Customer?.map((one) => one.Id)).toEqual([fresh.Id]);
    expect(receipts?.SalesReceipt).toEqual([
      {
        Id: gone.Id,
        status: 'Deleted',
        domain: 'QBO',
        MetaData: { LastUpdatedTime: '2026-06-01T04:01:00-08:00' },
      },
    ]);
    expect(items).toEqual({});
  });

  it('looks back 30 days, answers 1,000 objects and does not know every entity', async () => {
    const now = Date.parse('2026-06-01T12:00:00Z');
    await using sandbox = await start({ now: () => now });
    const qbo = new QboClient(sandbox);
    const late = refusal(
      qbo.call('changeDataCapture', 'Customer', new Date(now - 31 * 86_400_000).toISOString()),
    );
    expect((await late).status).toBe(400);
    const unknown = refusal(qbo.call('changeDataCapture', 'TaxCode', new Date(now).toISOString()));
    expect((await unknown).code).toBe('4001');
    sandbox.seed({ customers: 1010 });
    const answer = (await qbo.call('changeDataCapture', 'Customer', new Date(now - 1000).toISOString())) as {
      CDCResponse: { QueryResponse: Record<string, unknown[]>[] }[];
    };
    expect(answer.CDCResponse[0]?.QueryResponse[0]?.Customer).toHaveLength(1000);
  });
});

describe('state', () => {
  it('survives a restart: objects, balances, links, numbers, tokens and request ids', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'qbo-'));
    const options = {
      statePath: join(directory, 'quickbooks.json'),
      company: { customTxnNumbers: false },
    };
    let token = '';
    let trial = {};
    {
      await using sandbox = await start(options);
      token = sandbox.issueAccessToken();
      const qbo = new QboClient(sandbox, token);
      const CustomerRef = { value: (await qbo.create('Customer', { DisplayName: 'A' })).Id };
      const invoice = await qbo.create('Invoice', { CustomerRef, Line: [sale(10)], requestId: 'inv' });
      const link = [{ Amount: 4, LinkedTxn: [{ TxnId: invoice.Id, TxnType: 'Invoice' }] }];
      await qbo.create('Payment', { CustomerRef, TotalAmt: 4, Line: link });
      sandbox.seed({ products: 3 });
      trial = sandbox.trialBalance();
    }
    {
      await using sandbox = await start(options);
      const qbo = new QboClient(sandbox, token);
      expect(sandbox.trialBalance()).toEqual(trial);
      const invoice = await qbo.create('Invoice', { Line: [sale(10)], requestId: 'inv' });
      expect(invoice).toMatchObject({ Id: '1', TotalAmt: 10 });
      expect((await qbo.get('Customer', '1')).Balance).toBe(6);
      expect((await refusal(qbo.create('Customer', { DisplayName: 'A' }))).code).toBe('6240');
      await qbo.delete('Payment', { Id: '2', SyncToken: '0' });
      expect((await qbo.get('Invoice', '1')).Balance).toBe(10);
      expect((await qbo.create('SalesReceipt', { Line: [sale(1)] })).DocNumber).toBe('1002');
    }
    await rm(directory, { recursive: true });
  });

  it('tells the same story from the same seed', async () => {
    const now = () => Date.parse('2026-06-01T12:00:00Z');
    await using first = await start({ now });
    await using second = await start({ now });
    for (const sandbox of [first, second]) sandbox.seed({ customers: 5, products: 5 });
    expect(second.list('Customer')).toEqual(first.list('Customer'));
    expect(second.list('Item')).toEqual(first.list('Item'));
    for (const account of first.list('Account')) assertContract('Account', account);
    for (const type of ['Item', 'TaxCode', 'TaxRate', 'TaxAgency', 'CompanyInfo', 'Preferences'] as const)
      for (const one of first.list(type)) assertContract(type, one);
  });

  it('is read, edited and reset through the control API', async () => {
    await using sandbox = await start();
    const control = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${sandbox.url}/_control/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as never };
    };
    const made = await control('POST', 'entities/Customer', { DisplayName: 'By hand' });
    expect(made).toMatchObject({ status: 201, body: { Id: '1', DisplayName: 'By hand' } });
    expect((await control('PATCH', 'entities/Customer/1', { Notes: 'n' })).body).toMatchObject({
      SyncToken: '1',
    });
    const receipt = await control('POST', 'entities/SalesReceipt', { Line: [sale(5)] });
    expect(receipt.status).toBe(201);
    expect((await control('GET', 'trial-balance')).body).toMatchObject({
      totalDebit: '5.00',
      balanced: true,
    });
    expect((await control('GET', 'ledger/entries?type=SalesReceipt')).body).toMatchObject([
      { type: 'SalesReceipt', id: '1', lines: [{ amount: '5.00' }, { amount: '-5.00' }] },
    ]);
    expect((await control('GET', 'state?entity=Customer')).body).toMatchObject([{ Id: '1' }]);
    await control('DELETE', 'entities/SalesReceipt/1');
    await control('DELETE', 'entities/Customer/1');
    expect((await control('GET', 'entities/Customer/1')).body).toMatchObject({ Active: false });
    expect((await control('POST', 'entities/Customer', {})).body).toMatchObject({
      Fault: { Error: [{ code: '6080' }] },
    });
    const company = await control('POST', 'company', { bookCloseDate: '2026-01-31' });
    expect(company.body).toMatchObject({
      preferences: { AccountingInfoPrefs: { BookCloseDate: '2026-01-31' } },
    });
    expect((await control('POST', 'seed', { customers: 2 })).body).toEqual({ Customer: ['2', '3'] });
    await control('POST', 'reset');
    expect((await control('GET', 'stats')).body).toMatchObject({ entities: { Customer: 0, Item: 8 } });
  });
});
