import type { Source } from './platform-name.ts';

/** Every fact that is appended to the stream, by name. Names are stable: subscribers filter by them. */
export const eventTypes = [
  'customer.created',
  'customer.updated',
  'customer.removed',
  'customer.erased',
  'order.created',
  'order.updated',
  'order.cancelled',
  'order.removed',
  'refund.created',
  'refund.updated',
  'fulfilment.created',
  'fulfilment.updated',
  'fulfilment_rule.proposed',
  'fulfilment_rule.approved',
  'fulfilment_rule.rejected',
  'fulfilment_rule.withdrawn',
  'product.created',
  'product.updated',
  'product.removed',
  'location.created',
  'location.updated',
  'payout.created',
  'payout.updated',
  'custom_field.declared',
  'custom_field.deleted',
  'custom_field.filled',
  'stock.changed',
  'push.planned',
  'push.settled',
  'push.retrying',
  'push.dead',
  'push.dismissed',
  'push.superseded',
  'delivery.retrying',
  'delivery.dead',
  'delivery.dismissed',
  'connection.paused',
  'connection.resumed',
  'connection.write_changed',
  'connection.revoked',
  'connection.disconnected',
  'connection.drifted',
  'connection.circuit_opened',
  'connection.circuit_closed',
  'document.drifted',
] as const;
export type EventType = (typeof eventTypes)[number];

export type SubjectType =
  | 'Customer'
  | 'Order'
  | 'Refund'
  | 'Product'
  | 'Variant'
  | 'Location'
  | 'Payout'
  | 'RefundRequest'
  | 'DaySummary'
  | 'CustomField'
  | 'StockLevel'
  | 'Reservation'
  | 'Connection'
  | 'Delivery'
  | 'Push';

/** An event before it has a position. */
export interface NewEvent {
  type: EventType;
  subjectType: SubjectType;
  subjectId: bigint;
  /** JSON: amounts as decimal strings of minor units, ids as strings. */
  payload: Record<string, unknown>;
  source: Source;
  deliveryId?: bigint | null;
  pushId?: bigint | null;
}

/** A committed event. */
export interface StoredEvent extends NewEvent {
  /** Commit order without gaps; the cursor. */
  position: bigint;
  recordedAt: Date;
}
