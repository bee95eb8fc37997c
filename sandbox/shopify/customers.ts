import { emptyAddress } from './catalogue.ts';
import type { Address, Customer, CustomerAddress } from './commerce/types.ts';
import { type Shop, ShopError } from './shop.ts';

export interface CustomerInput {
  id?: string;
  email?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  phone?: string | null;
  note?: string | null;
  tags?: string[];
  taxExempt?: boolean;
  locale?: string;
  marketing?: Customer['marketing'];
  /** Replaces all addresses; the first becomes the default one. */
  addresses?: Partial<Address>[];
}

/** Creates a customer, or changes the one named by `id` (or, without an id, by its email address). */
export function upsertCustomer(shop: Shop, input: CustomerInput): Customer {
  const known =
    input.id !== undefined
      ? shop.customers.get(input.id)
      : input.email
        ? shop.customerByEmail.get(input.email.toLowerCase())
        : undefined;
  if (input.id !== undefined && known === undefined)
    throw new ShopError('Customer does not exist', ['id'], 404);
  return known === undefined ? createCustomer(shop, input) : updateCustomer(shop, known, input);
}

export function createCustomer(shop: Shop, input: CustomerInput): Customer {
  checkInput(shop, input, null);
  const now = shop.nowMs();
  const customer: Customer = {
    typename: 'Customer',
    id: shop.nextId('Customer'),
    createdAtMs: now,
    updatedAtMs: now,
    firstName: null,
    lastName: null,
    email: null,
    phone: null,
    note: null,
    tags: [],
    locale: 'en',
    taxExempt: false,
    verifiedEmail: true,
    addresses: [],
    defaultAddressId: null,
    marketing: 'NOT_SUBSCRIBED',
    marketingUpdatedAtMs: null,
    orderIds: [],
    ordersCount: 0,
    spentMinor: 0,
  };
  assign(shop, customer, input);
  if (customer.email === null && customer.phone === null && !customer.firstName && !customer.lastName)
    throw new ShopError('Customer must have a name, phone number or email address');
  shop.addCustomer(customer);
  shop.emit('customers/create', customer.id);
  return customer;
}

export function updateCustomer(shop: Shop, customer: Customer, input: CustomerInput): Customer {
  checkInput(shop, input, customer);
  if (customer.email !== null) shop.customerByEmail.delete(customer.email.toLowerCase());
  if (customer.phone !== null) shop.customerByPhone.delete(customer.phone);
  assign(shop, customer, input);
  shop.indexCustomer(customer);
  shop.touchCustomer(customer);
  shop.emit('customers/update', customer.id);
  return customer;
}

export function deleteCustomer(shop: Shop, id: string): void {
  const customer = shop.customers.get(id);
  if (customer === undefined) throw new ShopError('Customer does not exist', ['id'], 404);
  if (customer.orderIds.length > 0) throw new ShopError('Customer with orders cannot be deleted', ['id']);
  shop.removeCustomer(customer);
  shop.emit('customers/delete', id);
}

function checkInput(shop: Shop, input: CustomerInput, self: Customer | null): void {
  const { email, phone } = input;
  if (email && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new ShopError('Email is invalid', ['email']);
  const owner = email ? shop.customerByEmail.get(email.toLowerCase()) : undefined;
  if (owner !== undefined && owner !== self) throw new ShopError('Email has already been taken', ['email']);
  if (phone && !/^\+?[\d\s().-]{6,}$/.test(phone)) throw new ShopError('Phone is invalid', ['phone']);
  const phoneOwner = phone ? shop.customerByPhone.get(phone) : undefined;
  if (phoneOwner !== undefined && phoneOwner !== self)
    throw new ShopError('Phone has already been taken', ['phone']);
}

function assign(shop: Shop, customer: Customer, input: CustomerInput): void {
  if (input.email !== undefined) customer.email = input.email === '' ? null : input.email;
  if (input.firstName !== undefined) customer.firstName = input.firstName;
  if (input.lastName !== undefined) customer.lastName = input.lastName;
  if (input.phone !== undefined) customer.phone = input.phone === '' ? null : input.phone;
  if (input.note !== undefined) customer.note = input.note;
  if (input.tags !== undefined) customer.tags = normaliseTags(input.tags);
  if (input.taxExempt !== undefined) customer.taxExempt = input.taxExempt;
  if (input.locale !== undefined) customer.locale = input.locale;
  if (input.marketing !== undefined && input.marketing !== customer.marketing) {
    customer.marketing = input.marketing;
    customer.marketingUpdatedAtMs = shop.nowMs();
  }
  if (input.addresses !== undefined) {
    customer.addresses = input.addresses.map(
      (address): CustomerAddress => ({
        ...emptyAddress,
        firstName: customer.firstName,
        lastName: customer.lastName,
        ...address,
        typename: 'MailingAddress',
        id: shop.nextId('MailingAddress'),
      }),
    );
    customer.defaultAddressId = customer.addresses[0]?.id ?? null;
  }
}

/** Tags are a set without regard to case, kept in alphabetical order. */
export function normaliseTags(tags: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const tag of tags.flatMap((one) => one.split(','))) {
    const trimmed = tag.trim();
    if (trimmed !== '' && !byKey.has(trimmed.toLowerCase())) byKey.set(trimmed.toLowerCase(), trimmed);
  }
  return [...byKey.values()].sort((a, b) => a.localeCompare(b, 'en'));
}
