import type { Queryable, Tx } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import { wakeWork } from './authorization.ts';
import { credentialsAad, sealCredentials } from './credentials.ts';

export type ConnectionStatus = 'active' | 'paused' | 'revoked' | 'disconnected';

/** A connection without its secrets. */
export interface ConnectionFacts {
  id: bigint;
  platform: PlatformName;
  accountId: string;
  name: string;
  status: ConnectionStatus;
  writeCapabilities: string[];
  settings: Record<string, unknown>;
}

const columns = `id, platform, account_id as "accountId", name, status, write_capabilities as "writeCapabilities", settings`;

/** All connections, oldest first. */
export async function listConnections(db: Queryable): Promise<ConnectionFacts[]> {
  const { rows } = await db.query<ConnectionFacts>(`select ${columns} from connection order by id`);
  return rows;
}

/** The credentials as they are stored. */
export async function readSealed(db: Queryable, id: bigint): Promise<Buffer> {
  const { rows } = await db.query<{ sealed: Buffer }>(
    'select credentials as sealed from connection where id = $1',
    [id],
  );
  return rows[0]?.sealed ?? Buffer.alloc(0);
}

/**
 * Connects an account, or gives a known one new credentials (which also takes a revocation or disconnection back: what waits
 * for it is tried at once). A new connection only observes until capabilities are named. Overwrites stored credentials: those that rotate are only passed when a
 * person has connected the account anew.
 */
export async function upsertConnection(
  tx: Tx,
  connection: {
    platform: PlatformName;
    accountId: string;
    name: string;
    credentials: unknown;
    settings?: Record<string, unknown>;
    writeCapabilities?: readonly string[];
    encryptionKey: Buffer;
  },
): Promise<bigint> {
  const sealed = sealCredentials(
    connection.encryptionKey,
    connection.credentials,
    credentialsAad(connection.platform, connection.accountId),
  );
  const { rows: before } = await tx.query<{ status: ConnectionStatus }>(
    'select status from connection where platform = $1::platform and account_id = $2 for no key update',
    [connection.platform, connection.accountId],
  );
  const { rows } = await tx.query<{ id: bigint }>(
    `insert into connection as c (platform, account_id, name, credentials, settings, write_capabilities)
     values ($1::platform, $2, $3, $4, coalesce($5::jsonb, '{}'), coalesce($6::text[], '{}'))
     on conflict (platform, account_id) do update set
       name = excluded.name,
       credentials = excluded.credentials,
       settings = coalesce($5::jsonb, c.settings),
       write_capabilities = coalesce($6::text[], c.write_capabilities),
       status = case when c.status in ('revoked', 'disconnected') then 'active'::connection_status else c.status end,
       status_reason = case when c.status in ('revoked', 'disconnected') then null else c.status_reason end,
       authorized_at = clock_timestamp(),
       updated_at = clock_timestamp()
     returning id`,
    [
      connection.platform,
      connection.accountId,
      connection.name,
      sealed,
      connection.settings === undefined ? null : JSON.stringify(connection.settings),
      connection.writeCapabilities === undefined ? null : [...connection.writeCapabilities],
    ],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An upsert returned no row.');
  if (before[0] !== undefined && ['revoked', 'disconnected'].includes(before[0].status)) {
    await wakeWork(tx, id);
    appendEventsAtCommit(tx, [
      {
        type: 'connection.resumed',
        subjectType: 'Connection',
        subjectId: id,
        payload: {},
        source: 'tributary',
      },
    ]);
  }
  return id;
}
