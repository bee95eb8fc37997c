import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/**
 * A real browser without a window. Null where its build does not run (it is made for Linux); in CI that is a failure.
 */
export async function openBrowser(): Promise<Browser | null> {
  try {
    return await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [...chromium.args, '--no-sandbox'],
      headless: true,
    });
  } catch (error) {
    if (process.env.CI !== undefined) throw error;
    console.warn('No browser runs here, so the pages are not tested:', String(error).split('\n', 1)[0]);
    return null;
  }
}
