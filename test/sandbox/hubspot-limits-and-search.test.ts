import { FilterOperatorEnum as Operator } from '@hubspot/api-client/lib/codegen/crm/contacts/index.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingLimit } from '../../sandbox/hubspot/limits.ts';
import { portalMigration } from '../../sandbox/hubspot/server.ts';
import { client, hubspot, refusal } from './hubspot-support.ts';

const start = Date.parse('2026-11-23T10:00:00.000Z');

describe('the limits', () => {
  it('allow 100 requests in any ten seconds, tell what is left, and answer 429 with the policy', async () => {
    let at = start;
    await using sandbox = await hubspot({ limits: true, now: () => at });
    const { contacts } = client(sandbox).crm;
    const first = await contacts.basicApi.getPageWithHttpInfo();
    expect(rateHeaders(first.headers)).toEqual({
      'x-hubspot-ratelimit-daily': '250000',
      'x-hubspot-ratelimit-daily-remaining': '249999',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-max': '100',
      'x-hubspot-ratelimit-remaining': '99',
    });
    at += 5000;
    for (let request = 0; request < 99; request += 1) await contacts.basicApi.getPage();
    const refused = await refusal(contacts.basicApi.getPage());
    expect(refused.code).toBe(429);
    expect(refused.body).toMatchObject({
      status: 'error',
      message: 'You have reached your ten_secondly_rolling limit.',
      errorType: 'RATE_LIMIT',
      policyName: 'TEN_SECONDLY_ROLLING',
    });
    expect(refused.headers['x-hubspot-ratelimit-remaining']).toBe('0');
    // The window rolls: the first request leaves it before the 99 others do.
    at += 5000;
    await contacts.basicApi.getPage();
    expect((await refusal(contacts.basicApi.getPage())).code).toBe(429);
    at += 5000;
    await contacts.basicApi.getPage();
  });

  it('keep a bucket of five a second for the search, apart from the rest', async () => {
    let at = start;
    await using sandbox = await hubspot({ limits: true, now: () => at });
    const { contacts } = client(sandbox).crm;
    for (let request = 0; request < 5; request += 1) await contacts.searchApi.doSearch({});
    const refused = await refusal(contacts.searchApi.doSearch({}));
    expect([refused.code, refused.body.policyName, refused.body.message]).toEqual([
      429,
      'SECONDLY',
      'You have reached your secondly limit.',
    ]);
    await contacts.basicApi.getPage();
    at += 1000;
    const answer = await contacts.searchApi.doSearchWithHttpInfo({});
    expect(answer.httpStatusCode).toBe(200);
    expect(rateHeaders(answer.headers)).toEqual({});
  });

  it('end the day at the daily limit, and start the next one afresh', async () => {
    let at = start;
    await using sandbox = await hubspot({ limits: true, requestsPerDay: 2, now: () => at });
    const { contacts } = client(sandbox).crm;
    await contacts.basicApi.getPage();
    await contacts.basicApi.getPage();
    expect((await refusal(contacts.basicApi.getPage())).body.policyName).toBe('DAILY');
    at += 86_400_000;
    await contacts.basicApi.getPage();
  });

  it('never let more through than any window holds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 200 }),
        (max, waits) => {
          const limit = new RollingLimit(max, 100);
          const allowed: number[] = [];
          let at = 0;
          for (const wait of waits) {
            at += wait;
            const before = allowed.filter((time) => time > at - 100).length;
            const taken = limit.take(at);
            expect(taken.allowed).toBe(before < max);
            if (taken.allowed) allowed.push(at);
          }
        },
      ),
    );
  });

  it('can be switched off while the sandbox runs', async () => {
    await using sandbox = await hubspot({ limits: true, requestsPerTenSeconds: 1 });
    const { contacts } = client(sandbox).crm;
    await contacts.basicApi.getPage();
    expect((await refusal(contacts.basicApi.getPage())).code).toBe(429);
    await fetch(`${sandbox.url}/_control/limits`, { method: 'POST', body: '{"enabled":false}' });
    for (let request = 0; request < 5; request += 1) await contacts.basicApi.getPage();
  });
});

describe('a fault', () => {
  it('of a portal in migration answers 477 with Retry-After, once', async () => {
    await using sandbox = await hubspot();
    sandbox.faults.add({ id: 'migration', effect: portalMigration(3600), path: '^/crm/', times: 1 });
    const { contacts } = client(sandbox).crm;
    const refused = await refusal(contacts.basicApi.create({ properties: { email: 'a@b.co' } }));
    expect([refused.code, refused.headers['retry-after']]).toEqual([477, '3600']);
    expect(sandbox.stats().contacts).toBe(0);
    await contacts.basicApi.create({ properties: { email: 'a@b.co' } });
  });

  it('that drops the answer leaves the write done: the retry meets the 409', async () => {
    await using sandbox = await hubspot();
    sandbox.faults.add({ id: 'drop', effect: { kind: 'dropResponse' }, times: 1 });
    const { contacts } = client(sandbox).crm;
    await expect(contacts.basicApi.create({ properties: { email: 'a@b.co' } })).rejects.toThrow();
    const retried = await refusal(contacts.basicApi.create({ properties: { email: 'a@b.co' } }));
    expect(retried.body.message).toBe('Contact already exists. Existing ID: 101000000001');
  });
});

describe('the search', () => {
  it('lags behind every kind of write by two to five seconds', async () => {
    let at = start;
    await using sandbox = await hubspot({ searchLagMs: [2000, 5000], now: () => at });
    const { contacts } = client(sandbox).crm;
    const byEmail = async (email: string) => {
      const found = await contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'email', operator: Operator.Eq, value: email }] }],
        properties: ['city'],
      });
      return found.results.map((one) => [one.id, one.properties.city]);
    };
    const { id } = await contacts.basicApi.create({
      properties: { email: 'ada@example.com', city: 'Leeds' },
    });
    expect(await byEmail('ada@example.com')).toEqual([]);
    at += 1999;
    expect(await byEmail('ada@example.com')).toEqual([]);
    at += 3001;
    expect(await byEmail('ada@example.com')).toEqual([[id, 'Leeds']]);
    await contacts.basicApi.update(id, { properties: { city: 'Lyon' } });
    expect(await byEmail('ADA@example.com')).toEqual([[id, 'Leeds']]);
    expect((await contacts.basicApi.getById(id, ['city'])).properties.city).toBe('Lyon');
    at += 5000;
    expect(await byEmail('ada@example.com')).toEqual([[id, 'Lyon']]);
    await contacts.basicApi.archive(id);
    expect(await byEmail('ada@example.com')).toEqual([[id, 'Lyon']]);
    at += 5000;
    expect(await byEmail('ada@example.com')).toEqual([]);
  });

  it('knows the operators, sorts, pages and counts', async () => {
    await using sandbox = await hubspot();
    const { objects } = client(sandbox).crm;
    const prices = ['10.00', '9.50', '100', '7', null];
    for (const [index, price] of prices.entries())
      await objects.basicApi.create('orders', {
        properties: {
          hs_order_name: `#${index}`,
          hs_source_store: index % 2 === 0 ? 'Online Store' : 'Till Leeds',
          ...(price === null ? {} : { hs_total_price: price }),
        },
      });
    const names = async (filter: object, more: object = {}) => {
      const found = await objects.searchApi.doSearch('orders', {
        filterGroups: [{ filters: [{ propertyName: 'hs_total_price', operator: Operator.Eq, ...filter }] }],
        properties: ['hs_order_name'],
        ...more,
      });
      return found.results.map((one) => one.properties.hs_order_name);
    };
    expect(await names({ operator: Operator.Eq, value: '10' })).toEqual(['#0']);
    expect(await names({ operator: Operator.Neq, value: '10' })).toEqual(['#1', '#2', '#3']);
    expect(await names({ operator: Operator.Lt, value: '9.5' })).toEqual(['#3']);
    expect(await names({ operator: Operator.Gte, value: '9.5' })).toEqual(['#0', '#1', '#2']);
    expect(await names({ operator: Operator.Between, value: '9', highValue: '10' })).toEqual(['#0', '#1']);
    expect(await names({ operator: Operator.In, values: ['7', '100'] })).toEqual(['#2', '#3']);
    expect(await names({ operator: Operator.NotIn, values: ['7', '100'] })).toEqual(['#0', '#1']);
    expect(await names({ operator: Operator.HasProperty })).toEqual(['#0', '#1', '#2', '#3']);
    expect(await names({ operator: Operator.NotHasProperty })).toEqual(['#4']);
    const store = { propertyName: 'hs_source_store' };
    expect(await names({ ...store, operator: Operator.ContainsToken, value: 'leeds' })).toEqual(['#1', '#3']);
    expect(await names({ ...store, operator: Operator.ContainsToken, value: 'onl*' })).toEqual([
      '#0',
      '#2',
      '#4',
    ]);
    expect(await names({ ...store, operator: Operator.NotContainsToken, value: 'leeds' })).toEqual([
      '#0',
      '#2',
      '#4',
    ]);
    expect(await names({ operator: Operator.HasProperty }, { sorts: ['-hs_total_price'] })).toEqual([
      '#2',
      '#0',
      '#1',
      '#3',
    ]);
    const page = await objects.searchApi.doSearch('orders', { limit: 2, after: '2' });
    expect([page.total, page.results.length, page.paging?.next?.after]).toEqual([5, 2, '4']);
    const either = await objects.searchApi.doSearch('orders', {
      filterGroups: ['7', '100'].map((value) => ({
        filters: [{ propertyName: 'hs_total_price', operator: Operator.Eq, value }],
      })),
    });
    expect(either.total).toBe(2);
    expect((await objects.searchApi.doSearch('orders', { query: 'till' })).total).toBe(2);
  });

  it('refuses unknown properties and more than it can page', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    const unknown = await refusal(
      contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'nope', operator: Operator.HasProperty }] }],
      }),
    );
    expect(unknown.code).toBe(400);
    expect((await refusal(contacts.searchApi.doSearch({ limit: 200, after: '9900' }))).code).toBe(400);
    expect((await refusal(contacts.searchApi.doSearch({ limit: 201 }))).code).toBe(400);
  });
});

function rateHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-hubspot-ratelimit')),
  );
}
