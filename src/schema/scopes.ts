import type { SubjectType } from '../model/event.ts';

/** What a key may do. One table: the scopes, and what each opens. */
export const scopeDescriptions = {
  'read:orders': 'Orders, their lines, refunds, payments and fulfilments.',
  'read:customers': 'Customers and how each platform knows them.',
  'read:stock': 'Products, variants, locations, stock levels and their movements.',
  'read:sync': 'Connections, deliveries, pushes, receipts and events: how the platforms are kept in step.',
  'write:customers': 'Changing customers, merging them and undoing that.',
  'write:orders': 'Changing notes and tags of orders, giving back, and deciding about wishes in notes.',
  'write:stock': 'Correcting stock levels.',
  admin: 'Everything above, and replaying, retrying, pausing, resuming and unlocking.',
} as const;

export type Scope = keyof typeof scopeDescriptions;
export const scopes = Object.keys(scopeDescriptions) as Scope[];

export function isScope(name: string): name is Scope {
  return name in scopeDescriptions;
}

/** Who speaks. */
export interface Actor {
  /** Stable name: owner of idempotency keys and of a share of the rate limit. */
  name: string;
  scopes: ReadonlySet<Scope>;
}

export function may(actor: Actor, scope: Scope): boolean {
  return actor.scopes.has('admin') || actor.scopes.has(scope);
}

/** The scope that opens a node of the graph. */
export const scopeOfType: Readonly<
  Record<
    | SubjectType
    | 'CustomerIdentity'
    | 'MergeCandidate'
    | 'OrderLine'
    | 'FulfilmentRule'
    | 'PrivacyRequest'
    | 'StockMovement'
    | 'Event',
    Scope
  >
> = {
  Customer: 'read:customers',
  CustomerIdentity: 'read:customers',
  MergeCandidate: 'read:customers',
  Order: 'read:orders',
  OrderLine: 'read:orders',
  FulfilmentRule: 'read:orders',
  PrivacyRequest: 'admin',
  Refund: 'read:orders',
  Payout: 'read:orders',
  RefundRequest: 'read:orders',
  DaySummary: 'read:orders',
  CustomField: 'read:sync',
  Product: 'read:stock',
  Variant: 'read:stock',
  Location: 'read:stock',
  StockLevel: 'read:stock',
  Reservation: 'read:stock',
  StockMovement: 'read:stock',
  Connection: 'read:sync',
  Delivery: 'read:sync',
  Push: 'read:sync',
  Event: 'read:sync',
};
