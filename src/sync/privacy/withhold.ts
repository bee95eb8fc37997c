import type { Tx } from '../../db/pool.ts';
import type { PlatformChange } from '../../model/change.ts';
import { normalizeEmail } from '../../model/customer.ts';
import type { CanonicalOrder } from '../../model/order.ts';
import type { PlatformContext } from '../graph/write-context.ts';
import { canonicalEmail } from '../identity/normalise-email.ts';

/** What is known of an erased name. */
export interface ErasedName {
  erasedAt: Date;
  standIn: string | null;
}
export type ErasedNames = ReadonlyMap<string, ErasedName>;

/** Which of these documents belong to somebody who was erased. Asked once the names are locked: an erasure under way is waited for. */
export async function findErasedDocuments(tx: Tx, names: readonly string[]): Promise<ErasedNames> {
  const asked = names.filter((name) => name.startsWith('document:'));
  if (asked.length === 0) return new Map();
  const { rows } = await tx.query<ErasedName & { name: string }>({
    name: 'find-erased-names',
    text: `select n.name, e.erased_at as "erasedAt", e.stand_in as "standIn"
           from erasure_pepper p cross join unnest($1::text[]) as n(name)
             join erased_name e on e.digest = sha256(p.pepper || convert_to(n.name, 'UTF8'))`,
    values: [asked],
  });
  return new Map(rows.map(({ name, ...erased }) => [name, erased]));
}

/**
 * What may be taken in of a platform's change where it speaks of somebody who was erased: nothing about the person, and of
 * orders what the books need. Null: nothing at all.
 */
export function withhold(
  context: PlatformContext,
  change: PlatformChange,
  erased: ErasedNames,
): { change: PlatformChange | null; withheld: boolean } {
  if (erased.size === 0) return { change, withheld: false };
  const { connectionId } = context;
  switch (change.kind) {
    case 'customer': {
      const known =
        erased.get(`customer:${connectionId}:${change.remoteId}`) ??
        before(byAddress(erased, change.customer.email ?? null), change.version.sourceUpdatedAt);
      return known === undefined ? { change, withheld: false } : { change: null, withheld: true };
    }
    case 'documentObserved':
      return erased.has(`document:${connectionId}:${change.remoteType}:${change.remoteId}`) &&
        change.state !== null
        ? { change: null, withheld: true }
        : { change, withheld: false };
    case 'order': {
      const known = erasedOrder(connectionId, change, erased);
      if (known === undefined) return { change, withheld: false };
      const { observed: _observed, ...rest } = change;
      return { change: { ...rest, order: withoutPerson(change.order, known.standIn) }, withheld: true };
    }
    case 'metafields':
      return erased.has(`${change.owner.toLowerCase()}:${connectionId}:${change.remoteId}`)
        ? { change: null, withheld: true }
        : { change, withheld: false };
    case 'crmFields': {
      const row = context.platforms[context.source]?.linkTypes.Order ?? '';
      const name =
        change.owner === 'Customer'
          ? `customer:${connectionId}:${change.remoteId}`
          : `document:${connectionId}:${row}:${change.remoteId}`;
      return erased.has(name) ? { change: null, withheld: true } : { change, withheld: false };
    }
    case 'refund':
      return erased.has(`order:${connectionId}:${change.orderRemoteId}`)
        ? { change: { ...change, refund: { ...change.refund, note: null } }, withheld: true }
        : { change, withheld: false };
    case 'fulfilment':
      return erased.has(`order:${connectionId}:${change.orderRemoteId}`)
        ? {
            change: {
              ...change,
              fulfilment: { ...change.fulfilment, trackingNumbers: [], trackingUrls: [] },
            },
            withheld: true,
          }
        : { change, withheld: false };
    default:
      return { change, withheld: false };
  }
}

/** Notes that an order was taken in without its person, so that nobody looks for one. */
export async function markWithheld(context: PlatformContext, change: PlatformChange): Promise<void> {
  if (change.kind !== 'order') return;
  await context.tx.query({
    name: 'mark-order-erased',
    text: 'update sales_order set erased_at = $3 where connection_id = $1 and remote_id = $2 and erased_at is null',
    values: [context.connectionId, change.remoteId, context.now],
  });
}

/** Addresses come back into use: what was said after the erasure is about somebody who has come anew. */
function before(erased: ErasedName | undefined, at: Date): ErasedName | undefined {
  return erased !== undefined && at <= erased.erasedAt ? erased : undefined;
}

function byAddress(erased: ErasedNames, email: string | null): ErasedName | undefined {
  return email === null ? undefined : erased.get(`email:${canonicalEmail(email)}`);
}

function erasedOrder(
  connectionId: bigint,
  { remoteId, order }: Extract<PlatformChange, { kind: 'order' }>,
  erased: ErasedNames,
): ErasedName | undefined {
  const { customer } = order;
  const email = normalizeEmail(customer === null ? order.email : customer.email);
  const known = before(byAddress(erased, email), order.placedAt);
  const byName =
    erased.get(`order:${connectionId}:${remoteId}`) ??
    (customer === null ? undefined : erased.get(`customer:${connectionId}:${customer.remoteId}`));
  if (byName === undefined) return known;
  return { ...byName, standIn: known?.standIn ?? null };
}

function withoutPerson(order: CanonicalOrder, standIn: string | null): CanonicalOrder {
  const nobody = { firstName: null, lastName: null, email: null, phone: null };
  const remoteId = order.customer?.remoteId ?? standIn;
  return {
    ...order,
    customer: remoteId === null ? null : { remoteId, ...nobody },
    email: null,
    phone: null,
    billingAddress: null,
    shippingAddress: null,
    note: null,
    tags: [],
    attributes: [],
    lines: order.lines.map((line) => ({ ...line, properties: [] })),
    fulfilments: order.fulfilments.map((one) => ({ ...one, trackingNumbers: [], trackingUrls: [] })),
    refunds: order.refunds.map((refund) => ({ ...refund, note: null })),
  };
}
