import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf, sameJson, toJson } from './canonical-json.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { gateStatement } from './version.ts';
import { type ChangeOutcome, eventOf, type PlatformContext, touch } from './write-context.ts';

type LocationChange = Extract<PlatformChange, { kind: 'location' }>;

export async function applyLocation(
  context: PlatformContext,
  change: LocationChange,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const { location } = change;
  const hash = fingerprintOf(location);
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'location', change.remoteId),
  );
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, 'location', change.remoteId, { version: change.version, hash });
  if (gate === 'confirm') return 'unchanged';

  const stored = await tx.query<{ name: string; active: boolean; address: unknown }>({
    name: 'load-location',
    text: 'select name, active, address from location where connection_id = $1 and remote_id = $2 for no key update',
    values: [connectionId, change.remoteId],
  });
  const before = stored.rows[0];
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'write-location',
    text: `insert into location (connection_id, remote_id, name, address, active) values ($1, $2, $3, $4::jsonb, $5)
           on conflict (connection_id, remote_id) do update set name = excluded.name, address = excluded.address,
             active = excluded.active, updated_at = clock_timestamp()
           returning id`,
    values: [
      connectionId,
      change.remoteId,
      location.name,
      location.address === null ? null : toJson(location.address),
      location.active,
    ],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An upsert returned no row.');
  // Orders may have been told before the place where they were sold.
  if (before === undefined)
    await tx.query({
      name: 'place-orders',
      text: `update sales_order set location_id = $3
             where connection_id = $1 and remote_location_id = $2 and location_id is null`,
      values: [connectionId, change.remoteId, id],
    });
  touch(context.effects, 'Location', id);
  context.effects.events.push(
    eventOf(
      context,
      before === undefined ? 'location.created' : 'location.updated',
      { type: 'Location', id },
      {
        name: location.name,
        active: location.active,
        ...(before === undefined
          ? {}
          : {
              changedFields: (['name', 'active', 'address'] as const).filter(
                (field) => !sameJson(before[field], location[field]),
              ),
            }),
      },
    ),
  );
  return 'applied';
}
