import { connectAccounts } from '../accounts.ts';
import type { AppContext } from '../context.ts';
import { transaction } from '../db/transaction.ts';
import { platformNames } from '../model/platform-name.ts';
import type { ConnectionFacts } from '../sync/connections/connections.ts';
import { disconnectConnection, endWebhooks } from '../sync/connections/disconnect.ts';
import { platformNamed } from '../sync/platforms/index.ts';
import { withContext } from './with-context.ts';

/** Lists accounts, takes one off and connects it again. */
export async function connectionCommand(options: {
  action: string;
  argument: string;
  reason: string | null;
}): Promise<number> {
  switch (options.action) {
    case 'list':
      return withContext(list);
    case 'disconnect':
      return disconnect(options.argument, options.reason);
    case 'connect':
      return connect(options.argument);
    default:
      console.error(
        'connection list, connection disconnect <id> --reason <why>, or connection connect <platform>.',
      );
      return 2;
  }
}

async function list(context: AppContext): Promise<number> {
  console.table(
    (await context.connections()).map(({ id, platform, name, status, writeCapabilities }) => ({
      id: id.toString(),
      platform,
      name,
      status,
      writes: writeCapabilities.join(' ') || 'nothing',
    })),
  );
  return 0;
}

async function disconnect(id: string, reason: string | null): Promise<number> {
  if (!/^\d{1,18}$/.test(id)) {
    console.error('Which account? Its id stands in "connection list".');
    return 2;
  }
  if (reason === null || reason.trim() === '') {
    console.error('Say why: --reason "…" is kept and shown.');
    return 2;
  }
  return withContext(async (context) => {
    const connection = (await context.connections()).find((one) => one.id === BigInt(id));
    if (connection === undefined) {
      console.error(`There is no connection ${id}; "connection list" tells which there are.`);
      return 1;
    }
    await takeOff(context, connection, reason);
    return 0;
  });
}

async function takeOff(
  { pool, sessions, log }: AppContext,
  connection: ConnectionFacts,
  reason: string,
): Promise<void> {
  const webhooks = await endWebhooks(connection, {
    platform: platformNamed(connection.platform),
    session: (id) => sessions.get(id),
    log,
  });
  const left = await transaction(pool, (tx) => disconnectConnection(tx, connection.id, reason));
  console.log(`${connection.name} is disconnected; its credentials are forgotten, what it brought stays.`);
  console.log(webhooks.message);
  if (webhooks.remedy !== null) console.log(webhooks.remedy);
  if (left.plannedCount > 0) console.log(`${left.plannedCount} writes that waited are kept as plans.`);
  if (left.waitingDeliveryCount > 0)
    console.log(`${left.waitingDeliveryCount} deliveries wait; those that need the platform wait for it.`);
  if (left.pushIds.length > 0)
    console.log(`${left.pushIds.length} writes are under way and end by themselves.`);
}

/** With the credentials of the environment. */
async function connect(name: string): Promise<number> {
  const known = platformNames.find((one) => one === name);
  const platform = known === undefined ? undefined : platformNamed(known);
  if (platform === undefined) {
    console.error(`Which platform? connection connect ${platformNames.join(', ')}.`);
    return 2;
  }
  return withContext(async (context) => {
    const stated = context.config.connections.filter((one) => one.platform === platform.name);
    if (stated.length === 0) {
      console.error(`The environment states no credentials of ${name}; set them, as the README tells.`);
      return 1;
    }
    const connected = await connectAccounts(context, stated, { again: true });
    for (const account of connected)
      console.log(`${account} is connected again and observes; unlock writing with connectionWriteUnlock.`);
    if (connected.length === 0) console.log(`No account of ${name} was disconnected.`);
    return 0;
  });
}
