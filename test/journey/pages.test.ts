import type { BrowserContext, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { prepareConnections } from '../../src/app.ts';
import { dayIn } from '../../src/model/day.ts';
import { openBrowser } from '../support/browser.ts';
import { zoneAtMidday } from '../support/midday.ts';
import { apiKey, type Stack, startStack } from '../support/stack.ts';

// What a retailer and a developer see, in a real browser, of a real shop.

const browser = await openBrowser();
const waitMs = 30_000;
/** The shop's, which the books follow; midnight is far. */
const zone = zoneAtMidday();
let stack: Stack;
let context: BrowserContext;
const complaints: string[] = [];

beforeAll(async () => {
  if (browser === null) return;
  stack = await startStack({ shopify: { timeZone: zone } });
  context = await browser.newContext({ viewport: { width: 1300, height: 900 } });
  context.setDefaultTimeout(waitMs);
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  context.on('weberror', (problem) => complaints.push(`page: ${problem.error().message}`));
  context.on('requestfailed', (request) => complaints.push(`request: ${request.url()}`));
});

afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  complaints.length = 0;
});

/** Sells something and answers what people call the order. */
async function sell(): Promise<string> {
  const response = await fetch(`${stack.shopify.url}/_control/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      channel: 'online',
      customer: { email: 'ada@example.com', firstName: 'Ada', lastName: '<b>Lovelace</b>' },
      lines: [{ sku: 'MUG', quantity: 2 }],
      taxRates: [],
      shipping: '0.00',
    }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { name: string }).name;
}

async function signIn(page: Page): Promise<void> {
  await page.goto(stack.url);
  await page.getByLabel('API key').fill(apiKey);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('live', { exact: true }).waitFor();
}

function rowOf(page: Page, number: string) {
  return page.locator('#orders tr').filter({ has: page.getByRole('button', { name: number, exact: true }) });
}

test.skipIf(browser === null)(
  'the dashboard asks for a key, then shows an order as it comes and how it reaches every platform',
  async () => {
    const page = await context.newPage();
    await page.goto(stack.url);
    await page.getByLabel('API key').fill('a key that nobody has given out');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('This key is not known').waitFor();
    await signIn(page);
    expect(await page.locator('#platforms h3').allTextContents()).toEqual([
      'Shopify',
      'HubSpot',
      'QuickBooks',
    ]);

    const row = rowOf(page, await sell());
    await row.getByText('HubSpot ✓').waitFor();
    await row.getByText('QuickBooks ✓').waitFor();
    // A name is a stranger's input: it is shown, never run.
    await row.getByText('Ada <b>Lovelace</b>').waitFor();
    // The sale and the report of what is left may come as one movement or as two.
    const movements = page.locator('#stock tr').filter({ hasText: 'MUG' });
    await movements
      .filter({ has: page.getByText('-2', { exact: true }) })
      .first()
      .waitFor();
    await page
      .locator('#today')
      .getByText(/^24\.70 USD$/)
      .first()
      .waitFor();

    await row.getByRole('button').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^SalesReceipt \d+$/).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(browser === null)(
  'the day is tied out: what lies between graph and books is shown with what to do, down to the documents of an order',
  async () => {
    const number = await sell();
    await stack.settled();
    const receipt = stack.quickbooks
      .list('SalesReceipt')
      .find((one) => one.DocNumber === number.replace('#', ''));
    const [line] = (receipt?.Line ?? []) as Record<string, unknown>[];
    stack.quickbooks.edit('SalesReceipt', receipt?.Id ?? '', {
      Line: [{ ...line, Amount: 20, SalesItemLineDetail: { ItemRef: { value: '1' } } }],
    });
    const page = await context.newPage();
    await signIn(page);
    const day = page.locator('#tie-out');
    await day.getByRole('row', { name: /Graph/ }).waitFor();
    // Whoever looks is in another time zone than the shop.
    expect(await page.getByLabel('Day', { exact: true }).inputValue()).toBe(dayIn(zone.name, new Date()));
    await page.getByRole('button', { name: 'Ask shop and books' }).click();
    await day.getByRole('row', { name: /Shop/ }).waitFor();
    const difference = day.getByRole('row').filter({ hasText: number });
    await difference.getByText('4.70 USD').waitFor();
    await difference.getByText('Somebody has changed the document in the books.').waitFor();
    await difference.getByText(/postingRepost/).waitFor();
    await difference.getByRole('button', { name: number }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('4.70 USD apart').waitFor();
    await dialog.getByText('The sale').click();
    await dialog.getByText(/2 × The mug/).waitFor();
    if (process.env.SCREENSHOTS !== undefined) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/order.png` });
      await dialog.getByRole('button', { name: 'Close' }).click();
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/tie-out.png`, fullPage: true });
      await page.setViewportSize({ width: 390, height: 844 });
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/phone.png`, fullPage: true });
      await page.setViewportSize({ width: 1300, height: 900 });
    } else await dialog.getByRole('button', { name: 'Close' }).click();
    await difference.getByRole('button', { name: 'Post anew' }).click();
    await difference.waitFor({ state: 'detached' });
    expect(stack.quickbooks.read('SalesReceipt', receipt?.Id ?? '')).toMatchObject({ TotalAmt: 24.7 });
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(browser === null)(
  'what happens while the connection is broken is there when it is back',
  async () => {
    const page = await context.newPage();
    let mayConnect = true;
    const open: WebSocketRoute[] = [];
    await page.routeWebSocket(/graphql/, async (socket) => {
      if (!mayConnect) return socket.close({ code: 1013, reason: 'broken' });
      socket.connectToServer();
      open.push(socket);
    });
    await signIn(page);
    // By then everything that the page reads at its start has been read.
    await rowOf(page, await sell())
      .getByText('QuickBooks ✓')
      .waitFor();
    mayConnect = false;
    for (const socket of open) await socket.close({ code: 1013, reason: 'broken' });
    await page.getByText('connection lost').waitFor();
    const missed = [await sell(), await sell()];
    await stack.settled();
    mayConnect = true;
    await page.getByText('live', { exact: true }).waitFor();
    for (const number of [...missed, await sell()])
      await rowOf(page, number).getByText('QuickBooks ✓').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(browser === null)(
  'a page that is told it asks too often fills itself all the same, and goes on listening',
  async () => {
    const page = await context.newPage();
    const refused = new Set<string>();
    await page.routeWebSocket(/graphql/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const message = JSON.parse(String(text));
        const query = message.type === 'subscribe' ? message.payload.query : null;
        if (query === null || refused.has(query)) return server.send(text);
        // Each question and each subscription once.
        refused.add(query);
        const error = {
          message: 'Too many requests',
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 0.1 },
        };
        return socket.send(JSON.stringify({ id: message.id, type: 'error', payload: [error] }));
      });
    });
    await signIn(page);
    await rowOf(page, await sell())
      .getByText('QuickBooks ✓')
      .waitFor();
    expect(await page.locator('#platforms h3').count()).toBe(3);
    expect([...refused].filter((query) => query.startsWith('subscription')).length).toBe(4);
    expect(await page.locator('#problem').isHidden()).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(browser === null)('every page leads to every other, and none is wider than a phone', async () => {
  const page = await context.newPage();
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  const titles: string[] = [];
  for (const [link, title] of [
    ['Stock', 'Stock · Tributary'],
    ['For decision', 'For decision · Tributary'],
    ['Dashboard', 'Tributary'],
  ] as const) {
    await page.getByRole('navigation').getByRole('link', { name: link }).click();
    await page.getByText('live', { exact: true }).waitFor();
    titles.push(await page.title());
    expect(titles.at(-1)).toBe(title);
    expect(await page.locator('nav a[aria-current="page"]').allTextContents()).toEqual([
      expect.stringContaining(link),
    ]);
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    ).toBe(0);
  }
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(browser === null)('what an account lacks is shown with its remedy until it has it', async () => {
  const page = await context.newPage();
  stack.shopify.withholdScopes(['write_orders']);
  await prepareConnections(stack.app.context);
  await signIn(page);
  const lacking = page.locator('#dead li').filter({ hasText: 'Writing order' });
  await lacking.getByText('It is unlocked, and Shopify refuses it: the app lacks write_orders.').waitFor();
  await lacking.getByText('What to do: Grant write_orders to the app in Shopify').waitFor();
  stack.shopify.withholdScopes([]);
  await prepareConnections(stack.app.context);
  await page.reload();
  await page.getByText('live', { exact: true }).waitFor();
  await page.locator('#platforms h3').first().waitFor();
  expect(await page.locator('#attention').isHidden()).toBe(true);
  expect(complaints).toEqual([]);
  await page.close();
});

test.skipIf(browser === null)(
  'a dead letter is shown with its remedy, and tried again at the press of a button',
  async () => {
    const page = await context.newPage();
    await signIn(page);
    stack.quickbooks.faults.add({
      id: 'refuse',
      path: 'salesreceipt',
      effect: { kind: 'status', status: 400 },
    });
    const row = rowOf(page, await sell());
    await row.getByText('QuickBooks needs a look').waitFor();
    const letter = page.locator('#dead li').filter({ hasText: 'sales receipt' });
    await letter.getByText('What to do:').waitFor();
    stack.quickbooks.faults.remove('refuse');
    await letter.getByRole('button', { name: 'Try again' }).click();
    await row.getByText('QuickBooks ✓').waitFor();
    await page.locator('#attention').waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
    await page.close();
  },
);

test.skipIf(browser === null)(
  'a dead letter is closed with a reason: it leaves the page and the order says why it is not in the books',
  async () => {
    const page = await context.newPage();
    await signIn(page);
    stack.quickbooks.faults.add({
      id: 'refuse',
      path: 'salesreceipt',
      effect: { kind: 'status', status: 400 },
    });
    const number = await sell();
    const row = rowOf(page, number);
    await row.getByText('QuickBooks needs a look').waitFor();
    const letter = page.locator('#dead li').filter({ hasText: 'sales receipt' });
    // Without a reason the browser does not let it go.
    await letter.getByRole('button', { name: 'Dismiss' }).click();
    const reason = letter.getByRole('textbox');
    await reason.fill('Entered by');
    // Something else happens meanwhile, and the list is drawn anew.
    await stack.shopify.placeOrder({
      channel: 'online',
      customer: { email: 'late@example.com', firstName: 'Late', lastName: 'Comer' },
      lines: [{ sku: 'MUG', quantity: 1 }],
    });
    await page.locator('#dead li').nth(1).waitFor();
    expect(await page.locator('#dead :focus').inputValue()).toBe('Entered by');
    await page.keyboard.type(' hand.');
    await page.keyboard.press('Enter');
    await row.getByText('QuickBooks dismissed').waitFor();
    stack.quickbooks.faults.remove('refuse');
    await page.locator('#dead li').getByRole('button', { name: 'Try again' }).click();
    await page.locator('#attention').waitFor({ state: 'hidden' });
    const { orderByNumber: order } = await stack.graphql(
      'query ($number: String!) { orderByNumber(number: $number) { accounting { status why } } }',
      { number },
    );
    expect(order.accounting).toMatchObject([
      { status: 'DISMISSED', why: expect.stringMatching(/has dismissed it: Entered by hand\./) },
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  },
);

/** Two customers whom the graph takes for perhaps one, with what speaks for it. */
async function askAbout(names: [string, string]): Promise<void> {
  for (const name of names) {
    stack.shopify.placeOrder({
      channel: 'online',
      customer: {
        email: `${name.toLowerCase()}@example.com`,
        firstName: name,
        lastName: 'Hamilton',
      },
      lines: [{ sku: 'MUG', quantity: 1 }],
    });
    await stack.settled();
  }
  await stack.database.pool.query(
    `insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, evidence)
     select min(id), max(id), 6.4, 0.9886, '{"contributions": [
       {"field": "phone", "level": "same", "bits": 20.7, "words": "The same telephone number."},
       {"field": "firstName", "level": "different", "bits": -4.2, "words": "Different first names."}],
       "caution": "Perhaps sisters."}'
     from customer where last_name = 'Hamilton' and first_name = any($1)
     on conflict do nothing`,
    [names],
  );
}

test.skipIf(browser === null)(
  'what waits for a person is shown with its proof, decided with a button, and a merge is undone with another',
  async () => {
    await askAbout(['Margaret', 'Marge']);
    await askAbout(['Lauren', 'Laura']);
    const { customFieldMappingUpsert: declared } = await stack.graphql(
      `mutation ($input: CustomFieldMappingInput!) { customFieldMappingUpsert(input: $input) { userErrors { message } } }`,
      {
        input: {
          owner: 'ORDER',
          key: 'wanted_by',
          name: 'Wanted by',
          type: 'DATE',
          source: { lineAttribute: 'Wanted by' },
        },
      },
    );
    expect(declared.userErrors).toEqual([]);
    const { name: number } = stack.shopify.placeOrder({
      channel: 'online',
      customer: { email: 'margaret@example.com', firstName: 'Margaret', lastName: 'Hamilton' },
      lines: [{ sku: 'HAT', quantity: 1, properties: { 'Wanted by': 'the <i>day after</i>' } }],
      note: 'Thank you! Note that my son is allergic to nuts.',
    });
    await stack.settled();

    const page = await context.newPage();
    await signIn(page);
    await page.getByRole('link', { name: /^For decision \(\d+\)$/ }).click();
    await page.getByText('live', { exact: true }).waitFor();
    const pairs = page.locator('#pairs > li');
    const margaret = pairs.filter({ hasText: 'Margaret Hamilton and Marge Hamilton' });
    await margaret.getByText('98.8 % one person (6.4 bits). Perhaps sisters.').waitFor();
    await margaret.getByText('phone: The same telephone number.').waitFor();
    await margaret.getByText('-4.2', { exact: true }).waitFor();
    await margaret.getByText('margaret@example.com').waitFor();

    await margaret.getByRole('button', { name: 'One person: merge' }).click();
    await page.getByText(/is now part of/).waitFor();
    await margaret.waitFor({ state: 'detached' });
    const merged = async () =>
      (
        await stack.database.pool.query(
          "select 1 from customer where last_name = 'Hamilton' and merged_into_id is not null",
        )
      ).rows.length;
    expect(await merged()).toBe(1);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('is a customer of their own again').waitFor();
    expect(await merged()).toBe(0);
    const lauren = pairs.filter({ hasText: 'Lauren Hamilton' });
    await lauren.getByRole('button', { name: 'Two people: keep apart' }).click();
    await page.getByText('stay two').waitFor();
    await page.getByText('Nobody. Who is certainly one person').waitFor();

    const wish = page.locator('#wishes > li').filter({ hasText: `Order ${number}: allergy` });
    expect(await wish.locator('mark').textContent()).toContain('allergic to nuts');
    expect(await wish.locator('blockquote').textContent()).toBe(
      'Thank you! Note that my son is allergic to nuts.',
    );
    await wish.getByRole('button', { name: 'Approve' }).click();
    await wish.waitFor({ state: 'detached' });
    const { orderByNumber } = await stack.graphql(
      'query ($number: String!) { orderByNumber(number: $number) { fulfilmentRules { kind status decidedBy } } }',
      { number },
    );
    expect(orderByNumber.fulfilmentRules).toContainEqual({
      kind: 'ALLERGY',
      status: 'APPROVED',
      decidedBy: 'key:journey',
    });

    // What a stranger typed is shown, never run.
    const row = page.locator('#values tr').filter({ hasText: `order ${number}` });
    expect(await row.locator('td').allTextContents()).toEqual([
      'Wanted by',
      `order ${number}`,
      'the <i>day after</i>',
      '“the <i>day after</i>” is no date',
      'the lines’ attribute “Wanted by”',
      expect.any(String),
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  },
);
test.skipIf(browser === null)('nothing of a table is out of sight, whatever orders are called', async () => {
  await sell();
  await stack.settled();
  // The longest numbers are Amazon's.
  await stack.database.pool.query(`update sales_order set number = '902-2101557-1465096'`);
  const page = await context.newPage();
  await signIn(page);
  await page.locator('#orders tr').first().waitFor();
  for (const width of [1920, 1601, 1600, 1300, 1001, 1000, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const hidden = await page
      .locator('#orders, #refunds, #stock')
      .evaluateAll((bodies) =>
        bodies
          .map((body) => body.closest('.panel') as HTMLElement)
          .map((panel) => panel.scrollWidth - panel.clientWidth),
      );
    expect([width, ...hidden]).toEqual([width, 0, 0, 0]);
  }
  await page.close();
});

test.skipIf(browser === null)(
  'GraphiQL opens with tabs to run, and a subscription prints orders as they come',
  async () => {
    const page = await context.newPage();
    await page.goto(`${stack.url}/graphql`);
    await page.getByRole('tab', { name: 'OrdersLive' }).waitFor();
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool').locator('.monaco-editor').last().click();
    await page.keyboard.insertText(JSON.stringify({ authorization: `Bearer ${apiKey}` }));
    const frames: string[] = [];
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => frames.push(String(payload)));
    });
    // GraphiQL keeps what was typed after a moment, and opens its socket with that.
    await page.waitForFunction((key) => localStorage.getItem('graphiql:tabState')?.includes(key), apiKey);
    await page.locator('.graphiql-execute-button').click();
    await expect
      .poll(() => frames.some((frame) => frame.includes('connection_ack')), { timeout: waitMs })
      .toBe(true);
    const number = await sell();
    await expect.poll(() => frames.some((frame) => frame.includes(number)), { timeout: waitMs }).toBe(true);
    await page.locator('.result-window').getByText(number).first().waitFor();
    // With the mouse, as people do.
    for (const name of ['LatestOrders', 'SyncStatus', 'OrdersLive']) {
      const tab = page.getByRole('tab', { name });
      await tab.getByRole('button', { name, exact: true }).click();
      await page.waitForFunction(
        (wanted) => document.querySelector('[role=tab][aria-selected=true]')?.textContent?.includes(wanted),
        name,
      );
    }
    // Until a key is typed, GraphiQL asks for the schema in vain.
    expect(complaints.filter((complaint) => !complaint.includes('401 (Unauthorized)'))).toEqual([]);
    await page.close();
  },
);
