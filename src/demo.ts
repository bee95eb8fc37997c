import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectionConfig } from './config.ts';
import { sandboxUrl } from './config.ts';
import { AppError } from './errors.ts';

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
];

/** Orders a minute of the demo shop: enough to watch, few enough to read. */
const ordersPerMinute = 20;

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

  /** Fills an empty shop with products, customers and history; a shop that has some is left as it is. */
  async seed(): Promise<void> {
    const stats = (await control('GET', '/_control/stats')) as { products?: number };
    if ((stats.products ?? 0) > 0) return;
    await control('POST', '/_control/seed', { products: 200, locations: 3, customers: 500 });
  }

  /** Lets the shop sell, at the till and online, until it is stopped. */
  async trade(): Promise<void> {
    await control('POST', '/_control/trade', { ordersPerMinute });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await exited;
  }
}

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(sandboxUrl('shopify') + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok)
    throw new Error(`sandbox ${method} ${path}: ${response.status} ${(await response.text()).slice(0, 500)}`);
  return response.json();
}
