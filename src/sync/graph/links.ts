import type { SubjectType } from '../../model/event.ts';
import { sameJson, toJson } from './canonical-json.ts';
import type { PlatformContext } from './write-context.ts';

/** Our link to a platform's row, with what bears on reading an observation of it. */
export interface StoredLink {
  entityType: string;
  entityId: bigint;
  state: Record<string, unknown>;
  /** When the platform last answered, or was last seen, with what `state` says. */
  seenAt: Date;
  /** True when a push of ours to that row has been carried out or may have been. */
  pushed: boolean;
  /** Bodies of pushes whose effect may already stand at the platform though it is not recorded yet. */
  inFlight: unknown[];
}

export async function loadLink(
  context: PlatformContext,
  remoteType: string,
  remoteId: string,
): Promise<StoredLink | null> {
  const { rows } = await context.tx.query<StoredLink>({
    name: 'load-link',
    text: `select entity_type as "entityType", entity_id as "entityId", remote_state as state,
             seen_at as "seenAt",
             exists (
               select 1 from push p where p.connection_id = l.connection_id and p.subject_type = l.entity_type
                 and p.subject_id = l.entity_id and p.status in ('settled', 'running', 'retrying')
             ) as pushed,
             array(
               select p.body from push p where p.connection_id = l.connection_id and p.subject_type = l.entity_type
                 and p.subject_id = l.entity_id and (p.status = 'running' or (p.status = 'retrying' and p.attempts > 0))
             ) as "inFlight"
           from link l where connection_id = $1 and remote_type = $2 and remote_id = $3`,
    values: [context.connectionId, remoteType, remoteId],
  });
  return rows[0] ?? null;
}

/**
 * Names of the observed fields that differ from what the platform was known to hold. What a push in flight says is
 * known too: its echo may overtake its receipt.
 */
export function differingFields(link: StoredLink, observed: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(observed).filter(
    (name) =>
      !sameJson(link.state[name], observed[name]) &&
      !link.inFlight.some((body) => says(body, name, observed[name])),
  );
}

interface ObservedLink {
  entityType: SubjectType;
  entityId: bigint;
  remoteType: string;
  remoteId: string;
  remoteVersion?: string | null;
  observed?: Readonly<Record<string, unknown>> | undefined;
}

/** Records which row of the graph a platform's row stands for and, where it was observed, what it holds now. */
export function saveLink(context: PlatformContext, link: ObservedLink): Promise<void> {
  return saveLinks(context, [link]);
}

/** Several of them, each of another row, by one statement. */
async function saveLinks(context: PlatformContext, links: readonly ObservedLink[]): Promise<void> {
  if (links.length === 0) return;
  await context.tx.query({
    name: 'observe-links',
    text: `insert into link as l (connection_id, entity_type, entity_id, remote_type, remote_id, remote_version, remote_state, seen_at)
           select $1, entity_type, entity_id, remote_type, remote_id, remote_version, observed, clock_timestamp()
           from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
             as seen (entity_type, entity_id, remote_type, remote_id, remote_version, observed)
           on conflict (connection_id, remote_type, remote_id) do update set
             entity_type = excluded.entity_type,
             entity_id = excluded.entity_id,
             remote_version = coalesce(excluded.remote_version, l.remote_version),
             remote_state = l.remote_state || excluded.remote_state,
             seen_at = excluded.seen_at,
             changed_at = case when l.remote_state || excluded.remote_state = l.remote_state then l.changed_at
               else excluded.seen_at end`,
    values: [
      context.connectionId,
      links.map((link) => link.entityType),
      links.map((link) => link.entityId),
      links.map((link) => link.remoteType),
      links.map((link) => link.remoteId),
      links.map((link) => link.remoteVersion ?? null),
      links.map((link) => toJson(link.observed ?? {})),
    ],
  });
}

/** True when a push's body names the field with this value, at any depth: bodies are in the platform's own words. */
function says(body: unknown, name: string, value: unknown): boolean {
  if (body === null || typeof body !== 'object') return false;
  if (Array.isArray(body)) return body.some((part) => says(part, name, value));
  return Object.entries(body).some(
    ([key, part]) => (key === name && sameJson(part, value)) || says(part, name, value),
  );
}
