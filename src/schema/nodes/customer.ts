import { pagesOfParents } from '../../loaders/page.ts';
import { rowsOfParents } from '../../loaders/rows.ts';
import { sql } from '../../loaders/sql.ts';
import {
  type CustomerIdentityRow,
  type CustomerRow,
  customerIdentities,
  orders as orderTable,
} from '../../loaders/tables.ts';
import { returnsRate } from '../../model/customer.ts';
import type { Channel, Source } from '../../model/platform-name.ts';
import { batchedPage } from '../batched-pages.ts';
import { builder, pageComplexity } from '../builder.ts';
import { Address, addressOf, FactSource, Money, money } from '../common.ts';
import { OrderConnection } from '../connections.ts';
import { ChannelEnum, OrderSortEnum, SourceEnum } from '../enums.ts';
import { OrderFilter, orderConditions, orderSorts } from '../filters/orders.ts';
import { Customer, CustomerIdentity, Order } from '../refs.ts';
import { PlatformRecord, recordsOf } from './platform-record.ts';
import { pushesField } from './pushes-of.ts';

interface FieldProvenanceValue {
  field: string;
  source: Source;
  at: string | null;
}

const FieldProvenance = builder.objectRef<FieldProvenanceValue>('FieldProvenance').implement({
  description: 'Which platform a field came from, and when.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Name of the field, as on the type.' }),
    platform: t.expose('source', { type: SourceEnum, description: 'Who told it.' }),
    at: t.expose('at', { type: 'DateTime', nullable: true, description: 'When it changed there.' }),
  }),
});

CustomerIdentity.implement({
  description: 'A customer as one platform knows them.',
  fields: (t) => ({
    remoteId: t.exposeString('remoteId', {
      description:
        "The platform's id of the person; `guest:<e-mail>` for those who ordered without an account.",
    }),
    email: t.exposeString('email', { nullable: true, description: 'Address there, lower-cased.' }),
    phone: t.exposeString('phone', { nullable: true, description: 'E.164 where it can be read as such.' }),
    firstName: t.exposeString('firstName', { nullable: true, description: 'First name there.' }),
    lastName: t.exposeString('lastName', { nullable: true, description: 'Last name there.' }),
    company: t.exposeString('company', { nullable: true, description: 'Company there.' }),
    address: t.field({
      type: Address,
      nullable: true,
      description: 'Address there.',
      resolve: (identity) => addressOf(identity.address),
    }),
    relayEmail: t.exposeBoolean('relayEmail', {
      description: "The address is a marketplace's relay: it stands for an order and never for a person.",
    }),
    source: t.field({
      type: FactSource,
      description: 'Where this comes from, and how fresh it is.',
      resolve: (identity) => ({
        connectionId: identity.connectionId,
        updatedAt: identity.sourceUpdatedAt,
        observedAt: identity.observedAt,
      }),
    }),
    customer: t.field({
      type: Customer,
      description: 'The person.',
      resolve: (identity) => identity.customerId,
    }),
  }),
});

Customer.implement({
  description: 'One person or company who buys, over every channel.',
  fields: (t) => ({
    firstName: t.exposeString('firstName', {
      nullable: true,
      description: 'First name, from whoever is believed about it (`provenance`).',
    }),
    lastName: t.exposeString('lastName', {
      nullable: true,
      description: 'Last name, from whoever is believed about it.',
    }),
    displayName: t.string({
      description: 'What to call them: name, else company, else e-mail, else telephone.',
      resolve: displayName,
    }),
    company: t.exposeString('company', {
      nullable: true,
      description: 'Company they order for; null for private people.',
    }),
    email: t.exposeString('email', { nullable: true, description: 'Lower-cased address that mail goes to.' }),
    phone: t.exposeString('phone', {
      nullable: true,
      description:
        'Telephone number in E.164 form, for example `+4930901820`; null where none is known that can be dialled.',
    }),
    defaultAddress: t.field({
      type: Address,
      nullable: true,
      description: 'The address used unless an order says otherwise.',
      resolve: (customer) => addressOf(customer.defaultAddress),
    }),
    note: t.exposeString('note', { nullable: true, description: 'What staff wrote down.' }),
    tags: t.exposeStringList('tags', { description: 'Words that shops and this API have put on them.' }),
    taxExempt: t.exposeBoolean('taxExempt', { description: 'No tax is charged.' }),
    lifetimeValue: t.field({
      type: Money,
      nullable: true,
      description:
        'Orders net of refunds; test orders and cancelled unpaid ones do not count. Null before the first order.',
      resolve: (customer) =>
        customer.currency === null ? null : money(customer.lifetimeValueMinor, customer.currency),
    }),
    refundedTotal: t.field({
      type: Money,
      nullable: true,
      description: 'Refunded over all orders. Null before the first order.',
      resolve: (customer) =>
        customer.currency === null ? null : money(customer.refundedMinor, customer.currency),
    }),
    orderCount: t.exposeInt('orderCount', { description: 'Orders that count towards the lifetime value.' }),
    averageOrderValue: t.field({
      type: Money,
      nullable: true,
      description:
        'Lifetime value by the orders that it adds up, rounded half away from zero. Null before the first order.',
      resolve: (customer) =>
        customer.currency === null ? null : money(customer.averageOrderMinor, customer.currency),
    }),
    openBalance: t.field({
      type: Money,
      nullable: true,
      description:
        'Still to be paid for orders that stand; what came back unpaid is not owed. Null before the first order.',
      resolve: (customer) =>
        customer.currency === null ? null : money(customer.openBalanceMinor, customer.currency),
    }),
    channels: t.field({
      type: [ChannelEnum],
      description: 'Channels that orders were placed on.',
      resolve: (customer) => customer.channels as Channel[],
    }),
    piecesSold: t.exposeInt('piecesSold', {
      description: 'Pieces bought, without those that were cancelled before they were sent.',
    }),
    piecesReturned: t.exposeInt('piecesReturned', {
      description: 'Pieces of those that came back or were refunded.',
    }),
    returnsRate: t.field({
      type: 'Decimal',
      nullable: true,
      description:
        '`piecesReturned` by `piecesSold` with four digits: `"0.25"` is a quarter. Null where nothing was bought.',
      resolve: (customer) => returnsRate(customer),
    }),
    firstOrderAt: t.expose('firstOrderAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first order was placed.',
    }),
    lastOrderAt: t.expose('lastOrderAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the latest order was placed.',
    }),
    provenance: t.field({
      type: [FieldProvenance],
      description: 'Where each field comes from.',
      resolve: provenanceOf,
    }),
    identities: t.loadableGroup({
      type: CustomerIdentity,
      description: 'As each platform knows them.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, customerIdentities, 'customerId', ids, { orderBy: 't.id' }),
      group: (identity) => (identity as CustomerIdentityRow).customerId,
      resolve: (customer) => customer.id,
    }),
    records: t.field({
      type: [PlatformRecord],
      description: 'The records that stand for this customer at the platforms.',
      resolve: (customer, _args, context) => recordsOf(context, 'Customer', customer.id),
    }),
    pushes: pushesField(t, 'Customer'),
    orders: t.connection(
      {
        type: Order,
        description: 'Their orders over every channel.',
        authScopes: { can: 'read:orders' },
        complexity: pageComplexity,
        args: {
          filter: t.arg({ type: OrderFilter, description: 'Which ones.' }),
          sort: t.arg({
            type: OrderSortEnum,
            defaultValue: 'placed_at_desc',
            description: 'In which order.',
          }),
        },
        resolve: (customer, args, context) =>
          batchedPage(context, `Customer.orders ${JSON.stringify(args)}`, customer.id, (ids) =>
            pagesOfParents(context.db, orderTable, {
              parent: sql`t.customer_id`,
              ids,
              where: orderConditions(args.filter),
              sort: orderSorts[args.sort ?? 'placed_at_desc'],
              args,
            }),
          ),
      },
      ...OrderConnection,
    ),
    mergedInto: t.field({
      type: Customer,
      nullable: true,
      description: 'The record this one became part of, where it was merged.',
      resolve: (customer) => customer.mergedIntoId,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the graph first knew them.' }),
    erasedAt: t.expose('erasedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When everything personal was erased; null where nothing was.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
  }),
});

function displayName(customer: CustomerRow): string {
  const name = [customer.firstName, customer.lastName]
    .filter((part) => part !== null && part !== '')
    .join(' ');
  return name || customer.company || customer.email || customer.phone || 'Unnamed';
}

/** Written by the write path: `{ "email": { "source": "shopify", "at": … } }`. */
function provenanceOf(customer: CustomerRow): FieldProvenanceValue[] {
  const facts = JSON.parse(customer.provenance) as Record<string, { source?: Source; at?: string } | null>;
  return Object.entries(facts)
    .map(([field, fact]) => ({ field, source: fact?.source ?? 'tributary', at: fact?.at ?? null }))
    .sort((a, b) => (a.field < b.field ? -1 : 1));
}
