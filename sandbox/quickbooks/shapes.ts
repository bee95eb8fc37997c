import type { Draft, EntityType } from './entities.ts';
import {
  invalidCharacters,
  invalidDate,
  invalidEmail,
  invalidEnumeration,
  invalidNumber,
  invalidValue,
  unknownProperty,
  wrongLength,
} from './qbo-fault.ts';

/** What one field may hold. `readOnly` fields are let in, because clients send whole objects back, and ignored. */
type Field = { readOnly?: true } & (
  | { kind: 'text'; max: number; plain?: true; email?: true }
  | { kind: 'number' | 'integer' | 'flag' | 'date' | 'moment' | 'anything' }
  | { kind: 'choice'; values: readonly string[] }
  | { kind: 'object'; fields: Shape }
  | { kind: 'list'; of: Field }
);
type Shape = Readonly<Record<string, Field>>;

/**
 * Reads a body as the platform would: unknown fields, wrong types, over-long texts and bad dates are refused, nulls count
 * as absent, read-only fields fall away. Empty texts stay: on a sparse update they clear a field.
 */
export function readBody(type: EntityType, body: unknown): Draft {
  const value = read({ kind: 'object', fields: shapes[type] }, body, type) as Draft;
  return value;
}

function read(field: Field, value: unknown, path: string): unknown {
  switch (field.kind) {
    case 'anything':
      return value;
    case 'flag':
      if (typeof value !== 'boolean') throw invalidValue(path, value, 'true or false');
      return value;
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidNumber(path, value);
      return value;
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw invalidNumber(path, value);
      return value;
    case 'text':
      return readText(field, value, path);
    case 'date':
      if (typeof value !== 'string' || (value !== '' && !isDate(value))) throw invalidDate(path, value);
      return value;
    case 'moment':
      if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) throw invalidDate(path, value);
      return value;
    case 'choice':
      if (typeof value !== 'string' || !field.values.includes(value)) throw invalidEnumeration(path, value);
      return value;
    case 'list': {
      if (!Array.isArray(value)) throw invalidValue(path, value, 'a list');
      return value.map((one: unknown) => read(field.of, one, path));
    }
    case 'object':
      return readObject(field.fields, value, path);
    default:
      return field satisfies never;
  }
}

function readObject(fields: Shape, value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidValue(path, value, 'an object');
  const result: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw unknownProperty(name);
    if (given === null) continue;
    const checked = read(field, given, name);
    if (field.readOnly !== true) result[name] = checked;
  }
  return result;
}

function readText(field: Field & { kind: 'text' }, value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalidValue(path, value, 'a string');
  if (value.length > field.max) throw wrongLength(path, field.max, value.length);
  if (field.plain && /[:\t\n\r]/.test(value)) throw invalidCharacters(path);
  if (field.email && value !== '' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) throw invalidEmail(path);
  return value;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

const text = (max: number): Field => ({ kind: 'text', max });
const name = (max: number): Field => ({ kind: 'text', max, plain: true });
const number: Field = { kind: 'number' };
const integer: Field = { kind: 'integer' };
const flag: Field = { kind: 'flag' };
const date: Field = { kind: 'date' };
const moment: Field = { kind: 'moment' };
const anything: Field = { kind: 'anything' };
const choice = (...values: string[]): Field => ({ kind: 'choice', values });
const object = (fields: Shape): Field => ({ kind: 'object', fields });
const list = (of: Field): Field => ({ kind: 'list', of });
const readOnly = (field: Field): Field => ({ ...field, readOnly: true });

const ref = object({ value: text(100), name: text(1000), type: text(100) });
const address = object({
  Id: readOnly(text(30)),
  Line1: text(500),
  Line2: text(500),
  Line3: text(500),
  Line4: text(500),
  Line5: text(500),
  City: text(255),
  Country: text(255),
  CountryCode: text(10),
  County: text(255),
  CountrySubDivisionCode: text(255),
  PostalCode: text(31),
  Lat: text(50),
  Long: text(50),
  Note: text(1000),
});
const email = object({ Address: { kind: 'text', max: 100, email: true } });
const phone = object({ FreeFormNumber: text(30) });
const memo = object({ value: text(1000) });
const customField = object({
  DefinitionId: text(30),
  Name: text(100),
  Type: choice('StringType', 'BooleanType', 'NumberType', 'DateType'),
  StringValue: text(31),
});
const customFieldSwitch = object({
  Name: text(100),
  Type: choice('StringType', 'BooleanType'),
  StringValue: text(31),
  BooleanValue: flag,
});
const attachableRef = object({
  EntityRef: ref,
  LineInfo: text(100),
  IncludeOnSend: flag,
});
const linkedTxn = object({ TxnId: text(30), TxnType: text(40), TxnLineId: text(30) });
const nameValue = object({ Name: text(200), Value: text(4000) });

const common: Shape = {
  Id: text(30),
  SyncToken: text(20),
  MetaData: readOnly(object({ CreateTime: moment, LastUpdatedTime: moment, LastModifiedByRef: ref })),
  CustomField: list(customField),
  domain: readOnly(text(10)),
  sparse: flag,
  status: readOnly(text(20)),
};

const party: Shape = {
  ...common,
  Title: text(16),
  GivenName: name(100),
  MiddleName: name(100),
  FamilyName: name(100),
  Suffix: text(16),
  FullyQualifiedName: readOnly(text(500)),
  CompanyName: text(100),
  DisplayName: name(100),
  PrintOnCheckName: text(110),
  Active: flag,
  V4IDPseudonym: readOnly(text(100)),
  PrimaryPhone: phone,
  AlternatePhone: phone,
  Mobile: phone,
  Fax: phone,
  PrimaryEmailAddr: email,
  WebAddr: object({ URI: text(1000) }),
  Notes: text(4000),
  BillAddr: address,
  ShipAddr: address,
  DefaultTaxCodeRef: ref,
};

const tree: Shape = {
  ...common,
  Name: name(100),
  ParentRef: ref,
  FullyQualifiedName: readOnly(text(500)),
  Active: flag,
};

const lineTypes = [
  'SalesItemLineDetail',
  'DiscountLineDetail',
  'SubTotalLineDetail',
  'DescriptionOnly',
  'GroupLineDetail',
  'AccountBasedExpenseLineDetail',
  'DepositLineDetail',
  'JournalEntryLineDetail',
  'TaxLineDetail',
  'PaymentLineDetail',
];
const taxLine = object({
  Amount: number,
  DetailType: choice('TaxLineDetail'),
  TaxLineDetail: object({
    TaxRateRef: ref,
    PercentBased: flag,
    TaxPercent: number,
    NetAmountTaxable: number,
    TaxInclusiveAmount: number,
    OverrideDeltaAmount: number,
  }),
});
const line = object({
  Id: text(30),
  LineNum: integer,
  Description: text(4000),
  Amount: number,
  DetailType: choice(...lineTypes),
  LinkedTxn: list(linkedTxn),
  SalesItemLineDetail: object({
    ItemRef: ref,
    ClassRef: ref,
    UnitPrice: number,
    Qty: number,
    ItemAccountRef: readOnly(ref),
    TaxCodeRef: ref,
    TaxClassificationRef: ref,
    ServiceDate: date,
    TaxInclusiveAmt: number,
    DiscountRate: number,
    DiscountAmt: number,
  }),
  DiscountLineDetail: object({
    PercentBased: flag,
    DiscountPercent: number,
    DiscountAccountRef: ref,
    ClassRef: ref,
    TaxCodeRef: ref,
  }),
  SubTotalLineDetail: anything,
  DescriptionLineDetail: object({ ServiceDate: date, TaxCodeRef: ref }),
  GroupLineDetail: anything,
  LineEx: readOnly(anything),
  AccountBasedExpenseLineDetail: object({
    AccountRef: ref,
    CustomerRef: ref,
    ClassRef: ref,
    BillableStatus: choice('Billable', 'NotBillable', 'HasBeenBilled'),
    TaxAmount: number,
    TaxCodeRef: ref,
    TaxInclusiveAmt: number,
  }),
  DepositLineDetail: object({
    AccountRef: ref,
    Entity: ref,
    ClassRef: ref,
    PaymentMethodRef: ref,
    CheckNum: text(21),
    TxnType: text(40),
  }),
  JournalEntryLineDetail: object({
    PostingType: choice('Debit', 'Credit'),
    AccountRef: ref,
    Entity: object({
      Type: choice('Customer', 'Vendor', 'Employee', 'Other', 'Job'),
      EntityRef: ref,
    }),
    ClassRef: ref,
    DepartmentRef: ref,
    TaxCodeRef: ref,
  }),
  ProjectRef: ref,
});
const globalTax = choice('TaxInclusive', 'TaxExcluded', 'NotApplicable');

const transaction: Shape = {
  ...common,
  DocNumber: text(21),
  TxnDate: date,
  DepartmentRef: ref,
  CurrencyRef: ref,
  ExchangeRate: number,
  PrivateNote: text(4000),
  TxnStatus: readOnly(text(50)),
  LinkedTxn: list(linkedTxn),
  Line: list(line),
  TxnTaxDetail: object({ TxnTaxCodeRef: ref, TotalTax: number, TaxLine: list(taxLine) }),
  TxnSource: readOnly(text(50)),
  RecurDataRef: readOnly(ref),
  ProjectRef: ref,
  HomeTotalAmt: readOnly(number),
  AttachableRef: list(attachableRef),
};

const sales: Shape = {
  ...transaction,
  AutoDocNumber: flag,
  CustomerRef: ref,
  CustomerMemo: memo,
  BillAddr: address,
  ShipAddr: address,
  ShipFromAddr: address,
  FreeFormAddress: flag,
  ClassRef: ref,
  SalesTermRef: ref,
  DueDate: date,
  ShipMethodRef: ref,
  ShipDate: date,
  TrackingNum: text(31),
  PONumber: text(15),
  GlobalTaxCalculation: globalTax,
  TotalAmt: readOnly(number),
  Balance: readOnly(number),
  HomeBalance: readOnly(number),
  ApplyTaxAfterDiscount: flag,
  PrintStatus: choice('NotSet', 'NeedToPrint', 'PrintComplete'),
  EmailStatus: choice('NotSet', 'NeedToSend', 'EmailSent'),
  BillEmail: email,
  BillEmailCc: email,
  BillEmailBcc: email,
  DeliveryInfo: readOnly(anything),
  PaymentMethodRef: ref,
  PaymentRefNum: text(21),
  PaymentType: choice('Cash', 'Check', 'CreditCard', 'Expense', 'Other'),
  DepositToAccountRef: ref,
};

const taxRateList = object({
  TaxRateDetail: list(object({ TaxRateRef: ref, TaxTypeApplicable: text(30), TaxOrder: integer })),
});
const preferenceGroup = (fields: Shape): Field => object(fields);

const shapes: Readonly<Record<EntityType, Shape>> = {
  Customer: {
    ...party,
    Taxable: flag,
    Job: flag,
    BillWithParent: flag,
    ParentRef: ref,
    Level: readOnly(integer),
    IsProject: flag,
    CustomerTypeRef: ref,
    SalesTermRef: ref,
    PaymentMethodRef: ref,
    Balance: readOnly(number),
    BalanceWithJobs: readOnly(number),
    OpenBalanceDate: date,
    CurrencyRef: ref,
    PreferredDeliveryMethod: choice('Print', 'Email', 'None'),
    ResaleNum: text(16),
    ARAccountRef: ref,
    PrimaryTaxIdentifier: text(20),
    TaxExemptionReasonId: text(2),
    ClientEntityId: readOnly(text(50)),
  },
  Vendor: {
    ...party,
    Balance: readOnly(number),
    AcctNum: text(100),
    Vendor1099: flag,
    CurrencyRef: ref,
    TermRef: ref,
    BillRate: readOnly(number),
  },
  Employee: {
    ...party,
    EmployeeNumber: text(100),
    PrimaryAddr: address,
    HiredDate: date,
    ReleasedDate: date,
    BillableTime: flag,
  },
  Item: {
    ...tree,
    Sku: text(100),
    Description: text(4000),
    SubItem: flag,
    Level: readOnly(integer),
    Taxable: flag,
    SalesTaxIncluded: flag,
    UnitPrice: number,
    Type: choice('Inventory', 'NonInventory', 'Service', 'Category', 'Group'),
    IncomeAccountRef: ref,
    PurchaseDesc: text(1000),
    PurchaseCost: number,
    PurchaseTaxIncluded: flag,
    ExpenseAccountRef: ref,
    AssetAccountRef: ref,
    PrefVendorRef: ref,
    TrackQtyOnHand: flag,
    QtyOnHand: number,
    ReorderPoint: number,
    InvStartDate: date,
    SalesTaxCodeRef: ref,
    PurchaseTaxCodeRef: ref,
    TaxClassificationRef: ref,
    ClassRef: ref,
  },
  Account: {
    ...tree,
    SubAccount: flag,
    Description: text(100),
    AcctNum: text(20),
    Classification: readOnly(text(20)),
    AccountType: text(40),
    AccountSubType: text(60),
    CurrentBalance: readOnly(number),
    CurrentBalanceWithSubAccounts: readOnly(number),
    CurrencyRef: ref,
    TaxCodeRef: ref,
  },
  Class: { ...tree, SubClass: flag },
  Department: { ...tree, SubDepartment: flag, Address: address },
  PaymentMethod: { ...common, Name: name(31), Active: flag, Type: choice('CREDIT_CARD', 'NON_CREDIT_CARD') },
  Term: {
    ...common,
    Name: name(31),
    Active: flag,
    Type: choice('STANDARD', 'DATE_DRIVEN'),
    DiscountPercent: number,
    DueDays: integer,
    DiscountDays: integer,
    DayOfMonthDue: integer,
    DueNextMonthDays: integer,
    DiscountDayOfMonth: integer,
  },
  TaxCode: {
    ...common,
    Name: name(100),
    Description: text(100),
    Active: flag,
    Hidden: flag,
    Taxable: flag,
    TaxGroup: flag,
    SalesTaxRateList: taxRateList,
    PurchaseTaxRateList: taxRateList,
  },
  TaxRate: {
    ...common,
    Name: name(100),
    Description: text(100),
    Active: flag,
    RateValue: number,
    AgencyRef: ref,
    SpecialTaxType: text(40),
    DisplayType: text(40),
  },
  TaxAgency: {
    ...common,
    DisplayName: name(100),
    TaxTrackedOnSales: flag,
    TaxTrackedOnPurchases: flag,
    TaxRegistrationNumber: text(50),
  },
  SalesReceipt: sales,
  Invoice: {
    ...sales,
    Deposit: number,
    AllowOnlineACHPayment: flag,
    AllowOnlineCreditCardPayment: flag,
    AllowIPNPayment: readOnly(flag),
    AllowOnlinePayment: readOnly(flag),
    ARAccountRef: ref,
  },
  CreditMemo: { ...sales, RemainingCredit: readOnly(number), InvoiceRef: ref, ARAccountRef: ref },
  RefundReceipt: { ...sales, RemainingCredit: readOnly(number) },
  Payment: {
    ...transaction,
    CustomerRef: ref,
    ARAccountRef: ref,
    DepositToAccountRef: ref,
    PaymentMethodRef: ref,
    PaymentRefNum: text(21),
    TotalAmt: number,
    UnappliedAmt: readOnly(number),
    ProcessPayment: flag,
  },
  Purchase: {
    ...transaction,
    AccountRef: ref,
    PaymentType: choice('Cash', 'Check', 'CreditCard'),
    PaymentMethodRef: ref,
    PaymentRefNum: text(21),
    EntityRef: ref,
    Credit: flag,
    RemitToAddr: address,
    PrintStatus: choice('NotSet', 'NeedToPrint', 'PrintComplete'),
    GlobalTaxCalculation: globalTax,
    TotalAmt: readOnly(number),
  },
  Deposit: {
    ...transaction,
    DepositToAccountRef: ref,
    CashBack: object({ AccountRef: ref, Amount: number, Memo: text(4000) }),
    GlobalTaxCalculation: globalTax,
    TotalAmt: readOnly(number),
  },
  JournalEntry: {
    ...transaction,
    Adjustment: flag,
    GlobalTaxCalculation: globalTax,
    TotalAmt: readOnly(number),
  },
  Attachable: {
    ...common,
    AttachableRef: list(attachableRef),
    FileName: text(1000),
    FileAccessUri: readOnly(text(2000)),
    TempDownloadUri: readOnly(text(2000)),
    Size: readOnly(integer),
    ContentType: text(100),
    Category: text(100),
    Note: text(2000),
    Tag: text(2000),
    PlaceName: text(2000),
    Lat: text(50),
    Long: text(50),
  },
  CompanyInfo: {
    ...common,
    CompanyName: text(1024),
    LegalName: text(1024),
    CompanyAddr: address,
    CustomerCommunicationAddr: address,
    LegalAddr: address,
    PrimaryPhone: phone,
    CompanyStartDate: date,
    FiscalYearStartMonth: text(20),
    Country: text(10),
    Email: email,
    WebAddr: object({ URI: text(1000) }),
    SupportedLanguages: text(100),
    NameValue: list(nameValue),
  },
  Preferences: {
    ...common,
    AccountingInfoPrefs: preferenceGroup({
      UseAccountNumbers: flag,
      TrackDepartments: flag,
      DepartmentTerminology: text(100),
      ClassTrackingPerTxn: flag,
      ClassTrackingPerTxnLine: flag,
      FirstMonthOfFiscalYear: text(20),
      TaxYearMonth: text(20),
      TaxForm: text(20),
      BookCloseDate: date,
      CustomerTerminology: text(100),
    }),
    ProductAndServicesPrefs: preferenceGroup({
      ForSales: flag,
      ForPurchase: flag,
      QuantityWithPriceAndRate: flag,
      QuantityOnHand: flag,
    }),
    SalesFormsPrefs: preferenceGroup({
      CustomTxnNumbers: flag,
      AllowDeposit: flag,
      AllowDiscount: flag,
      DefaultDiscountAccount: text(30),
      AllowEstimates: flag,
      AllowServiceDate: flag,
      AllowShipping: flag,
      DefaultShippingAccount: text(30),
      DefaultTerms: ref,
      DefaultCustomerMessage: text(1000),
      AutoApplyCredit: flag,
      UsingProgressInvoicing: flag,
      CustomField: list(object({ CustomField: list(customFieldSwitch) })),
    }),
    TaxPrefs: preferenceGroup({
      UsingSalesTax: flag,
      PartnerTaxEnabled: readOnly(flag),
      TaxGroupCodeRef: ref,
    }),
    CurrencyPrefs: preferenceGroup({ MultiCurrencyEnabled: flag, HomeCurrency: ref }),
    ReportPrefs: preferenceGroup({ ReportBasis: choice('Accrual', 'Cash') }),
    OtherPrefs: preferenceGroup({ NameValue: list(nameValue) }),
  },
};
