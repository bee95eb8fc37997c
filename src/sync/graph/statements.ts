import type { Tx } from '../../db/pool.ts';
import type { SourceVersion } from '../../model/change.ts';
import { toJson } from './canonical-json.ts';
import type { StoredVersion } from './version.ts';

export type StatementKind =
  | 'customer'
  | 'order'
  | 'product'
  | 'location'
  | 'refund'
  | 'fulfilment'
  | 'stockLevel'
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
  const { rows } = await tx.query<StoredStatement>({
    name: 'load-statement',
    text: `select source_updated_at as "sourceUpdatedAt", read_at as "readAt", hash, removed, told
           from source_statement where connection_id = $1 and kind = $2 and remote_id = $3`,
    values: [connectionId, kind, remoteId],
  });
  return rows[0] ?? null;
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

export async function saveStatement(
  tx: Tx,
  connectionId: bigint,
  kind: StatementKind,
  remoteId: string,
  statement: { version: SourceVersion; hash: string; removed?: boolean; told?: Record<string, unknown> },
): Promise<void> {
  await tx.query({
    name: 'save-statement',
    text: `insert into source_statement (connection_id, kind, remote_id, source_updated_at, read_at, hash, removed, told)
           values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
           on conflict (connection_id, kind, remote_id) do update set
             source_updated_at = excluded.source_updated_at, read_at = excluded.read_at, hash = excluded.hash,
             removed = excluded.removed, told = excluded.told`,
    values: [
      connectionId,
      kind,
      remoteId,
      statement.version.sourceUpdatedAt,
      statement.version.observedAt,
      statement.hash,
      statement.removed ?? false,
      toJson(statement.told ?? {}),
    ],
  });
}
