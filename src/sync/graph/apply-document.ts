import { AppError } from '../../errors.ts';
import type { PlatformChange } from '../../model/change.ts';
import type { SubjectType } from '../../model/event.ts';
import { fingerprintOf, toJson } from './canonical-json.ts';
import { differingFields, loadLink, type StoredLink } from './links.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { gateStatement } from './version.ts';
import { type ChangeOutcome, eventOf, type PlatformContext } from './write-context.ts';

type DocumentChange = Extract<PlatformChange, { kind: 'documentObserved' }>;
type Revocation = Extract<PlatformChange, { kind: 'accountRevoked' }>;

/**
 * Compares a row that we keep at a platform with what we last wrote. A difference is drift: somebody has changed it
 * there. It is recorded and told, not overwritten: the next push decides with the new state in sight.
 */
export async function applyDocument(
  context: PlatformContext,
  change: DocumentChange,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const link = await loadLink(context, change.remoteType, change.remoteId);
  if (link === null) return 'unchanged';
  const key = `${change.remoteType}:${change.remoteId}`;
  const hash = fingerprintOf({ version: change.remoteVersion, state: change.state });
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'document', key),
  );
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, 'document', key, {
    version: change.version,
    hash,
    removed: change.state === null,
  });
  // Its receipt is on the way and will say what stands there; until then nothing can be told apart.
  if (link.inFlight.length > 0) return 'echo';
  // Its kind cannot be voided: taking it back meant deleting it.
  if (change.state === null && link.state.void === 'done') return 'echo';
  const differing = driftOf(link, change.state);
  await tx.query({
    name: 'observe-document',
    text: `update link set
             remote_state = case when $4::jsonb is null then '{}' else remote_state || $4::jsonb end,
             remote_version = $5, seen_at = clock_timestamp(),
             changed_at = case when $6 then clock_timestamp() else changed_at end
           where connection_id = $1 and remote_type = $2 and remote_id = $3`,
    values: [
      connectionId,
      change.remoteType,
      change.remoteId,
      change.state === null ? null : toJson(change.state),
      change.remoteVersion,
      differing.length > 0 || change.state === null,
    ],
  });
  if (differing.length === 0 && change.state !== null) return link.pushed ? 'echo' : 'unchanged';
  context.effects.events.push(
    eventOf(
      context,
      'document.drifted',
      { type: link.entityType as SubjectType, id: link.entityId },
      {
        connectionId,
        platform: context.source,
        remoteType: change.remoteType,
        remoteId: change.remoteId,
        removed: change.state === null,
        changedFields: differing,
      },
    ),
  );
  return 'applied';
}

/** The account has withdrawn our authorisation: deliveries and pushes wait until a person connects it again. */
export async function applyRevocation(context: PlatformContext, change: Revocation): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const hash = fingerprintOf({ reason: change.reason });
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'account', ''),
  );
  // The same message again, after a person has connected the account anew, must not take that back.
  if (gate === 'stale' || gate === 'unchanged') return gate;
  await saveStatement(tx, connectionId, 'account', '', { version: change.version, hash, removed: true });
  const { rows } = await tx.query<{ platform: string }>({
    name: 'revoke-connection',
    text: `update connection set status = 'revoked', status_reason = $2, updated_at = clock_timestamp()
           where id = $1 and status not in ('revoked', 'disconnected') returning platform`,
    values: [connectionId, change.reason],
  });
  if (rows[0] === undefined) return 'unchanged';
  context.effects.events.push(
    eventOf(
      context,
      'connection.revoked',
      { type: 'Connection', id: connectionId },
      { platform: rows[0].platform, reason: change.reason },
    ),
  );
  return 'applied';
}

/** Only fields that we know to have been there can drift; others are the platform's own. */
function driftOf(link: StoredLink, state: Readonly<Record<string, unknown>> | null): string[] {
  if (state === null) return [];
  const known = Object.fromEntries(Object.entries(state).filter(([name]) => name in link.state));
  return differingFields(link, known);
}

export function connectionMissing(kind: string): AppError {
  return new AppError({
    code: 'CONNECTION_MISSING',
    retryable: false,
    publicMessage: `A change of kind ${kind} is told by a platform's connection, and none was named.`,
  });
}
