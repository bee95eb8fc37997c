import { type EventType, eventTypes } from '../model/event.ts';
import { builder } from './builder.ts';

export function enumOf<const V extends string>(
  name: string,
  description: string,
  values: Readonly<Record<V, string>>,
) {
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(
      Object.entries<string>(values).map(([value, text]) => [
        screaming(value),
        { value: value as V, description: text },
      ]),
    ) as Record<string, { value: V; description: string }>,
  });
}

export const PlatformEnum = enumOf('Platform', 'A platform that Tributary speaks with.', {
  shopify: 'The shop: orders, products, stock.',
  hubspot: 'The customer relations: contacts and their orders.',
  quickbooks: 'The books: customers, receipts and refunds.',
  amazon: 'The marketplace.',
});

export const SourceEnum = enumOf('Source', 'Who told us a fact.', {
  shopify: 'Shopify.',
  hubspot: 'HubSpot.',
  quickbooks: 'QuickBooks Online.',
  amazon: 'Amazon.',
  tributary: 'A person or tool, through this API.',
});

export const ConnectionStatusEnum = enumOf('ConnectionStatus', 'Whether an account is kept in step.', {
  active: 'Deliveries are processed and pushes are carried out.',
  paused: 'A person has stopped it: deliveries are stored and processed, pushes wait.',
  revoked: 'The platform has withdrawn its authorisation; a person must connect again.',
  disconnected:
    'A person has taken it off with `connectionDisconnect`: its credentials are forgotten, nothing is read or written, what it brought stays.',
});

export const CircuitStateEnum = enumOf('CircuitState', 'Whether calls to an account are made at all.', {
  closed: 'Calls are made.',
  open: 'The platform failed too often: no call is made for a while.',
  half_open: 'The pause is over; the next call tells.',
});

export const DeliveryStatusEnum = enumOf('DeliveryStatus', 'How far a delivery has come.', {
  pending: 'Stored, waiting to be processed.',
  retrying: 'Failed for now; it will be tried again.',
  settled: 'Its effect is in the graph, or it had none.',
  dead: 'A person must look at it.',
  dismissed: 'A person looked at it and closed it, with a reason: `deliveryDismiss`.',
});

export const DeliveryOutcomeEnum = enumOf('DeliveryOutcome', 'What a delivery changed.', {
  applied: 'The graph changed.',
  unchanged: 'The graph knew all of it already.',
  stale: 'The graph held a newer version.',
  echo: 'Caused by a push of our own.',
  duplicate: 'The same event had arrived before.',
  ignored: 'A topic that the graph has no use for.',
});

export const PushStatusEnum = enumOf('PushStatus', 'How far a write to a platform has come.', {
  plan: 'The connection only observes: this is what would have been written.',
  pending: 'Waiting for its turn.',
  running: 'Being carried out.',
  retrying: 'Failed for now; it will be tried again.',
  settled: 'The platform has it.',
  superseded: 'A newer push of the same thing took its place before it was sent.',
  dead: 'A person must look at it.',
  dismissed: 'A person looked at it and closed it, with a reason: `pushDismiss`.',
});

export const StockCauseEnum = enumOf('StockCause', 'Why stock moved.', {
  opening: 'The first figure that was heard.',
  sale: 'An order was placed.',
  cancellation: 'An order was cancelled or its lines removed.',
  return: 'Goods came back.',
  count: 'Somebody counted.',
  adjustment: 'Somebody corrected, with a reason.',
  transfer: 'Goods moved between locations.',
  receipt: 'Goods arrived.',
  reservation: 'Goods were set aside.',
  release: 'Goods set aside were freed.',
  report: 'The platform reported another figure and did not say why.',
  fulfilment: 'Goods that were sold left.',
  write_off: 'Goods that broke, spoilt or came back damaged were taken off the stock.',
  dismissal: 'A person gave up a change that the platform which keeps the level would not take.',
});

export const ChannelEnum = enumOf('Channel', 'Where an order was placed.', {
  online_store: 'The online store.',
  point_of_sale: 'A till.',
  amazon: 'Amazon.',
  other: 'Elsewhere.',
});

export const FinancialStatusEnum = enumOf('FinancialStatus', 'How far an order is paid.', {
  pending: 'Payment is awaited.',
  authorized: 'Reserved on the card, not yet taken.',
  partially_paid: 'Paid in part.',
  paid: 'Paid.',
  partially_refunded: 'Paid, and part of it given back.',
  refunded: 'Given back in full.',
  voided: 'The authorisation was given up.',
  expired: 'The authorisation ran out.',
});

export const FulfilmentStatusEnum = enumOf('FulfilmentStatus', 'How much of an order has left.', {
  unfulfilled: 'Nothing has left.',
  partial: 'Some of it has left.',
  fulfilled: 'All of it has left.',
  restocked: 'It went back to the shelf.',
});

export const FulfilmentRuleKindEnum = enumOf('FulfilmentRuleKind', 'What a note may ask for.', {
  deliver_after: 'Not to arrive before a day.',
  deliver_before: 'To arrive by a day.',
  leave_at: 'Where to leave the parcel.',
  gift_wrap: 'To wrap it as a gift.',
  gift_message: 'Words to put on the card.',
  hold_for_pickup: 'Not to send it: somebody comes for it.',
  split_shipment: 'Whether it may be sent in parts.',
  substitution: 'Whether something else may be sent instead.',
  fragile: 'To pack and handle it with special care.',
  call_first: 'To call or write before coming.',
  allergy: 'Somebody is allergic.',
  other: 'A wish that fits none of these.',
});

export const FulfilmentRuleStatusEnum = enumOf(
  'FulfilmentRuleStatus',
  'Whether a wish in a note is acted on.',
  {
    proposed: 'A person must decide.',
    approved: 'In force.',
    rejected: 'A person has turned it down.',
    withdrawn: 'The note no longer says so.',
  },
);

export const NoteReaderEnum = enumOf('NoteReader', 'Who read a note.', {
  claude: 'Claude.',
  parser: 'Our own parser of the usual phrases.',
});

export const PrivacyRequestKindEnum = enumOf('PrivacyRequestKind', 'What is asked for about personal data.', {
  export: 'To tell a person what is kept about them.',
  erase_person: 'To erase one person.',
  erase_account: 'To erase everybody that one account brought.',
});

export const ProductStatusEnum = enumOf('ProductStatus', 'Whether a product is offered.', {
  active: 'Offered.',
  draft: 'Being prepared.',
  archived: 'No longer offered.',
});

export const OrderSortEnum = enumOf('OrderSort', 'Orders of a list of orders.', {
  placed_at_desc: 'Latest placed first.',
  placed_at_asc: 'Earliest placed first.',
  updated_at_desc: 'Latest changed first.',
  updated_at_asc: 'Longest unchanged first.',
});

export const CustomerSortEnum = enumOf('CustomerSort', 'Orders of a list of customers.', {
  created_at_desc: 'Newest first.',
  created_at_asc: 'Oldest first.',
  updated_at_desc: 'Latest changed first.',
  updated_at_asc: 'Longest unchanged first.',
  lifetime_value_desc: 'Most valuable first.',
  lifetime_value_asc: 'Least valuable first.',
  last_order_at_desc: 'Who ordered latest first; who never has comes last.',
  last_order_at_asc: 'Who has not ordered for longest first; who never has comes before.',
  order_count_desc: 'Most orders first.',
  order_count_asc: 'Fewest orders first.',
  name_asc: 'By last name, then first name.',
});

export const MergeCandidateStatusEnum = enumOf(
  'MergeCandidateStatus',
  'What became of the question whether two customers are one.',
  {
    open: 'Nobody has decided.',
    merged: 'They were merged.',
    rejected: 'They are two: neither suggested nor merged again.',
  },
);

export const MergeCandidateSortEnum = enumOf(
  'MergeCandidateSort',
  'Orders of a list of pairs that may be one.',
  {
    likeliest: 'What weighs most first.',
    newest: 'What was found last first.',
  },
);

export const MergeDeciderEnum = enumOf('MergeDecider', 'Who decided that two customers are one.', {
  automatic: 'The evidence was beyond doubt.',
  person: 'A person or tool, through this API.',
  shopify: 'Shopify merged the records first.',
  hubspot: 'HubSpot merged the records first.',
  quickbooks: 'QuickBooks merged the records first.',
  amazon: 'Amazon merged the records first.',
});

export const ProductSortEnum = enumOf('ProductSort', 'Orders of a list of products.', {
  title_asc: 'By title.',
  updated_at_desc: 'Latest changed first.',
  updated_at_asc: 'Longest unchanged first.',
});

export const RefundSortEnum = enumOf('RefundSort', 'Orders of a list of refunds.', {
  refunded_at_desc: 'Latest first.',
  refunded_at_asc: 'Earliest first.',
});

export const SyncSortEnum = enumOf('SyncSort', 'Orders of lists of deliveries and pushes.', {
  newest: 'Latest first.',
  oldest: 'Earliest first.',
});

export const SubjectTypeEnum = enumOf('SubjectType', 'What an event or a push speaks of.', {
  Customer: 'A customer.',
  Order: 'An order.',
  Refund: 'A refund.',
  Product: 'A product.',
  Variant: 'A variant.',
  Location: 'A location.',
  StockLevel: 'A stock level.',
  Payout: 'A payout.',
  DaySummary: 'A document of the books that sums up a day.',
  RefundRequest: 'A request to give something back.',
  CustomField: 'A field that the retailer added.',
  Reservation: 'Goods set aside.',
  Connection: 'A connection.',
  Delivery: 'A delivery.',
  Push: 'A push.',
});

const eventDescriptions: Record<EventType, string> = {
  'customer.created': 'A customer became known.',
  'customer.updated': 'Something about a customer changed.',
  'customer.removed': 'A customer was removed.',
  'customer.erased': 'Everything personal about a customer was erased.',
  'order.created': 'An order was placed.',
  'order.updated': 'Something about an order changed.',
  'order.cancelled': 'An order was cancelled.',
  'order.removed': 'An order was removed at its platform.',
  'refund.created': 'Money or goods were given back.',
  'refund.updated': 'Something about a refund changed.',
  'fulfilment.created': 'Goods left.',
  'fulfilment.updated': 'Something about a shipment changed.',
  'fulfilment_rule.proposed': "A wish in an order's note waits for a person.",
  'fulfilment_rule.approved': "A wish in an order's note is in force.",
  'fulfilment_rule.rejected': "A person turned down a wish in an order's note.",
  'fulfilment_rule.withdrawn': "An order's note no longer says so.",
  'product.created': 'A product became known.',
  'product.updated': 'Something about a product changed.',
  'product.removed': 'A product was removed at its platform.',
  'location.created': 'A location became known.',
  'location.updated': 'Something about a location changed.',
  'payout.created': 'A payout of a payment company became known.',
  'payout.updated': 'Something about a payout changed.',
  'custom_field.declared': 'A custom field was declared, or declared otherwise.',
  'custom_field.deleted': 'A custom field and its values were forgotten here.',
  'custom_field.filled': 'A custom field was filled in for everybody who was there before it.',
  'stock.changed': 'A stock level changed.',
  'push.planned': 'A write to a platform was planned.',
  'push.settled': 'A platform took a write.',
  'push.retrying': 'A write failed for now.',
  'push.dead': 'A write failed and needs a person.',
  'push.dismissed': 'A person closed a write that had failed, with a reason.',
  'push.superseded': 'A write was replaced by a newer one before it was sent.',
  'delivery.retrying': 'A delivery could not be processed for now.',
  'delivery.dead': 'A delivery could not be processed and needs a person.',
  'delivery.dismissed': 'A person closed a delivery that could not be processed, with a reason.',
  'connection.paused': 'A connection was paused.',
  'connection.resumed': 'A connection was resumed.',
  'connection.write_changed': 'What may be written to an account was changed.',
  'connection.revoked': 'A platform withdrew its authorisation.',
  'connection.disconnected': 'A person took an account off; its credentials are forgotten.',
  'connection.drifted': 'A sweep found and applied what deliveries had not told.',
  'connection.circuit_opened': 'Calls to a platform are held back for a while.',
  'connection.circuit_closed': 'Calls to a platform are made again.',
  'document.drifted': 'A platform no longer says what was written there.',
};

export const EventTypeEnum = builder.enumType('EventType', {
  description: 'Every kind of fact in the event stream.',
  values: Object.fromEntries(
    eventTypes.map((type) => [
      type.replaceAll('.', '_').toUpperCase(),
      { value: type, description: eventDescriptions[type] },
    ]),
  ) as Record<string, { value: EventType; description: string }>,
});

/** `StockLevel` and `online_store` alike become SCREAMING_CASE. */
function screaming(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

export const CustomerFieldEnum = enumOf(
  'CustomerField',
  'A field of a customer that several accounts may tell.',
  {
    firstName: 'First name.',
    lastName: 'Last name.',
    company: 'Company.',
    email: 'Address that mail goes to.',
    phone: 'Telephone number.',
    address: 'Default address.',
    note: 'What staff wrote down.',
    tags: 'Tags.',
    taxExempt: 'Whether tax is charged.',
  },
);

export const FieldAuthorityEnum = enumOf(
  'FieldAuthority',
  'How far an account is believed about a field of customers.',
  {
    always: 'Before all others, whenever it said so; that it is empty, too.',
    newest: 'By age: the newest claim wins. So it is where nothing was chosen.',
    never: 'Only where nobody else says anything: an edit there is written over.',
  },
);
