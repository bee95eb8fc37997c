import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { NewEvent, SubjectType } from '../../model/event.ts';
import type { PlatformName, Source } from '../../model/platform-name.ts';
import type { PushQueue } from '../outbox/enqueue-pushes.ts';
import type { Platform } from '../platforms/platform.ts';

/** What one change came to. `needsFresh` is only ever answered before anything of the change is written. */
export type ChangeOutcome = 'applied' | 'unchanged' | 'stale' | 'echo' | 'needsFresh';

export interface Subject {
  type: SubjectType;
  id: bigint;
}

/** What the parts of the write path need to know and leave behind, within one transaction. */
export interface WriteContext {
  tx: Tx;
  source: Source;
  /** The connection that spoke; null for our own API. */
  connectionId: bigint | null;
  deliveryId: bigint | null;
  now: Date;
  platforms: Partial<Record<PlatformName, Platform>>;
  /** Who carries out what is planned; jobs for any worker unless said otherwise. */
  queue?: PushQueue | undefined;
  effects: Effects;
}

/** The same for a platform's change, where there is a connection. */
export interface PlatformContext extends WriteContext {
  source: PlatformName;
  connectionId: bigint;
}

/** Collected while changes are written; turned into sums, plans and events once, at the end. */
export interface Effects {
  /** Customers whose row this transaction has locked. */
  lockedCustomers: Set<bigint>;
  customers: Map<bigint, CustomerEffect>;
  orders: Map<bigint, OrderEffect>;
  /** Customers whose sums over their orders may have changed. */
  customersToSum: Set<bigint>;
  /** Customers that became part of another one: nothing more is told of them. */
  absorbedCustomers: Set<bigint>;
  /** Customers and orders whose custom fields are asked to be worked out, whatever else changed. */
  fieldOwners: Map<string, Subject>;
  /** Everything that platforms may have to be told about. */
  toPlan: Map<string, Subject>;
  /** Everything that was changed or asked to change. */
  touched: Map<string, Subject>;
  /** Other facts, in the order in which they happened. */
  events: NewEvent[];
}

export interface CustomerEffect {
  created: boolean;
  changedFields: Set<string>;
  /** More of the payload. */
  facts: Record<string, unknown>;
}

export interface OrderEffect {
  created: boolean;
  cancelled: boolean;
  changedFields: Set<string>;
}

export function noEffects(): Effects {
  return {
    lockedCustomers: new Set(),
    customers: new Map(),
    orders: new Map(),
    customersToSum: new Set(),
    absorbedCustomers: new Set(),
    fieldOwners: new Map(),
    toPlan: new Map(),
    touched: new Map(),
    events: [],
  };
}

export function effectOnCustomer(effects: Effects, id: bigint): CustomerEffect {
  let effect = effects.customers.get(id);
  if (effect === undefined) {
    effect = { created: false, changedFields: new Set(), facts: {} };
    effects.customers.set(id, effect);
  }
  return effect;
}

export function effectOnOrder(effects: Effects, id: bigint): OrderEffect {
  let effect = effects.orders.get(id);
  if (effect === undefined) {
    effect = { created: false, cancelled: false, changedFields: new Set() };
    effects.orders.set(id, effect);
  }
  return effect;
}

export function touch(effects: Effects, type: SubjectType, id: bigint): void {
  effects.touched.set(`${type}:${id}`, { type, id });
}

export function reviewFields(effects: Effects, type: 'Customer' | 'Order', id: bigint): void {
  effects.fieldOwners.set(`${type}:${id}`, { type, id });
}

export function planLater(effects: Effects, type: SubjectType, id: bigint): void {
  effects.toPlan.set(`${type}:${id}`, { type, id });
}

/** An event of this transaction's source. */
export function eventOf(
  context: WriteContext,
  type: NewEvent['type'],
  subject: Subject,
  payload: Record<string, unknown>,
): NewEvent {
  return {
    type,
    subjectType: subject.type,
    subjectId: subject.id,
    payload,
    source: context.source,
    deliveryId: context.deliveryId,
  };
}

/** What cannot be accepted from a caller of our API; the message begins with the field's name. */
export class InvalidInput extends AppError {
  constructor(field: string, message: string) {
    super({ code: 'INVALID_INPUT', retryable: false, publicMessage: `${field}: ${message}`, field });
  }
}

/** @param what the thing in words, which are those of its type: `merge candidate` is a MergeCandidate */
export function notFound(what: string, id: bigint): AppError {
  const type = what.replaceAll(/(?:^| )(.)/g, (_word, letter: string) => letter.toUpperCase());
  return new AppError({
    code: 'NOT_FOUND',
    retryable: false,
    publicMessage: `There is no ${what} ${id}.`,
    missing: { type, id },
  });
}
