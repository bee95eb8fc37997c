import { join } from 'node:path';

/** Where each sandbox platform listens; the same numbers as in the configuration's defaults. */
const ports = { shopify: 4010, hubspot: 4011, quickbooks: 4012, amazon: 4013 };
const claudePort = 4014;

/** Cost points of Shopify's largest plan: on the smallest one, reading a shop's history takes many minutes. */
const plusPlan = { maximumPoints: 20_000, restorePerSecond: 1_000 };

/** Serves the sandbox platforms until it is told to stop. Tells a parent process when they are ready. */
export async function sandboxCommand(options: {
  seed: number;
  data: string | null;
  webhooks: string | null;
  limits: boolean;
}): Promise<number> {
  const [
    { startShopifySandbox },
    { startHubSpotSandbox },
    { peoplesProperties },
    { startQuickBooksSandbox },
    { startAmazonSandbox },
    { startClaudeSandbox },
  ] = await Promise.all([
    import('../../sandbox/shopify/server.ts'),
    import('../../sandbox/hubspot/server.ts'),
    import('../../sandbox/hubspot/peoples-properties.ts'),
    import('../../sandbox/quickbooks/server.ts'),
    import('../../sandbox/amazon/server.ts'),
    import('../../sandbox/claude/server.ts'),
  ]);
  const common = (name: keyof typeof ports) => ({
    port: ports[name],
    seed: options.seed,
    limits: options.limits,
    statePath: options.data === null ? null : join(options.data, `${name}.json`),
    webhookUrl: options.webhooks === null ? null : `${options.webhooks}/webhooks/${name}`,
  });
  await using shopify = await startShopifySandbox({ ...common('shopify'), ...plusPlan });
  await using hubspot = await startHubSpotSandbox({
    ...common('hubspot'),
    subscribedProperties: peoplesProperties,
  });
  await using quickbooks = await startQuickBooksSandbox(common('quickbooks'));
  // Queues deliver more than once and in no order.
  await using amazon = await startAmazonSandbox({
    ...common('amazon'),
    weather: { duplicate: 0.1, delayMs: [20, 200] },
  });
  await using claude = await startClaudeSandbox({ port: claudePort, seed: options.seed });
  for (const [name, { url }] of Object.entries({ shopify, hubspot, quickbooks, amazon, claude })) {
    console.log(`${name.padEnd(11)} ${url}   control: ${url}/_control`);
  }
  process.send?.('ready');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    // A parent that is gone, however it went, takes its sandbox with it.
    process.once('disconnect', () => resolve());
  });
  // Listening to the parent's channel keeps a process alive.
  if (process.connected) process.disconnect();
  return 0;
}
