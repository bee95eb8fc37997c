import { formatMinor } from '../model/money.ts';
import type { Source } from '../model/platform-name.ts';
import { builder } from './builder.ts';
import { SourceEnum } from './enums.ts';
import { platformOf } from './platform-of.ts';

export interface MoneyValue {
  amount: string;
  currencyCode: string;
}

export const Money = builder.objectRef<MoneyValue>('Money').implement({
  description: 'An exact amount of a currency.',
  fields: (t) => ({
    amount: t.expose('amount', {
      type: 'Decimal',
      description: 'With as many decimals as the currency has: `"12.50"`, `"1200"` for yen.',
    }),
    currencyCode: t.exposeString('currencyCode', {
      description: 'Currency of the amount, ISO 4217: `EUR`, `USD`, `JPY`.',
    }),
  }),
});

/** From minor units as Postgres writes them. */
export function money(minor: string, currency: string): MoneyValue {
  return { amount: formatMinor(BigInt(minor), currency), currencyCode: currency };
}

interface AddressValue {
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  address1?: string | null;
  address2?: string | null;
  city?: string | null;
  province?: string | null;
  zip?: string | null;
  countryCode?: string | null;
  phone?: string | null;
}

export const Address = builder.objectRef<AddressValue>('Address').implement({
  description: 'A postal address.',
  fields: (t) => ({
    firstName: t.exposeString('firstName', { nullable: true, description: 'Of whoever receives there.' }),
    lastName: t.exposeString('lastName', { nullable: true, description: 'Of whoever receives there.' }),
    company: t.exposeString('company', {
      nullable: true,
      description: 'Company at the address; null for private people.',
    }),
    address1: t.exposeString('address1', { nullable: true, description: 'Street and number.' }),
    address2: t.exposeString('address2', { nullable: true, description: 'Floor, suite, care of.' }),
    city: t.exposeString('city', { nullable: true, description: 'City or town.' }),
    province: t.exposeString('province', {
      nullable: true,
      description: "State, province or region, in the platform's words.",
    }),
    zip: t.exposeString('zip', { nullable: true, description: 'Postal code.' }),
    countryCode: t.exposeString('countryCode', { nullable: true, description: 'ISO 3166-1 alpha-2.' }),
    phone: t.exposeString('phone', { nullable: true, description: 'Telephone there.' }),
  }),
});

/** From a JSON column; null where nothing is known. */
export function addressOf(json: string | null): AddressValue | null {
  return json === null ? null : (JSON.parse(json) as AddressValue);
}

export interface FactSourceValue {
  /** Told, or looked up by the connection. */
  source?: Source;
  connectionId: string | null;
  updatedAt: string | null;
  observedAt: string | null;
}

export const FactSource = builder.objectRef<FactSourceValue>('FactSource').implement({
  description: 'Where a fact comes from, and how fresh it is.',
  fields: (t) => ({
    platform: t.field({
      type: SourceEnum,
      description: 'Who told it.',
      resolve: ({ source, connectionId }, _args, context) =>
        source ?? (connectionId === null ? 'tributary' : platformOf(context, connectionId)),
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: true,
      description: "The platform's own time of the last change that was applied.",
    }),
    observedAt: t.expose('observedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was learned here.',
    }),
  }),
});

export const NameValue = builder.objectRef<{ name: string; value: string }>('NameValue').implement({
  description: 'A name with a value, as a checkout or an app added it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name.' }),
    value: t.exposeString('value', { description: 'The value.' }),
  }),
});

export function nameValues(json: string): { name: string; value: string }[] {
  const pairs: unknown = JSON.parse(json);
  if (!Array.isArray(pairs)) return [];
  return pairs.map((pair: { name?: unknown; value?: unknown }) => ({
    name: String(pair.name ?? ''),
    value: String(pair.value ?? ''),
  }));
}
