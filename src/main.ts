import { parseArgs } from 'node:util';
import { prepareConnections, type Role, startApp, sweepAll } from './app.ts';
import { complain } from './complain.ts';
import { readConfig } from './config.ts';
import { prepareDataDir } from './data-dir.ts';
import { DemoPlatforms, demoConnections } from './demo.ts';
import { AppError } from './errors.ts';
import { leave } from './leave.ts';
import { createLog, type Log } from './log.ts';

/** `npm start`: the demo shop without credentials, the real thing with them. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { role: { type: 'string', default: 'all' } } });
  if (!['all', 'api', 'worker'].includes(values.role)) {
    throw new AppError({
      code: 'BAD_ROLE',
      retryable: false,
      publicMessage: `--role must be api, worker or all, not "${values.role}".`,
    });
  }
  const role = values.role as Role;
  const stop = stopSignal();
  const config = readConfig(process.env);
  // The demo is for people: they get a page of what to open instead of a line per delivery.
  const log = createLog({
    level: config.demo && process.env.LOG_LEVEL === undefined ? 'warn' : config.logLevel,
  });
  await using resources = new AsyncDisposableStack();

  if (!config.demo) {
    const app = resources.use(await startApp(config, { role, log }));
    log.info({ role, port: app.http?.port }, 'started');
    if (role !== 'worker') await tried(log, () => prepareConnections(app.context));
    if (role !== 'api') await tried(log, () => sweepAll(app.context, { signal: stop }));
    await ended(stop);
    return;
  }

  await prepareDataDir(config.dataDir);
  const say = (line: string): void => console.log(line);
  say('Tributary demo: starting the sandbox platforms and the embedded Postgres …');
  const platforms = resources.use(
    await DemoPlatforms.start({ dataDir: config.dataDir, webhooksUrl: config.publicUrl }),
  );
  const app = resources.use(await startApp(config, { role, log, connections: demoConnections }));
  await platforms.seed();
  say(banner(config.port));
  await prepareConnections(app.context);
  await platforms.trade();
  say('The shop is open: orders, edits, refunds and stock counts are on their way. Ctrl-C stops everything.');
  await sweepAll(app.context, { signal: stop });
  if (!stop.aborted) say("The shop's history is in the graph.");
  await ended(stop);
  say('Stopping …');
}

/** A database that goes away for a moment must not end what serves already: the sweeps that come by themselves make up for it. */
async function tried(log: Log, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn({ err: error }, 'the accounts could not be read at the start; the next sweep does it');
  }
}

function banner(port: number): string {
  return `
  Open
    http://localhost:${port}/           the dashboard
    http://localhost:${port}/graphql    GraphiQL, with tabs to run: the first one subscribes to orders as they come
  The sandbox platforms (what they hold; their control API under /_control reads them back, breaks them and places orders)
    http://127.0.0.1:4010/_control/stats  Shopify
    http://127.0.0.1:4011/_control/stats  HubSpot
    http://127.0.0.1:4012/_control/stats  QuickBooks
    http://127.0.0.1:4013/_control/stats  Amazon
    http://127.0.0.1:4014/_control/stats  Claude, who reads the notes on orders
  Try
    sell something      curl -s -X POST localhost:4010/_control/orders -H 'content-type: application/json' \\
                          -d '{"channel":"pos","customerEmail":"ada@example.com","lines":[{"quantity":2}]}'
    stop QuickBooks     curl -s -X POST localhost:4012/_control/faults -H 'content-type: application/json' \\
                          -d '{"effect":{"kind":"status","status":503},"forMs":60000}'
    see what waits      curl -s localhost:${port}/graphql -H 'content-type: application/json' \\
                          -d '{"query":"{ syncStatus { connections { connection { name } waiting retrying work { kind status count reason } } } }"}'
`;
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

try {
  await main();
  await leave(0);
} catch (error) {
  complain(error, 'npm start -- [--role api|worker|all]');
  await leave(1);
}
