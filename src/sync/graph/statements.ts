import type { Tx } from '../../db/pool.ts';
import type { SourceVersion } from '../../model/change.ts';
import { toJson } from './canonical-json.ts';
import type { StoredVersion } from './version.ts';

export type StatementKind =
  | 'customer'
  | 'order'
  | 'product'
  | 'listing'
  | 'location'
  | 'refund'
  | 'fulfilment'
  | 'stockLevel'
  | 'payout'
  | 'metafields'
  | 'document'
  | 'account';

export interface StoredStatement extends StoredVersion {
  hash: string;
  removed: boolean;
  told: Record<string, unknown>;
}

/** The newest statement about a platform's row; null where there is none. Callers hold the lock of the row's name. */
export async function loadStatement(
  tx: Tx,
  connectionId: bigint,
  kind: StatementKind,
  remoteId: string,
): Promise<StoredStatement | null> {
  return (await loadStatements(tx, connectionId, kind, [remoteId])).get(remoteId) ?? null;
}

/** The same for several rows of one kind, by their remote ids. */
async function loadStatements(
  tx: Tx,
  connectionId: bigint,
  kind: StatementKind,
  remoteIds: readonly string[],
): Promise<Map<string, StoredStatement>> {
  const { rows } = await tx.query<StoredStatement & { remoteId: string }>({
    name: 'load-statements',
    text: `select remote_id as "remoteId", source_updated_at as "sourceUpdatedAt", read_at as "readAt", hash, removed, told
           from source_statement where connection_id = $1 and kind = $2 and remote_id = any($3::text[])`,
    values: [connectionId, kind, remoteIds],
  });
  return new Map(rows.map(({ remoteId, ...statement }) => [remoteId, statement]));
}

/** Reads a statement that another query fetched as JSON. */
export function parseStatement(
  json: {
    source_updated_at: string;
    read_at: string | null;
    hash: string;
    removed: boolean;
    told: Record<string, unknown>;
  } | null,
): StoredStatement | null {
  if (json === null) return null;
  return {
    sourceUpdatedAt: new Date(json.source_updated_at),
    readAt: json.read_at === null ? null : new Date(json.read_at),
    hash: json.hash,
    removed: json.removed,
    told: json.told,
  };
}

interface NewStatement {
  version: SourceVersion;
  hash: string;
  removed?: boolean;
  told?: Record<string, unknown>;
}

export function saveStatement(
  tx: Tx,
  connectionId: bigint,
  kind: StatementKind,
  remoteId: string,
  statement: NewStatement,
): Promise<void> {
  return saveStatements(tx, connectionId, kind, [{ remoteId, ...statement }]);
}

/** Several statements of one kind, each about another row, by one statement of SQL. */
async function saveStatements(
  tx: Tx,
  connectionId: bigint,
  kind: StatementKind,
  statements: readonly (NewStatement & { remoteId: string })[],
): Promise<void> {
  if (statements.length === 0) return;
  await tx.query({
    name: 'save-statements',
    text: `insert into source_statement (connection_id, kind, remote_id, source_updated_at, read_at, hash, removed, told)
           select $1, $2, remote_id, source_updated_at, read_at, hash, removed, told
           from unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::boolean[], $8::jsonb[])
             as s (remote_id, source_updated_at, read_at, hash, removed, told)
           on conflict (connection_id, kind, remote_id) do update set
             source_updated_at = excluded.source_updated_at, read_at = excluded.read_at, hash = excluded.hash,
             removed = excluded.removed, told = excluded.told`,
    values: [
      connectionId,
      kind,
      statements.map((one) => one.remoteId),
      statements.map((one) => one.version.sourceUpdatedAt),
      statements.map((one) => one.version.observedAt),
      statements.map((one) => one.hash),
      statements.map((one) => one.removed ?? false),
      statements.map((one) => toJson(one.told ?? {})),
    ],
  });
}
