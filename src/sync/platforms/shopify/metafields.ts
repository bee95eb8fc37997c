import { z } from 'zod';
import type { PlatformChange } from '../../../model/change.ts';
import type { CustomField, CustomFieldOwner, MetafieldValue } from '../../../model/custom-field.ts';
import { type Ask, ask, type ShopifySession } from './api.ts';
import { gidOf, idOf } from './vocabulary.ts';

/** Owners read at once: each asks for a few metafields, and a query may ask for 1,000 points. */
const ownersPerRequest = 50;

const metafield = z.object({
  namespace: z.string(),
  key: z.string(),
  type: z.string(),
  value: z.string(),
  updatedAt: z.string(),
});
const owner = z.object({
  id: z.string(),
  updatedAt: z.coerce.date(),
  metafields: z.object({ nodes: z.array(metafield) }),
});
const answer = z.object({
  nodes: z.array(owner.or(z.object({ __typename: z.string() })).nullable()),
});

/** Metafields by `namespace.key` that custom fields of this owner come from. */
function metafieldKeys(fields: readonly CustomField[], of: CustomFieldOwner): string[] {
  const keys = fields.flatMap(({ owner: type, source }) =>
    type === of && source.kind === 'metafield' ? [`${source.namespace}.${source.key}`] : [],
  );
  return [...new Set(keys)].sort();
}

/** Which namespaces webhooks about this owner have to carry. */
export function metafieldNamespaces(fields: readonly CustomField[], of: CustomFieldOwner): string[] {
  const names = fields.flatMap(({ owner: type, source }) =>
    type === of && source.kind === 'metafield' ? [source.namespace] : [],
  );
  return [...new Set(names)].sort();
}

/** The metafields of these owners as Shopify has them now; owners that are gone are left out. */
export async function readMetafields(
  session: ShopifySession,
  wanted: { owner: CustomFieldOwner; remoteIds: readonly string[]; keys: readonly string[] },
  put: Ask = ask,
): Promise<PlatformChange[]> {
  const changes: PlatformChange[] = [];
  if (wanted.keys.length === 0) return changes;
  for (let from = 0; from < wanted.remoteIds.length; from += ownersPerRequest) {
    const observedAt = new Date(session.now());
    const ids = wanted.remoteIds.slice(from, from + ownersPerRequest).map((id) => gidOf(wanted.owner, id));
    const { data } = await put(
      session,
      'metafields',
      { ids, keys: wanted.keys, first: wanted.keys.length },
      answer,
    );
    for (const node of data.nodes) {
      if (node === null || !('metafields' in node)) continue;
      changes.push(
        metafieldsChange(wanted, idOf(node.id), node.metafields.nodes, {
          sourceUpdatedAt: node.updatedAt,
          observedAt,
        }),
      );
    }
  }
  return changes;
}

/** Completes freely read orders or customers with their metafields; asks for nothing where no field comes from one. */
export async function withMetafields(
  session: ShopifySession,
  of: CustomFieldOwner,
  changes: readonly PlatformChange[],
  put: Ask = ask,
): Promise<PlatformChange[]> {
  const keys = metafieldKeys(await session.customFields(), of);
  if (keys.length === 0) return [...changes];
  const kind = of === 'Order' ? 'order' : 'customer';
  const remoteIds = changes.flatMap((change) => (change.kind === kind ? [change.remoteId] : []));
  return [...changes, ...(await readMetafields(session, { owner: of, remoteIds, keys }, put))];
}

/** What a message carries of the metafields that fields come from; null where none is wanted. */
export function metafieldsTold(
  fields: readonly CustomField[],
  of: CustomFieldOwner,
  message: { id: string; updatedAt: Date; metafields: readonly ToldMetafield[] },
): PlatformChange | null {
  const keys = metafieldKeys(fields, of);
  if (keys.length === 0) return null;
  return metafieldsChange({ owner: of, keys }, message.id, message.metafields, {
    sourceUpdatedAt: message.updatedAt,
    observedAt: null,
  });
}

function metafieldsChange(
  { owner: of, keys }: { owner: CustomFieldOwner; keys: readonly string[] },
  remoteId: string,
  told: readonly ToldMetafield[],
  version: { sourceUpdatedAt: Date; observedAt: Date | null },
): PlatformChange {
  const values: Record<string, MetafieldValue | null> = {};
  for (const name of keys) {
    const found = told.find((one) => `${one.namespace}.${one.key}` === name);
    values[name] = found === undefined ? null : toldValue(found);
  }
  return { kind: 'metafields', owner: of, remoteId, version, values };
}

/** A metafield as an answer or a message tells it; messages have their own name for the time. */
interface ToldMetafield {
  namespace: string;
  key: string;
  type: string;
  value: string;
  updatedAt?: string | undefined;
  updated_at?: string | undefined;
}

function toldValue({ type, value, updatedAt, updated_at }: ToldMetafield): MetafieldValue {
  const at = Date.parse(updatedAt ?? updated_at ?? '');
  return { type, value, ...(Number.isNaN(at) ? {} : { at: new Date(at).toISOString() }) };
}
