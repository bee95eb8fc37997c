import {
  type Address,
  type CanonicalCustomer,
  isRelayEmail,
  normalizeEmail,
  returnsRate,
} from '../../model/customer.ts';
import { formatMinor } from '../../model/money.ts';
import type { Channel } from '../../model/platform-name.ts';
import type { CustomerSnapshot } from '../../model/snapshot.ts';
import { countryCode, countryName } from './countries.ts';
import type { PropertyDefinition, PropertyKind, PropertyValues } from './property-values.ts';

/** What every CRM contact has. */
export const standardContactProperties: readonly string[] = [
  'email',
  'firstname',
  'lastname',
  'phone',
  'company',
  'address',
  'city',
  'state',
  'zip',
  'country',
];

/** What Tributary adds to a contact. */
export const ownContactProperties: readonly PropertyDefinition[] = [
  {
    name: 'tributary_customer_id',
    label: 'Customer ID (Tributary)',
    kind: 'text',
    unique: true,
    description: 'The customer in the unified graph.',
  },
  {
    name: 'tributary_lifetime_value',
    label: 'Lifetime value',
    kind: 'number',
    description: 'Orders over all channels less refunds.',
  },
  {
    name: 'tributary_refunded',
    label: 'Refunded',
    kind: 'number',
    description: 'Money given back over all orders.',
  },
  {
    name: 'tributary_order_count',
    label: 'Orders',
    kind: 'number',
    description: 'Number of orders over all channels.',
  },
  {
    name: 'tributary_average_order_value',
    label: 'Average order value',
    kind: 'number',
    description: 'Lifetime value divided by the number of orders that it adds up.',
  },
  {
    name: 'tributary_open_balance',
    label: 'Open balance',
    kind: 'number',
    description: 'Still to be paid for orders that stand.',
  },
  {
    name: 'tributary_returns_rate',
    label: 'Returns rate',
    kind: 'number',
    description: 'Pieces that came back by pieces bought: 0.25 is a quarter.',
  },
  {
    name: 'tributary_first_order_at',
    label: 'First order',
    kind: 'datetime',
    description: 'When the customer first ordered.',
  },
  {
    name: 'tributary_last_order_at',
    label: 'Last order',
    kind: 'datetime',
    description: 'When the customer last ordered.',
  },
  {
    name: 'tributary_channels',
    label: 'Channels',
    kind: 'text',
    description: 'Channels that the customer has ordered on.',
  },
  {
    name: 'tributary_marketplace_email',
    label: 'Marketplace relay address',
    kind: 'text',
    description:
      'Reaches the buyer of an order through the marketplace. It stands for an order and not for a person: nobody is recognised by it, and it is not for marketing.',
  },
];

export const channelNames: Readonly<Record<Channel, string>> = {
  online_store: 'Online store',
  point_of_sale: 'Point of sale',
  amazon: 'Amazon',
  other: 'Other',
};

export const contactProperties: readonly string[] = [
  ...standardContactProperties,
  ...ownContactProperties.map((one) => one.name),
];

const ownKinds = new Map(ownContactProperties.map((one) => [one.name, one.kind]));

export function contactPropertyKind(name: string): PropertyKind {
  return name === 'email' ? 'email' : (ownKinds.get(name) ?? 'text');
}

/** A customer of whom nothing is known is no contact. */
export function isContactable(customer: CustomerSnapshot): boolean {
  return [customer.email, customer.phone, customer.firstName, customer.lastName, customer.company].some(
    (value) => value !== null && value !== '',
  );
}

/** What the contact should say. Empty fields are not named: what people wrote into the CRM is never wiped. Consent is not ours. */
export function contactOf(customer: CustomerSnapshot): PropertyValues {
  const { address, currency } = customer;
  const street = [address?.address1, address?.address2].filter((line) => line != null && line !== '');
  const values: PropertyValues = {
    email: isRelayEmail(customer.email) ? null : customer.email,
    firstname: customer.firstName,
    lastname: customer.lastName,
    phone: customer.phone,
    company: customer.company ?? address?.company ?? null,
    address: street.length === 0 ? null : street.join(', '),
    city: address?.city ?? null,
    state: address?.province ?? null,
    zip: address?.zip ?? null,
    country: countryName(address?.countryCode ?? null),
    tributary_marketplace_email: isRelayEmail(customer.email) ? customer.email : null,
    tributary_customer_id: customer.id.toString(),
    tributary_order_count: String(customer.orderCount),
    tributary_channels: customer.channels.map((channel) => channelNames[channel]).join(';'),
    tributary_returns_rate: returnsRate(customer),
  };
  if (currency !== null) {
    values.tributary_lifetime_value = formatMinor(customer.lifetimeValueMinor, currency);
    values.tributary_refunded = formatMinor(customer.refundedMinor, currency);
    values.tributary_average_order_value = formatMinor(customer.averageOrderMinor, currency);
    values.tributary_open_balance = formatMinor(customer.openBalanceMinor, currency);
  }
  if (customer.firstOrderAt !== null) values.tributary_first_order_at = customer.firstOrderAt.toISOString();
  if (customer.lastOrderAt !== null) values.tributary_last_order_at = customer.lastOrderAt.toISOString();
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value.trim() !== ''),
  );
}

/** Which fields of a customer a contact's property speaks of. */
const addressProperties: readonly string[] = ['address', 'city', 'state', 'zip', 'country'];

/**
 * The contact as a statement about the customer, limited to the properties that were changed there: repeating the
 * others would pass off as news what the CRM had once been told by us.
 */
export function customerOf(
  values: Readonly<Record<string, string | null | undefined>>,
  told: ReadonlySet<string>,
): CanonicalCustomer {
  const text = (name: string): string | null => {
    const value = values[name]?.trim() ?? '';
    return value === '' ? null : value;
  };
  const customer: CanonicalCustomer = {};
  if (told.has('email')) customer.email = normalizeEmail(values.email);
  if (told.has('firstname')) customer.firstName = text('firstname');
  if (told.has('lastname')) customer.lastName = text('lastname');
  if (told.has('phone')) customer.phone = text('phone');
  if (told.has('company')) customer.company = text('company');
  if (addressProperties.some((name) => told.has(name))) customer.address = addressOf(text);
  return customer;
}

function addressOf(text: (name: string) => string | null): Address | null {
  if (addressProperties.every((name) => text(name) === null)) return null;
  return {
    firstName: null,
    lastName: null,
    company: null,
    address1: text('address'),
    address2: null,
    city: text('city'),
    province: text('state'),
    zip: text('zip'),
    countryCode: countryCode(text('country')),
    phone: null,
  };
}
