import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import { naturalBatch } from '../natural-batch.ts';
import type { DeliveryFacts, Interpretation } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { readCompany } from './company.ts';
import { canonicalIn, fieldsIn } from './customers.ts';
import { type QuickBooksEvent, quickBooksEvent } from './door.ts';
import { toAppError } from './fault.ts';
import { type FormType, formState } from './form-body.ts';
import { isOwn, isSettlementOf } from './own-records.ts';
import { readSettings } from './settings.ts';

/** Events carry no fields: the record is read as it stands, many in one query. */
export async function interpret(
  delivery: DeliveryFacts,
  session: QuickBooksSession,
): Promise<Interpretation> {
  const event = read(delivery.body);
  if (event.entity === 'preferences') {
    await readCompany(session);
    return { kind: 'ignored', reason: 'The company’s settings: they were read anew.' };
  }
  const name = readable[event.entity];
  const observedAt = new Date(session.now());
  const settlement = settlements[event.entity];
  // What is open of them changes all the time; that they are gone matters.
  if (settlement !== undefined && ['deleted', 'voided'].includes(event.operation))
    return { kind: 'changes', changes: [documentRemoved(settlement, event, observedAt)] };
  if (name === undefined)
    return { kind: 'ignored', reason: `The graph holds no ${event.entity} of QuickBooks.` };
  if (event.operation === 'created' && isOwn(session, name, event.id))
    return { kind: 'ignored', reason: 'A record of our own making, told back.' };
  if (event.operation === 'updated' && isSettlementOf(session, name, event.id, event.at))
    return { kind: 'ignored', reason: 'A document that our own payment has settled.' };
  const entity = event.operation === 'deleted' ? null : await readerOf(session, name)(event.id);
  if (name !== 'Customer')
    return {
      kind: 'changes',
      changes: [
        entity === null ? documentRemoved(name, event, observedAt) : documentChange(name, entity, observedAt),
      ],
    };
  if (entity === null)
    return {
      kind: 'changes',
      changes: [
        {
          kind: 'customerRemoved',
          remoteId: event.id,
          version: { sourceUpdatedAt: timeOf(event.at, observedAt), observedAt },
        },
      ],
    };
  const change = customerChange(session, entity, observedAt, event.mergedId);
  return change === null
    ? { kind: 'ignored', reason: 'A record of our own making, told back.' }
    : { kind: 'changes', changes: [change] };
}

/** Null for what is no customer of the graph: the guest, and records that we have just made ourselves. */
export function customerChange(
  session: QuickBooksSession,
  entity: Entity,
  observedAt: Date,
  mergedId: string | null = null,
): PlatformChange | null {
  const { guestCustomer } = readSettings(session.settings);
  const displayName = String(entity.DisplayName ?? '');
  if (displayName === guestCustomer || displayName.startsWith(`${guestCustomer} `)) return null;
  if (entity.SyncToken === '0' && isOwn(session, 'Customer', entity.Id)) return null;
  const version = { sourceUpdatedAt: timeOf(entity.MetaData.LastUpdatedTime, observedAt), observedAt };
  if (entity.Active === false) return { kind: 'customerRemoved', remoteId: entity.Id, version };
  return {
    kind: 'customer',
    remoteId: entity.Id,
    version,
    customer: { ...canonicalIn(entity), ...(mergedId === null ? {} : { mergedRemoteIds: [mergedId] }) },
    observed: fieldsIn(entity),
  };
}

export function documentChange(type: FormType, entity: Entity, observedAt: Date): PlatformChange {
  return {
    kind: 'documentObserved',
    remoteType: type,
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: formState(entity),
    version: { sourceUpdatedAt: timeOf(entity.MetaData.LastUpdatedTime, observedAt), observedAt },
  };
}

export function documentRemoved(
  type: string,
  event: Pick<QuickBooksEvent, 'id' | 'at'>,
  observedAt: Date,
): PlatformChange {
  return {
    kind: 'documentObserved',
    remoteType: type,
    remoteId: event.id,
    remoteVersion: null,
    state: null,
    version: { sourceUpdatedAt: timeOf(event.at, observedAt), observedAt },
  };
}

const readable: Readonly<Record<string, 'Customer' | FormType>> = {
  customer: 'Customer',
  salesreceipt: 'SalesReceipt',
  invoice: 'Invoice',
  creditmemo: 'CreditMemo',
  refundreceipt: 'RefundReceipt',
};
const settlements: Readonly<Record<string, string>> = { payment: 'Payment', purchase: 'Purchase' };

type Reader = (id: string) => Promise<Entity | null>;

function readerOf(session: QuickBooksSession, name: 'Customer' | FormType): Reader {
  const key = `quickbooks.reader ${name}`;
  const kept = session.cache.get(key) as Reader | undefined;
  if (kept !== undefined) return kept;
  const reader = naturalBatch<string, Entity | null>({
    max: 25,
    concurrent: 3,
    run: async (ids) => {
      const wanted = [...new Set(ids)].map(quoted).join(', ');
      // Inactive customers are only shown to who asks for them.
      const inactive = name === 'Customer' ? ' and Active in (true, false)' : '';
      const found = await booksOf(session)
        .query(name, `where Id in (${wanted})${inactive} maxresults 1000`)
        .catch((error: unknown) => {
          throw toAppError(error, `reading ${name}`);
        });
      return ids.map((id) => ({ ok: true, value: found.find((one) => one.Id === id) ?? null }));
    },
  });
  session.cache.set(key, reader);
  return reader;
}

function timeOf(text: string, otherwise: Date): Date {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? otherwise : at;
}

function read(body: Buffer): QuickBooksEvent {
  const event = quickBooksEvent.safeParse(JSON.parse(body.toString('utf8')));
  if (!event.success)
    throw new AppError({
      code: 'MALFORMED_WEBHOOK',
      retryable: false,
      publicMessage: 'This QuickBooks event cannot be read.',
      cause: event.error,
    });
  return event.data;
}
