import type { PlatformChange, SourceVersion } from '../../model/change.ts';
import { fingerprintOf } from './canonical-json.ts';
import { parseStatement } from './statements.ts';
import { gateStatement, type StoredVersion } from './version.ts';

/** A row of `source_statement` as JSON. */
export type StatementJson = NonNullable<Parameters<typeof parseStatement>[0]> & {
  kind: string;
  remote_id: string;
};

/** The newest statement per platform row, as far as it was loaded. */
export type KnownStatements = Map<string, StoredVersion & { hash: string }>;

/** A whole statement about one row: nothing else decides whether it is news. */
export interface WholeStatement {
  key: string;
  version: SourceVersion;
  hash: string;
}

export function knownStatements(rows: readonly StatementJson[]): KnownStatements {
  return new Map(
    rows.flatMap((row) => {
      const statement = parseStatement(row);
      return statement === null ? [] : [[keyOf(row.kind, row.remote_id), statement]];
    }),
  );
}

/** The statement that these changes consist of; null where there is more to decide than whether it is newer. */
export function wholeStatement(changes: readonly PlatformChange[]): WholeStatement | null {
  const [change] = changes;
  if (change === undefined || changes.length > 1) return null;
  switch (change.kind) {
    case 'order':
      return {
        key: keyOf('order', change.remoteId),
        version: change.version,
        hash: fingerprintOf(change.order),
      };
    case 'product':
      return {
        key: keyOf('product', change.remoteId),
        version: change.version,
        hash: fingerprintOf(change.product),
      };
    default:
      return null;
  }
}

/**
 * What the write path would say of a statement that is no news; null where it has to be asked. Needs no lock: what is
 * known only ever becomes newer, and what is old already stays old.
 */
export function foretell(statement: WholeStatement, known: KnownStatements): 'stale' | 'unchanged' | null {
  const gate = gateStatement(statement, known.get(statement.key) ?? null);
  return gate === 'stale' || gate === 'unchanged' ? gate : null;
}

/** After the write path has taken it in. */
export function remember(statement: WholeStatement, known: KnownStatements): void {
  const { sourceUpdatedAt, observedAt } = statement.version;
  known.set(statement.key, { sourceUpdatedAt, readAt: observedAt, hash: statement.hash });
}

function keyOf(kind: string, remoteId: string): string {
  return `${kind} ${remoteId}`;
}
