import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { openBrowser } from '../support/browser.ts';
import { apiKey, type Stack, startStack } from '../support/stack.ts';

// What a retailer sees of the stock, in a real browser, of a real shop that also sells on Amazon.

const browser = await openBrowser();
const complaints: string[] = [];
let stack: Stack;
let context: BrowserContext;

beforeAll(async () => {
  if (browser === null) return;
  stack = await startStack({
    catalogue: [
      { sku: 'MUG', price: '12.35', stock: 20 },
      { sku: 'LAMP', price: '45.00', stock: 5 },
    ],
    amazon: {},
  });
  if (stack.amazon === null) throw new Error('the stack has no Amazon');
  upsertListing(stack.amazon.account, { sku: 'MUG', title: 'The mug', price: '14.00', quantity: 1 });
  await stack.sweep();
  await stack.settled();
  context = await browser.newContext({ viewport: { width: 1500, height: 1000 } });
  context.setDefaultTimeout(30_000);
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  context.on('weberror', (problem) => complaints.push(`page: ${problem.error().message}`));
});

afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

const rowsOf = (page: Page, body: string, text: string) =>
  page.locator(`#${body} tr`).filter({ hasText: text });

test.skipIf(browser === null)(
  'the stock page tells what is where, what Amazon offers, what is set aside and what was oversold, as it happens',
  async () => {
    const page = await context.newPage();
    await page.goto(`${stack.url}/stock`);
    await page.getByLabel('API key').fill(apiKey);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('live', { exact: true }).waitFor();

    await page.getByLabel('SKUs').fill('MUG');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('of MUG').waitFor();
    const levels = rowsOf(page, 'levels', 'MUG');
    await levels.first().waitFor();
    const places = stack.shopify.shop.locations.size;
    expect(await levels.count()).toBe(places);
    // On every place's row: what Shopify holds there, and what Amazon offers over all places.
    await levels.first().getByText('Shopify 20').waitFor();
    await levels
      .first()
      .getByText(`Amazon ${20 * places}`)
      .waitFor();
    expect(await rowsOf(page, 'levels', 'LAMP').count()).toBe(0);
    await rowsOf(page, 'channels', 'Amazon').getByText('in step').waitFor();

    // A sale at the till: the row follows by itself, and so does what Amazon offers.
    const till = stack.shopify.placeOrder({ channel: 'pos', lines: [{ sku: 'MUG', quantity: 3 }] });
    await rowsOf(page, 'levels', 'Shopify 17').waitFor();
    // Three fewer, and some kept back: that goods sell is all that is known yet of how fast.
    await levels
      .first()
      .getByText(/Amazon (2\d|3[0-6])/)
      .waitFor();
    await page.locator('#oversold').getByText('3', { exact: true }).waitFor();
    expect(till.name).toMatch(/^#/);

    const { stockLevels } = await stack.graphql(
      '{ stockLevels(skus: ["LAMP"]) { nodes { variant { id } location { id name } } } }',
    );
    const [lamp] = stockLevels.nodes;
    await stack.graphql(
      `mutation M($input: ReservationCreateInput!) { reservationCreate(input: $input) { userErrors { message } } }`,
      {
        input: {
          variantId: lamp.variant.id,
          locationId: lamp.location.id,
          quantity: 2,
          reason: '<b>for a regular</b>',
        },
      },
    );
    await stack.graphql(
      `mutation M($input: StockRuleSetInput!) { stockRuleSet(input: $input) { userErrors { message } } }`,
      { input: { variantId: lamp.variant.id, maxQuantity: 1, lastUnits: 2 } },
    );
    // Words are a stranger's input: they are shown, never run.
    const setAside = rowsOf(page, 'reservations', 'LAMP');
    await setAside.getByText('<b>for a regular</b>').waitFor();
    expect(await setAside.locator('td').nth(2).textContent()).toBe('2');
    await rowsOf(page, 'rules', 'LAMP').getByText('offer at most 1, offer nothing of the last 2').waitFor();

    // More is sold than there is: the report says so.
    stack.shopify.placeOrder({ channel: 'pos', lines: [{ sku: 'LAMP', quantity: 9 }] });
    const oversold = rowsOf(page, 'goods', 'LAMP');
    await oversold.first().waitFor();
    expect(await oversold.locator('td').last().textContent()).toMatch(/^[1-9]/);
    if (process.env.SCREENSHOTS !== undefined)
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/stock.png`, fullPage: true });
    expect(await page.locator('main').textContent()).not.toContain('[object');
    expect(complaints).toEqual([]);
  },
);
