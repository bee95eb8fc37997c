import { type Books, plural } from './books.ts';
import { multiply, parseDecimal, toMinor } from './decimal.ts';
import {
  type Account,
  type Draft,
  type Entity,
  type EntityType,
  type Item,
  isEntityType,
  type NameType,
  type Party,
  type Ref,
} from './entities.ts';
import { entryOf, type LedgerEntry } from './ledger.ts';
import {
  business,
  duplicateName,
  invalidEnumeration,
  invalidReference,
  missingParameter,
  noAccountType,
  noName,
} from './qbo-fault.ts';
import { currencyName, type Prepared, type SaveContext } from './transaction.ts';

/** Inactive objects keep their place but give their name back. */
const inactiveMark = ' (deleted)';

/** Validates everything that is not a transaction. */
export function prepareListed(books: Books, type: EntityType, draft: Draft, context: SaveContext): Prepared {
  switch (type) {
    case 'Customer':
    case 'Vendor':
    case 'Employee':
      return { entity: party(books, type, draft, context), entry: null };
    case 'Item':
      return item(books, draft, context);
    case 'Account':
      return { entity: account(books, draft, context), entry: null };
    case 'Attachable':
      return { entity: attachable(books, draft), entry: null };
    case 'Class':
    case 'Department':
      return { entity: named(books, type, draft, context, true), entry: null };
    case 'PaymentMethod':
    case 'Term':
    case 'TaxCode':
    case 'TaxRate':
      return { entity: named(books, type, draft, context, false), entry: null };
    case 'TaxAgency':
      if (textOf(draft.DisplayName) === '') throw missingParameter('DisplayName');
      return { entity: { TaxTrackedOnSales: true, ...draft } as unknown as Entity, entry: null };
    default:
      return { entity: { ...draft } as unknown as Entity, entry: null };
  }
}

function party(books: Books, type: NameType, draft: Draft, context: SaveContext): Entity {
  const composed = ['Title', 'GivenName', 'MiddleName', 'FamilyName', 'Suffix']
    .map((field) => textOf(draft[field]))
    .filter((part) => part !== '')
    .join(' ');
  const given = textOf(draft.DisplayName);
  const base = given === '' ? composed : given;
  if (base === '') throw noName();
  const active = draft.Active !== false;
  const name = markedName(base, active);
  const holder = books.nameHolder(name);
  if (holder !== undefined && !(holder.type === type && holder.id === context.id))
    throw duplicateName(holder.type.toLowerCase());
  const parent = draft.ParentRef as Ref | undefined;
  const parentName =
    parent === undefined || type !== 'Customer'
      ? null
      : books.resolve<Party>('Customer', parent, 'ParentRef').FullyQualifiedName;
  for (const [element, kind] of [
    ['SalesTermRef', 'Term'],
    ['PaymentMethodRef', 'PaymentMethod'],
    ['DefaultTaxCodeRef', 'TaxCode'],
  ] as const) {
    const ref = draft[element] as Ref | undefined;
    if (ref !== undefined) books.resolve(kind, ref, element);
  }
  const entity = {
    PrintOnCheckName: base,
    ...(type === 'Customer'
      ? { Taxable: true, Job: false, BillWithParent: false, PreferredDeliveryMethod: 'Print' }
      : {}),
    ...draft,
    DisplayName: name,
    ...(type === 'Customer'
      ? { FullyQualifiedName: parentName === null ? name : `${parentName}:${name}` }
      : {}),
    Active: active,
  } as unknown as Entity;
  if (type !== 'Employee') {
    entity.CurrencyRef = currencyOf(books, draft.CurrencyRef as Ref | undefined, context.previous);
    if (type === 'Customer') ensureReceivable(books, (entity.CurrencyRef as Ref).value);
  }
  return entity;
}

/** A customer keeps its currency for good: open documents are written in it. */
function currencyOf(books: Books, ref: Ref | undefined, previous: Entity | null): Ref {
  const home = books.homeCurrency;
  const before = (previous?.CurrencyRef as Ref | undefined)?.value;
  const value = ref?.value ?? before ?? home;
  if (before !== undefined && before !== value)
    throw business('The currency of a name cannot be changed.', 'CurrencyRef');
  if (!/^[A-Z]{3}$/.test(value)) throw invalidReference('CurrencyRef', 'Currencies', value);
  if (value !== home && !books.preferences.CurrencyPrefs.MultiCurrencyEnabled)
    throw business('Multi currency must be turned on to use another currency.', 'CurrencyRef');
  return { value, name: currencyName(value) };
}

/** The first customer in a foreign currency brings a receivable account in that currency into being. */
function ensureReceivable(books: Books, currency: string): void {
  if (books.settings.receivables[currency] !== undefined) return;
  const id = books.nextId('Account');
  const stamp = books.stamp();
  books.save(
    'Account',
    {
      ...accountFields(
        `Accounts Receivable (A/R) - ${currency}`,
        'Accounts Receivable',
        'AccountsReceivable',
      ),
      CurrencyRef: { value: currency, name: currencyName(currency) },
      Id: id,
      SyncToken: '0',
      MetaData: { CreateTime: stamp, LastUpdatedTime: stamp },
    },
    'Create',
  );
  books.settings.receivables[currency] = id;
}

function item(books: Books, draft: Draft, context: SaveContext): Prepared {
  const entity = {
    Taxable: false,
    UnitPrice: 0,
    PurchaseCost: 0,
    TrackQtyOnHand: false,
    Type: 'Service',
    ...named(books, 'Item', draft, context, true),
  } as unknown as Item;
  for (const element of ['IncomeAccountRef', 'ExpenseAccountRef', 'AssetAccountRef'] as const) {
    const ref = entity[element];
    if (ref === undefined) continue;
    const target = books.resolve<Account>('Account', ref, element);
    entity[element] = { value: target.Id, name: target.FullyQualifiedName };
  }
  if (entity.Type === 'Inventory') {
    entity.TrackQtyOnHand = true;
    for (const element of [
      'IncomeAccountRef',
      'ExpenseAccountRef',
      'AssetAccountRef',
      'InvStartDate',
    ] as const)
      if (entity[element] === undefined) throw missingParameter(element);
    if (entity.QtyOnHand === undefined && context.previous === null) throw missingParameter('QtyOnHand');
  } else if (entity.Type !== 'Category' && entity.Type !== 'Group' && entity.IncomeAccountRef === undefined) {
    throw missingParameter('IncomeAccountRef');
  }
  return { entity, entry: openingStock(books, entity, context) };
}

/** The first quantity on hand is an asset that came from somewhere: opening balance equity. Later ones are ignored. */
function openingStock(books: Books, entity: Item, context: SaveContext): LedgerEntry | null {
  const before = books.ledger.entry('Item', context.id) ?? null;
  const quantity = parseDecimal((entity.QtyOnHand as number | undefined) ?? 0);
  delete entity.QtyOnHand;
  if (context.previous !== null || entity.Type !== 'Inventory') return before;
  const value = toMinor(multiply(quantity, parseDecimal(entity.PurchaseCost ?? 0)));
  return entryOf(
    {
      type: 'Item',
      id: context.id,
      date: entity.InvStartDate ?? books.today(),
      currency: books.homeCurrency,
      rate: { units: 1n, scale: 0 },
    },
    [
      { account: entity.AssetAccountRef?.value ?? '', amountMinor: value },
      { account: books.settings.accounts.openingBalanceEquity, amountMinor: -value },
    ],
    [{ item: context.id, quantity }],
  );
}

function account(books: Books, draft: Draft, context: SaveContext): Entity {
  const type = textOf(draft.AccountType);
  const subType = textOf(draft.AccountSubType);
  const resolved = type !== '' ? type : (typeOfSubType[subType] ?? '');
  if (resolved === '') throw noAccountType();
  if (classifications[resolved] === undefined) throw invalidEnumeration('AccountType', type);
  const name = named(books, 'Account', draft, context, true);
  const previous = context.previous as Account | null;
  return {
    ...accountFields(
      String(name.Name),
      resolved,
      subType === '' ? (defaultSubTypes[resolved] ?? 'Other') : subType,
    ),
    ...name,
    CurrencyRef: currencyOf(books, draft.CurrencyRef as Ref | undefined, previous),
  } as unknown as Entity;
}

export function accountFields(name: string, type: string, subType: string): Record<string, unknown> {
  return {
    Name: name,
    FullyQualifiedName: name,
    SubAccount: false,
    Active: true,
    Classification: classifications[type],
    AccountType: type,
    AccountSubType: subType,
  };
}

/** A name that is unique within its type; below a parent the full path has to be. */
function named(books: Books, type: EntityType, draft: Draft, context: SaveContext, nested: boolean): Entity {
  const given = textOf(draft.Name);
  if (given === '') throw missingParameter('Name');
  const active = draft.Active !== false;
  const name = markedName(given, active);
  const parentRef = draft.ParentRef as Ref | undefined;
  const parent = nested && parentRef !== undefined ? books.resolve(type, parentRef, 'ParentRef') : null;
  if (parent !== null && parent.Id === context.id)
    throw business('An object cannot be its own parent.', 'ParentRef');
  const path = parent === null ? name : `${String(parent.FullyQualifiedName)}:${name}`;
  const rivals = books.of(type).where(nested ? 'FullyQualifiedName' : 'Name', nested ? path : name) ?? [];
  if (rivals.some((rival) => rival.Id !== context.id)) throw duplicateName(type);
  return {
    ...draft,
    Name: name,
    ...(nested ? { FullyQualifiedName: path } : {}),
    Active: active,
  } as unknown as Entity;
}

function attachable(books: Books, draft: Draft): Entity {
  if (textOf(draft.Note) === '' && textOf(draft.FileName) === '') throw missingParameter('Note');
  for (const link of (draft.AttachableRef ?? []) as { EntityRef?: Ref }[]) {
    const ref = link.EntityRef;
    if (ref === undefined) continue;
    const type = ref.type ?? '';
    if (!isEntityType(type)) throw invalidEnumeration('EntityRef.type', type);
    if (books.find(type, ref.value) === undefined)
      throw invalidReference('EntityRef', plural(type), ref.value);
  }
  return { ...draft } as unknown as Entity;
}

function markedName(name: string, active: boolean): string {
  const bare = name.endsWith(inactiveMark) ? name.slice(0, -inactiveMark.length) : name;
  return active ? bare : `${bare}${inactiveMark}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

const classifications: Readonly<Record<string, string>> = {
  Bank: 'Asset',
  'Accounts Receivable': 'Asset',
  'Other Current Asset': 'Asset',
  'Fixed Asset': 'Asset',
  'Other Asset': 'Asset',
  'Accounts Payable': 'Liability',
  'Credit Card': 'Liability',
  'Other Current Liability': 'Liability',
  'Long Term Liability': 'Liability',
  Equity: 'Equity',
  Income: 'Revenue',
  'Other Income': 'Revenue',
  'Cost of Goods Sold': 'Expense',
  Expense: 'Expense',
  'Other Expense': 'Expense',
};

const defaultSubTypes: Readonly<Record<string, string>> = {
  Bank: 'Checking',
  'Accounts Receivable': 'AccountsReceivable',
  'Other Current Asset': 'OtherCurrentAssets',
  'Other Current Liability': 'OtherCurrentLiabilities',
  'Accounts Payable': 'AccountsPayable',
  Income: 'SalesOfProductIncome',
  'Cost of Goods Sold': 'SuppliesMaterialsCogs',
  Expense: 'OtherMiscellaneousServiceCost',
  Equity: 'OpeningBalanceEquity',
};

const typeOfSubType: Readonly<Record<string, string>> = {
  Checking: 'Bank',
  Savings: 'Bank',
  CashOnHand: 'Bank',
  UndepositedFunds: 'Other Current Asset',
  Inventory: 'Other Current Asset',
  OtherCurrentAssets: 'Other Current Asset',
  OtherCurrentLiabilities: 'Other Current Liability',
  SalesTaxPayable: 'Other Current Liability',
  GlobalTaxPayable: 'Other Current Liability',
  SalesOfProductIncome: 'Income',
  ServiceFeeIncome: 'Income',
  OtherPrimaryIncome: 'Income',
  DiscountsRefundsGiven: 'Income',
  SuppliesMaterialsCogs: 'Cost of Goods Sold',
  BankCharges: 'Expense',
};
