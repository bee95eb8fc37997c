import { read, sql } from '../loaders/sql.ts';
import type { PlatformName } from '../model/platform-name.ts';
import type { GraphQLServices, OperationContext } from './services.ts';

/** The platform of a connection never changes: it is read once per process. */
const known = new WeakMap<GraphQLServices['pool'], Map<string, PlatformName>>();

export function platformOf(
  context: OperationContext,
  connectionId: string,
): PlatformName | Promise<PlatformName> {
  const names = known.get(context.services.pool);
  return names?.get(connectionId) ?? readPlatform(context, connectionId);
}

async function readPlatform(context: OperationContext, connectionId: string): Promise<PlatformName> {
  const rows = await read<{ id: string; platform: PlatformName }>(
    context.services.pool,
    sql`select id, platform::text as platform from connection`,
  );
  const names = new Map(rows.map((row) => [row.id, row.platform]));
  known.set(context.services.pool, names);
  const name = names.get(connectionId);
  if (name === undefined) throw new Error(`connection ${connectionId} is referenced and does not exist`);
  return name;
}
