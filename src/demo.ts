import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectionConfig } from './config.ts';
import { sandboxUrl } from './config.ts';
import { AppError } from './errors.ts';
import type { PlatformName } from './model/platform-name.ts';

/** The accounts that the sandbox platforms know by default. */
export const demoConnections: ConnectionConfig[] = [
  {
    platform: 'shopify',
    accountId: 'demo-shop.myshopify.com',
    credentials: {
      shop: 'demo-shop.myshopify.com',
      accessToken: 'shpat_sandbox',
      apiSecret: 'shpss_sandbox_secret',
    },
  },
  {
    platform: 'hubspot',
    accountId: '62515',
    credentials: { accessToken: 'pat-sandbox', clientSecret: 'hubspot-sandbox-secret' },
  },
  {
    platform: 'quickbooks',
    accountId: '9130357992221046',
    credentials: {
      realmId: '9130357992221046',
      clientId: 'qb-sandbox-client',
      clientSecret: 'qb-sandbox-secret',
      refreshToken: 'RT1-sandbox',
      verifierToken: 'qb-sandbox-verifier',
    },
  },
  {
    platform: 'amazon',
    accountId: 'A2SANDBOXSELLER',
    credentials: {
      sellerId: 'A2SANDBOXSELLER',
      marketplaceId: 'ATVPDKIKX0DER',
      clientId: 'amzn1.application-oa2-client.sandbox',
      clientSecret: 'amazon-sandbox-secret',
      refreshToken: 'Atzr|sandbox',
      webhookSecret: 'amazon-sandbox-webhook-secret',
      lwaUrl: sandboxUrl('amazon'),
    },
  },
];

/** Orders a minute of the demo shop: enough to watch, few enough to read. */
const ordersPerMinute = 20;
/** Orders a minute on Amazon. Amazon lets each be read once every two seconds, no more than 1,800 an hour. */
const amazonOrdersPerMinute = 5;

/** The sandbox platforms in a process of their own, as they are in life: they share neither memory nor event loop with us. */
export class DemoPlatforms implements AsyncDisposable {
  #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: { dataDir: string; webhooksUrl: string }): Promise<DemoPlatforms> {
    const child = fork(
      fileURLToPath(new URL('./cli/tributary.ts', import.meta.url)),
      [
        'sandbox',
        '--seed',
        '7',
        '--data',
        join(options.dataDir, 'sandbox'),
        '--webhooks',
        options.webhooksUrl,
      ],
      // A group of its own: Ctrl-C is for us, who stop the platforms last.
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true },
    );
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-2000);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () =>
        reject(
          new AppError({
            code: 'SANDBOX_FAILED',
            retryable: false,
            publicMessage: complaint.includes('EADDRINUSE')
              ? 'The sandbox platforms need ports 4010 to 4014, and one is taken: another Tributary may be running. Stop it, or set real credentials.'
              : `The sandbox platforms did not start: ${complaint}`,
          }),
        ),
      );
    });
    return new DemoPlatforms(child);
  }

  /** Fills an empty shop with products, customers, history and offers on Amazon; one that has some is left as it is. */
  async seed(): Promise<void> {
    const stats = (await control('shopify', 'GET', '/_control/stats')) as { products?: number };
    if ((stats.products ?? 0) === 0)
      await control('shopify', 'POST', '/_control/seed', { products: 200, locations: 3, customers: 500 });
    const offers = (await control('amazon', 'GET', '/_control/stats')) as { listings?: number };
    if ((offers.listings ?? 0) === 0) await offerOnAmazon();
  }

  /** Lets the shop sell, at the till, online and on Amazon, until it is stopped. */
  async trade(): Promise<void> {
    await control('shopify', 'POST', '/_control/trade', { ordersPerMinute });
    await control('amazon', 'POST', '/_control/trade', { ordersPerMinute: amazonOrdersPerMinute });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** Offers part of the shop's goods on Amazon too, under the same numbers; every fourth lies in Amazon's own warehouse. */
async function offerOnAmazon(): Promise<void> {
  const variants = (await control('shopify', 'GET', '/_control/state?entity=variants')) as ShopVariant[];
  const products = (await control('shopify', 'GET', '/_control/state?entity=products')) as ShopProduct[];
  const titles = new Map(products.map((product) => [product.id, product.title]));
  const listings = variants
    .filter((variant) => variant.sku !== '')
    .slice(0, offersOnAmazon)
    .map((variant, index) => ({
      sku: variant.sku,
      title: titles.get(variant.productId) ?? variant.sku,
      price: (variant.priceMinor / 100).toFixed(2),
      quantity: 20,
      fulfilledBy: index % 4 === 3 ? 'AMAZON' : 'MERCHANT',
    }));
  await control('amazon', 'POST', '/_control/seed', { listings });
}

const offersOnAmazon = 60;

interface ShopVariant {
  sku: string;
  productId: string;
  priceMinor: number;
}

interface ShopProduct {
  id: string;
  title: string;
}

async function control(
  platform: PlatformName,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(sandboxUrl(platform) + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok)
    throw new Error(
      `sandbox ${platform} ${method} ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`,
    );
  return response.json();
}
