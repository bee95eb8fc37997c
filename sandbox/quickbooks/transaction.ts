import type { Books } from './books.ts';
import { type Decimal, minorNumber, parseDecimal, toMinor } from './decimal.ts';
import {
  type Account,
  type Entity,
  type EntityType,
  isSalesType,
  type Ref,
  type TransactionDraft,
  transactionTypes,
} from './entities.ts';
import type { LedgerEntry } from './ledger.ts';
import { business, duplicateDocNumber, invalidNumber, invalidReference } from './qbo-fault.ts';

export interface SaveContext {
  id: string;
  previous: Entity | null;
  /** Names of the fields that the client sent; on a sparse update the others come from what is stored. */
  given: ReadonlySet<string>;
  /** include=allowduplicatedocnum */
  allowDuplicateDocNumber: boolean;
}

/** A validated object with what it posts; nothing is changed before all of it is known to be good. */
export interface Prepared {
  entity: Entity;
  entry: LedgerEntry | null;
  /** Changes to other objects, made after this one is stored. */
  after?: () => void;
}

export interface MoneyFacts {
  currency: string;
  rate: Decimal;
  multi: boolean;
  toHome: (minor: bigint) => bigint;
}

/** Which currency a transaction is in: its customer's, or the company's; anything else is refused. */
export function currencyFacts(books: Books, draft: TransactionDraft, customer: Entity | null): MoneyFacts {
  const home = books.homeCurrency;
  const multi = books.preferences.CurrencyPrefs.MultiCurrencyEnabled;
  const own = (customer?.CurrencyRef as Ref | undefined)?.value ?? home;
  const currency = draft.CurrencyRef?.value ?? own;
  if (!multi && currency !== home)
    throw business('Multi currency must be turned on to use another currency.', 'CurrencyRef');
  if (customer !== null && currency !== own)
    throw business(
      `The currency of the transaction, ${currency}, is not the currency of the customer, ${own}.`,
      'CurrencyRef',
    );
  if (!/^[A-Z]{3}$/.test(currency)) throw invalidReference('CurrencyRef', 'Currencies', currency);
  const rateText =
    currency === home ? '1' : String(draft.ExchangeRate ?? books.settings.exchangeRates[currency] ?? '1');
  const rate = parseDecimal(rateText);
  if (rate.units <= 0n) throw invalidNumber('ExchangeRate', draft.ExchangeRate);
  return {
    currency,
    rate,
    multi,
    toHome: (minor) => toMinor({ units: minor * rate.units, scale: 2 + rate.scale }),
  };
}

/** Fields that every transaction carries, the same way for all of them. */
export function applyCommon(
  books: Books,
  type: EntityType,
  draft: TransactionDraft,
  context: SaveContext,
  facts: { customer: Entity | null; money: MoneyFacts; date: string },
): Entity {
  for (const [element, kind] of references) {
    const ref = draft[element] as Ref | undefined;
    if (ref !== undefined) draft[element] = { ...ref, name: nameOf(books.resolve(kind, ref, element)) };
  }
  const { AutoDocNumber: automatic, ...kept } = draft;
  const entity = { ...kept } as unknown as Entity;
  if (facts.customer !== null)
    entity.CustomerRef = { value: facts.customer.Id, name: nameOf(facts.customer) };
  entity.TxnDate = facts.date;
  entity.CurrencyRef = { value: facts.money.currency, name: currencyName(facts.money.currency) };
  if (facts.money.multi) entity.ExchangeRate = Number(facts.money.rate.units) / 10 ** facts.money.rate.scale;
  else delete entity.ExchangeRate;
  const docNumber = documentNumber(books, type, draft, context, automatic === true);
  if (docNumber === undefined) delete entity.DocNumber;
  else entity.DocNumber = docNumber;
  entity.LinkedTxn ??= [];
  return entity;
}

const references: readonly [string, EntityType][] = [
  ['ClassRef', 'Class'],
  ['DepartmentRef', 'Department'],
  ['PaymentMethodRef', 'PaymentMethod'],
  ['SalesTermRef', 'Term'],
];

/** Numbers are the company's to give unless it lets clients do so; what a client sends is taken as it is. */
function documentNumber(
  books: Books,
  type: EntityType,
  draft: TransactionDraft,
  context: SaveContext,
  automatic: boolean,
): string | undefined {
  const custom = books.preferences.SalesFormsPrefs.CustomTxnNumbers;
  const kept = draft.DocNumber === '' ? undefined : draft.DocNumber;
  if (kept !== undefined) {
    const other = numberHolder(books, type, kept, context.id);
    if (other !== null && !context.allowDuplicateDocNumber && warnsOfDuplicates(books))
      throw duplicateDocNumber(kept, other.type, other.id);
    return kept;
  }
  if (context.previous !== null || !isSalesType(type) || (custom && !automatic)) return undefined;
  for (;;) {
    const candidate = String(books.next('docNumber'));
    if (numberHolder(books, type, candidate, context.id) === null) return candidate;
  }
}

function numberHolder(
  books: Books,
  type: EntityType,
  docNumber: string,
  self: string,
): { type: EntityType; id: string } | null {
  const types = books.settings.docNumberScope === 'type' ? [type] : transactionTypes;
  for (const one of types)
    for (const entity of books.of(one).where('DocNumber', docNumber) ?? [])
      if (one !== type || entity.Id !== self) return { type: one, id: entity.Id };
  return null;
}

function warnsOfDuplicates(books: Books): boolean {
  return books.preferences.OtherPrefs.NameValue.some(
    (pair) => pair.Name === 'WarnDuplicateDocNumber' && pair.Value === 'true',
  );
}

/** Money can be put into a bank account or another current asset, in home currency or its own. */
export function depositAccount(books: Books, ref: Ref | undefined, currency: string): Account {
  const account = books.resolve<Account>(
    'Account',
    ref ?? { value: books.settings.accounts.undepositedFunds },
    'DepositToAccountRef',
  );
  if (account.AccountType !== 'Bank' && account.AccountType !== 'Other Current Asset')
    throw business(
      `Deposits go to a bank account or another current asset, not to ${account.Name}.`,
      'DepositToAccountRef',
    );
  const own = account.CurrencyRef.value;
  if (own !== currency && own !== books.homeCurrency)
    throw business(`${account.Name} is kept in ${own}.`, 'DepositToAccountRef');
  return account;
}

export function receivable(books: Books, currency: string): string {
  const account = books.settings.receivables[currency] ?? books.settings.receivables[books.homeCurrency];
  if (account === undefined) throw new Error(`no receivable account in ${currency}`);
  return account;
}

/** A posting counts as inside closed books up to and including the closing date. */
export function inClosedBooks(books: Books, date: unknown): boolean {
  const closed = books.preferences.AccountingInfoPrefs.BookCloseDate;
  return closed !== undefined && closed !== '' && typeof date === 'string' && date <= closed;
}

/** What stays of a voided transaction: itself, at nothing. */
export function voided(entity: Entity): Entity {
  const zeroed = structuredClone(entity);
  const clear = (record: Record<string, unknown>, fields: readonly string[]): void => {
    for (const field of fields) if (field in record) record[field] = 0;
  };
  clear(zeroed, ['TotalAmt', 'Balance', 'HomeTotalAmt', 'RemainingCredit', 'UnappliedAmt']);
  for (const line of (zeroed.Line ?? []) as Record<string, unknown>[]) {
    clear(line, ['Amount']);
    const detail = line.SalesItemLineDetail as Record<string, unknown> | undefined;
    if (detail !== undefined) clear(detail, ['Qty', 'UnitPrice', 'TaxInclusiveAmt']);
  }
  if (zeroed.TxnTaxDetail !== undefined) zeroed.TxnTaxDetail = { TotalTax: minorNumber(0n) };
  const note = zeroed.PrivateNote;
  zeroed.PrivateNote = typeof note === 'string' && note !== '' ? `Voided - ${note}`.slice(0, 4000) : 'Voided';
  if (Array.isArray(zeroed.LinkedTxn)) zeroed.LinkedTxn = [];
  return zeroed;
}

function nameOf(entity: Entity): string {
  return String(entity.DisplayName ?? entity.FullyQualifiedName ?? entity.Name ?? entity.Id);
}

export function currencyName(code: string): string {
  return currencyNames[code] ?? code;
}

const currencyNames: Readonly<Record<string, string>> = {
  USD: 'United States Dollar',
  EUR: 'Euro',
  GBP: 'British Pound Sterling',
  CAD: 'Canadian Dollar',
  AUD: 'Australian Dollar',
  JPY: 'Japanese Yen',
  CHF: 'Swiss Franc',
  NZD: 'New Zealand Dollar',
  SEK: 'Swedish Krona',
};
