import { createHash } from 'node:crypto';
import { AppError } from '../../../errors.ts';
import type { CanonicalCustomer } from '../../../model/customer.ts';
import { isRelayEmail, normalizeEmail } from '../../../model/customer.ts';
import type { CustomerSnapshot } from '../../../model/snapshot.ts';
import type { LinkFacts, PlanContext, PushOutcome, PushPlan, PushTask } from '../platform.ts';
import { oursToClear, remembering } from '../written.ts';
import { type Books, booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { type Company, once } from './company.ts';
import { directoryOf } from './directory.ts';
import { isFault, nameTaken, objectNotFound, staleObject, toAppError } from './fault.ts';
import { readSettings } from './settings.ts';

/** What the books hold of a customer, flat and comparable. Null is empty. */
export type CustomerFields = Record<(typeof fieldNames)[number], string | null>;

const fieldNames = [
  'firstName',
  'lastName',
  'company',
  'email',
  'phone',
  'line1',
  'line2',
  'city',
  'province',
  'zip',
  'country',
] as const;
const addressFields: readonly string[] = ['line1', 'line2', 'city', 'province', 'zip', 'country'];

/** A person as the order that is posted knows them; readable, and all that is needed to find or make them. */
export interface BuyerBody {
  /** Graph id. */
  id: string;
  displayName: string;
  fields: CustomerFields;
}

export function buyerOf(customer: CustomerSnapshot): BuyerBody {
  return {
    id: customer.id.toString(),
    displayName: displayNameOf(customer),
    fields: wantedFields(customer),
  };
}

/** The books' customers are the bookkeeper's: only those that stand for a buyer already are kept up to date. */
export function planCustomer(customer: CustomerSnapshot, { link }: PlanContext): PushPlan[] {
  if (link === null) return [];
  if (customer.erased) return planErasure(customer, link);
  const wanted = wantedFields(customer);
  const emptied = fieldNames.filter((name) => name !== 'email' && wanted[name] === null);
  const changed = [
    ...fieldNames.filter((name) => wanted[name] !== null && wanted[name] !== (link.state[name] ?? null)),
    // What the bookkeeper wrote is never wiped; what we wrote goes when it has no value here any more.
    ...oursToClear(emptied, link.state),
  ];
  if (changed.length === 0) return [];
  const was = Object.fromEntries(changed.map((name) => [name, link.state[name] ?? null]));
  const body = { fields: wanted, changed, was };
  return [{ kind: 'customer', subjectType: 'Customer', subjectId: customer.id, body }];
}

/**
 * Invoices and receipts must be kept for years with the name they were made out to, and are left alone. What describes the
 * customer beside them is not needed for that.
 */
function planErasure(customer: CustomerSnapshot, link: LinkFacts): PushPlan[] {
  if (link.state.erased === true) return [];
  const body = { displayName: `Erased customer ${customer.id}` };
  return [{ kind: 'customerErase', subjectType: 'Customer', subjectId: customer.id, body }];
}

/** Empties what describes a customer, and renames the record. Repeating it says the same again. */
export async function performCustomerErase(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const { displayName } = push.body as { displayName: string };
  const link = (await session.links.find('Customer', [push.subjectId], 'Customer')).get(push.subjectId);
  if (link === undefined) throw unlinked();
  const nothing = Object.fromEntries(fieldNames.map((name) => [name, null])) as CustomerFields;
  const entity = await updateRebasing(booksOf(session), link.remoteId, null, () => ({
    ...sparseFields(nothing, fieldNames),
    DisplayName: displayName,
    PrintOnCheckName: displayName,
    Notes: '',
  }));
  return {
    remoteType: 'Customer',
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: { erased: true },
    adopted: false,
    detail: { displayName },
  };
}

export async function performCustomer(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const { fields, changed } = push.body as unknown as { fields: CustomerFields; changed: string[] };
  const link = (await session.links.find('Customer', [push.subjectId], 'Customer')).get(push.subjectId);
  if (link === undefined) throw unlinked();
  const books = booksOf(session);
  const entity = await updateRebasing(books, link.remoteId, link.remoteVersion, (current) => {
    const before = current === null ? link.state : fieldsIn(current);
    return sparseFields({ ...(before as CustomerFields), ...pick(fields, changed) }, changed);
  });
  return {
    remoteType: 'Customer',
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: { ...fieldsIn(entity), ...remembering(link.state, pick(fields, changed)) },
    adopted: false,
    detail: { displayName: entity.DisplayName ?? null },
  };
}

function unlinked(): AppError {
  return new AppError({
    code: 'QUICKBOOKS_CUSTOMER_UNLINKED',
    retryable: false,
    publicMessage: 'This customer has no record in QuickBooks any more.',
    remedy: 'Nothing has to be done: the next receipt finds or makes the record.',
  });
}

/** Updates what may have been changed meanwhile: a stale version is read again and the same fields are set on top of it. */
async function updateRebasing(
  books: Books,
  id: string,
  version: string | null,
  fields: (current: Entity | null) => Record<string, unknown>,
): Promise<Entity> {
  let syncToken = version;
  let current: Entity | null = null;
  for (let attempt = 1; ; attempt += 1) {
    if (syncToken === null) {
      current = await books.read('Customer', id);
      if (current === null) throw gone(id);
      syncToken = current.SyncToken;
    }
    try {
      return await books.update(
        'Customer',
        { ...fields(current), Id: id, SyncToken: syncToken },
        { requestId: null },
      );
    } catch (error) {
      // The same code speaks of the record itself and of what it refers to.
      if (isFault(error, objectNotFound) && (await books.read('Customer', id)) === null) throw gone(id);
      if (!isFault(error, staleObject) || attempt >= 3) throw error;
      syncToken = null;
    }
  }
}

function gone(id: string): AppError {
  return new AppError({
    code: 'QUICKBOOKS_GONE',
    retryable: false,
    publicMessage: `The customer ${id} was deleted in QuickBooks.`,
    remedy: 'Nothing has to be done: the next document finds or makes the record.',
  });
}

// ── finding or making the buyer of an order ──

/** The type of the link: a customer of the books has one currency, so a buyer may need several. */
function customerLinkType(company: Company, currency: string): string {
  return currency === company.homeCurrency ? 'Customer' : `Customer ${currency}`;
}

/** @param isForced look again although a link says where the buyer is: that record turned out to be gone. */
export async function ensureBuyer(
  session: QuickBooksSession,
  company: Company,
  buyer: BuyerBody | null,
  currency: string,
  isForced = false,
): Promise<string> {
  const linkType = customerLinkType(company, currency);
  if (buyer === null)
    return await once(session, `quickbooks.customer guest ${currency}`, () =>
      guest(session, company, currency),
    );
  const id = BigInt(buyer.id);
  const ensure = async (): Promise<string> => {
    const link = isForced ? undefined : (await session.links.find('Customer', [id], linkType)).get(id);
    if (link !== undefined) return link.remoteId;
    const { entity, isNew } = await findOrMake(session, company, buyer, currency, isForced);
    await session.links.save({
      entityType: 'Customer',
      entityId: id,
      remoteType: linkType,
      remoteId: entity.Id,
      remoteVersion: entity.SyncToken,
      state: { ...fieldsIn(entity), ...remembering({}, isNew ? buyer.fields : {}) },
    });
    return entity.Id;
  };
  return await once(session, `quickbooks.customer ${buyer.id} ${currency}`, ensure, false);
}

/** By e-mail, the one thing that tells who somebody is; else a new record under a name that is free. */
async function findOrMake(
  session: QuickBooksSession,
  company: Company,
  buyer: BuyerBody,
  currency: string,
  isForced: boolean,
): Promise<{ entity: Entity; isNew: boolean }> {
  const books = booksOf(session);
  const directory = directoryOf(session);
  const { email } = buyer.fields;
  const fits = (holder: Entity): boolean =>
    currencyOf(holder, company) === currency && isCompatible(holder, buyer.fields);
  if (email !== null && (isForced || !directory.lacksEmail(email))) {
    const known = await books.query('Customer', `where PrimaryEmailAddr = ${quoted(email)} maxresults 100`);
    const fit = known
      .filter((one) => currencyOf(one, company) === currency)
      .sort((a, b) => Number(a.Id) - Number(b.Id))[0];
    if (fit !== undefined) return { entity: fit, isNew: false };
  }
  const suffixes = [
    '',
    ` (C${buyer.id})`,
    ` (${digest(`${buyer.id} ${email ?? ''} ${currency}`).slice(0, 8)})`,
  ];
  for (const suffix of suffixes) {
    const displayName = withSuffix(buyer.displayName, suffix);
    // Somebody else is known to have it: neither asked for nor looked up once more.
    const known = directory.holderOf(displayName);
    if (known !== undefined && !fits(known)) continue;
    try {
      const entity = await books.createSmall(
        'Customer',
        newCustomer(company, { ...buyer, displayName }, currency),
        // Made from what is written, so that another buyer of the same number never gets this one's answer.
        isForced ? null : requestIdOf('customer', buyer.id, currency, displayName, email ?? ''),
      );
      directory.addCustomer(entity);
      return { entity, isNew: true };
    } catch (error) {
      if (!isFault(error, nameTaken)) throw error;
    }
    // The name may be a vendor's or another person's; a customer that nothing speaks against is taken over.
    const [holder] = await books.query('Customer', `where DisplayName = ${quoted(displayName)}`);
    if (holder !== undefined && fits(holder)) return { entity: holder, isNew: false };
  }
  throw new AppError({
    code: 'QUICKBOOKS_NAME_TAKEN',
    retryable: false,
    // Whose name it is, the push tells those who may see customers.
    publicMessage: "Every form of the buyer's name is taken in QuickBooks.",
    remedy: 'Rename the customers, vendors or employees of that name in QuickBooks, then retry.',
  });
}

async function guest(session: QuickBooksSession, company: Company, currency: string): Promise<string> {
  const books = booksOf(session);
  const base = readSettings(session.settings).guestCustomer;
  const displayName = currency === company.homeCurrency ? base : `${base} ${currency}`;
  const find = () => books.query('Customer', `where DisplayName = ${quoted(displayName)}`);
  const [existing] = await find();
  if (existing !== undefined) return existing.Id;
  try {
    const created = await books.createSmall(
      'Customer',
      { DisplayName: displayName, ...currencyRef(company, currency) },
      null,
    );
    return created.Id;
  } catch (error) {
    if (!isFault(error, nameTaken)) throw error;
    const [rival] = await find();
    if (rival !== undefined) return rival.Id;
    throw toAppError(error, `making the customer "${displayName}"`);
  }
}

function newCustomer(company: Company, buyer: BuyerBody, currency: string): Record<string, unknown> {
  return {
    DisplayName: buyer.displayName,
    ...sparseFields(
      buyer.fields,
      fieldNames.filter((name) => buyer.fields[name] !== null),
    ),
    ...currencyRef(company, currency),
  };
}

function currencyRef(company: Company, currency: string): Record<string, unknown> {
  return company.isMultiCurrency ? { CurrencyRef: { value: currency } } : {};
}

function currencyOf(entity: Entity, company: Company): string {
  return (entity.CurrencyRef as { value?: string } | undefined)?.value ?? company.homeCurrency;
}

/** Same name, and nothing that both know differs. */
function isCompatible(entity: Entity, wanted: CustomerFields): boolean {
  const held = fieldsIn(entity);
  return (['email', 'phone'] as const).every(
    (name) => held[name] === null || wanted[name] === null || held[name] === wanted[name],
  );
}

// ── fields ──

function wantedFields(customer: CustomerSnapshot): CustomerFields {
  const { address } = customer;
  const email = isRelayEmail(customer.email) ? null : normalizeEmail(customer.email);
  return {
    firstName: plain(customer.firstName, 100),
    lastName: plain(customer.lastName, 100),
    company: plain(customer.company ?? address?.company, 100),
    email: email !== null && email.length <= 100 && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) ? email : null,
    phone: plain(customer.phone, 30),
    line1: plain(address?.address1, 500),
    line2: plain(address?.address2, 500),
    city: plain(address?.city, 255),
    province: plain(address?.province, 255),
    zip: plain(address?.zip, 31),
    country: plain(address?.countryCode, 255),
  };
}

export function fieldsIn(entity: Entity): CustomerFields {
  const text = (value: unknown): string | null =>
    typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  const part = (name: string, field: string): string | null =>
    text((entity[name] as Record<string, unknown> | undefined)?.[field]);
  return {
    firstName: text(entity.GivenName),
    lastName: text(entity.FamilyName),
    company: text(entity.CompanyName),
    email: normalizeEmail(part('PrimaryEmailAddr', 'Address')),
    phone: part('PrimaryPhone', 'FreeFormNumber'),
    line1: part('BillAddr', 'Line1'),
    line2: part('BillAddr', 'Line2'),
    city: part('BillAddr', 'City'),
    province: part('BillAddr', 'CountrySubDivisionCode'),
    zip: part('BillAddr', 'PostalCode'),
    country: part('BillAddr', 'Country'),
  };
}

export function canonicalIn(entity: Entity): CanonicalCustomer {
  const { firstName, lastName, company, email, phone, ...place } = fieldsIn(entity);
  const country = place.country;
  return {
    firstName,
    lastName,
    company,
    email,
    phone,
    address: Object.values(place).every((value) => value === null)
      ? null
      : {
          firstName: null,
          lastName: null,
          company: null,
          address1: place.line1,
          address2: place.line2,
          city: place.city,
          province: place.province,
          zip: place.zip,
          countryCode: country !== null && /^[A-Z]{2}$/.test(country) ? country : null,
          phone: null,
        },
  };
}

const addressNames = {
  line1: 'Line1',
  line2: 'Line2',
  city: 'City',
  province: 'CountrySubDivisionCode',
  zip: 'PostalCode',
  country: 'Country',
} as const satisfies Partial<Record<keyof CustomerFields, string>>;

/** The named fields in QuickBooks's form. An address is one value there: it travels whole. */
function sparseFields(fields: CustomerFields, names: readonly string[]): Record<string, unknown> {
  const has = (name: string): boolean => names.includes(name);
  return {
    ...(has('firstName') ? { GivenName: fields.firstName ?? '' } : {}),
    ...(has('lastName') ? { FamilyName: fields.lastName ?? '' } : {}),
    ...(has('company') ? { CompanyName: fields.company ?? '' } : {}),
    ...(has('email') ? { PrimaryEmailAddr: { Address: fields.email ?? '' } } : {}),
    ...(has('phone') ? { PrimaryPhone: { FreeFormNumber: fields.phone ?? '' } } : {}),
    ...(addressFields.some(has)
      ? {
          BillAddr: Object.fromEntries(
            Object.entries(addressNames).flatMap(([field, name]) => {
              const value = fields[field as keyof CustomerFields];
              // What is taken away has to be said to be empty; what was never there needs no word.
              return value === null && !has(field) ? [] : [[name, value ?? '']];
            }),
          ),
        }
      : {}),
  };
}

function pick(fields: CustomerFields, names: readonly string[]): Partial<CustomerFields> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}

/** Names must not hold colons, tabs or line breaks. */
export function plain(text: string | null | undefined, max: number): string | null {
  const clean = [
    ...(text ?? '')
      .replace(/[:\t\r\n]+/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  ]
    .slice(0, max)
    .join('')
    .trim();
  return clean === '' ? null : clean;
}

function displayNameOf(customer: CustomerSnapshot): string {
  const person = [customer.firstName, customer.lastName]
    .filter((part) => part !== null && part !== '')
    .join(' ');
  const email = isRelayEmail(customer.email) ? null : customer.email;
  return (
    plain(person, 100) ??
    plain(customer.company, 100) ??
    plain(email, 100) ??
    `Customer ${customer.id.toString()}`
  );
}

export function withSuffix(name: string, suffix: string): string {
  return `${[...name]
    .slice(0, 100 - suffix.length)
    .join('')
    .trimEnd()}${suffix}`;
}

export function requestIdOf(...parts: readonly string[]): string {
  return `tb-${digest(parts.join('\n')).slice(0, 40)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').replace(/[-_]/g, '0');
}
