import { createPool } from '../../../src/db/pool.ts';
import { createLog } from '../../../src/log.ts';
import { startWorker } from '../../../src/sync/worker.ts';
import { sessionsFor, stubApply } from './engine.ts';
import { fakePlatform } from './fake-platform.ts';

// A worker in a process of its own, so that it can be killed: node worker-process.ts <database> <platform's base URL>
const [connectionString = '', baseUrl = ''] = process.argv.slice(2);
const log = createLog({ level: 'warn' });
const pool = createPool({ connectionString, max: 20, applicationName: 'worker-process' });
const shopify: ReturnType<typeof fakePlatform> = {
  ...fakePlatform('shopify'),
  interpret: async (delivery, session, how) => {
    // Memory that runs out, a parser that never comes back: nothing in the process can tell of it.
    if (delivery.body.includes('"deadly"')) process.kill(process.pid, 'SIGKILL');
    return fakePlatform('shopify').interpret(delivery, session, how);
  },
};
const platforms = { shopify, hubspot: fakePlatform('hubspot') };
await startWorker({
  pool,
  connectionString,
  platforms,
  sessions: sessionsFor(pool, platforms, log, baseUrl),
  log,
  heartbeatMs: 100,
  leaseMs: 600,
  orphanSweepMs: 200,
  orphanAgeMs: 300,
  // Each delivery leaves one mark; a second effect would leave a second one.
  apply: stubApply(async (tx, subject) => {
    await tx.query('insert into effect (subject) values ($1)', [subject]);
  }),
});
process.stdout.write('started\n');
