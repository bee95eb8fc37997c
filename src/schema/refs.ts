import { orderLinesById, rowsById } from '../loaders/rows.ts';
import {
  type CustomerIdentityRow,
  type CustomerRow,
  type CustomFieldRow,
  customerIdentities,
  customers,
  customFields,
  type FulfilmentRuleRow,
  fulfilmentRules,
  type LocationRow,
  locations,
  type MergeCandidateRow,
  mergeCandidates,
  type OrderLineRow,
  type OrderRow,
  orders,
  type ProductRow,
  products,
  type RefundRow,
  type ReservationRow,
  refunds,
  reservations,
  type StockLevelRow,
  type StockMovementRow,
  stockLevels,
  stockMovements,
  type VariantRow,
  variants,
} from '../loaders/tables.ts';
import { builder } from './builder.ts';
import type { OperationContext } from './services.ts';

// The nodes of the graph, as references that files may share without importing each other in a circle. A field that
// resolves to an id is loaded in one statement with all others of its kind.

const id = { description: 'Globally unique and stable; opaque.', resolve: (row: { id: string }) => row.id };

/** A row that is not there is null to GraphQL, which DataLoader's types do not say. */
function found<Row>(rows: Promise<(Row | null)[]>): Promise<Row[]> {
  return rows as Promise<Row[]>;
}

export const Customer = builder.loadableNodeRef<CustomerRow, string>('Customer', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, customers, ids)),
});

export const CustomerIdentity = builder.loadableNodeRef<CustomerIdentityRow, string>('CustomerIdentity', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, customerIdentities, ids)),
});

export const MergeCandidate = builder.loadableNodeRef<MergeCandidateRow, string>('MergeCandidate', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, mergeCandidates, ids)),
});

export const CustomField = builder.loadableNodeRef<CustomFieldRow, string>('CustomField', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, customFields, ids)),
});

export const Order = builder.loadableNodeRef<OrderRow, string>('Order', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, orders, ids)),
});

export const OrderLine = builder.loadableNodeRef<OrderLineRow, string>('OrderLine', {
  id,
  load: (ids, context: OperationContext) => found(orderLinesById(context.db, ids)),
});

export const Refund = builder.loadableNodeRef<RefundRow, string>('Refund', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, refunds, ids)),
});

export const FulfilmentRule = builder.loadableNodeRef<FulfilmentRuleRow, string>('FulfilmentRule', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, fulfilmentRules, ids)),
});

export const Product = builder.loadableNodeRef<ProductRow, string>('Product', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, products, ids)),
});

export const Variant = builder.loadableNodeRef<VariantRow, string>('Variant', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, variants, ids)),
});

export const Location = builder.loadableNodeRef<LocationRow, string>('Location', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, locations, ids)),
});

export const StockLevel = builder.loadableNodeRef<StockLevelRow, string>('StockLevel', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, stockLevels, ids)),
});

export const StockMovement = builder.loadableNodeRef<StockMovementRow, string>('StockMovement', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, stockMovements, ids)),
});

export const Reservation = builder.loadableNodeRef<ReservationRow, string>('Reservation', {
  id,
  load: (ids, context: OperationContext) => found(rowsById(context.db, reservations, ids)),
});
