/** The parts of the platform's objects that the books reason about; everything else rides along untouched. */
export interface Ref {
  value: string;
  name?: string;
  type?: string;
}

export interface Entity {
  Id: string;
  SyncToken: string;
  MetaData: { CreateTime: string; LastUpdatedTime: string };
  [field: string]: unknown;
}

/** A body that passed its shape: known fields of the right type, still without the platform's own. */
export interface Draft {
  Id?: string;
  SyncToken?: string;
  [field: string]: unknown;
}

const nameTypes = ['Customer', 'Vendor', 'Employee'] as const;
const salesTypes = ['SalesReceipt', 'Invoice', 'CreditMemo', 'RefundReceipt'] as const;
export const transactionTypes = [...salesTypes, 'Payment', 'Purchase', 'Deposit', 'JournalEntry'] as const;
const listTypes = [
  ...nameTypes,
  'Item',
  'Account',
  'Class',
  'Department',
  'PaymentMethod',
  'Term',
  'TaxCode',
  'TaxRate',
  'TaxAgency',
] as const;
export const entityTypes = [
  ...listTypes,
  ...transactionTypes,
  'Attachable',
  'CompanyInfo',
  'Preferences',
] as const;

export type NameType = (typeof nameTypes)[number];
export type SalesType = (typeof salesTypes)[number];
export type TransactionType = (typeof transactionTypes)[number];
export type EntityType = (typeof entityTypes)[number];

const includes = (list: readonly string[], type: string): boolean => list.includes(type);
export const isEntityType = (type: string): type is EntityType => includes(entityTypes, type);
export const isNameType = (type: string): type is NameType => includes(nameTypes, type);
export const isSalesType = (type: string): type is SalesType => includes(salesTypes, type);
export const isTransactionType = (type: string): type is TransactionType => includes(transactionTypes, type);
export const isListType = (type: string): boolean => includes(listTypes, type);

export interface Account extends Entity {
  Name: string;
  FullyQualifiedName: string;
  AccountType: string;
  AccountSubType: string;
  Classification: string;
  Active: boolean;
  CurrencyRef: Ref;
}

export interface Item extends Entity {
  Name: string;
  FullyQualifiedName: string;
  Type: string;
  Active: boolean;
  IncomeAccountRef?: Ref;
  ExpenseAccountRef?: Ref;
  AssetAccountRef?: Ref;
  TrackQtyOnHand?: boolean;
  PurchaseCost?: number;
  InvStartDate?: string;
}

export interface Party extends Entity {
  DisplayName: string;
  Active: boolean;
  CurrencyRef?: Ref;
}

export interface TaxRate extends Entity {
  Name: string;
  RateValue: number;
  AgencyRef: Ref;
}

export interface TaxCode extends Entity {
  Name: string;
  Active: boolean;
  TaxGroup: boolean;
  SalesTaxRateList: { TaxRateDetail: { TaxRateRef: Ref }[] };
}

export interface LinkedTxn {
  TxnId: string;
  TxnType: string;
  TxnLineId?: string;
}

export interface Line {
  Id?: string;
  LineNum?: number;
  Description?: string;
  Amount?: number;
  DetailType: string;
  LinkedTxn?: LinkedTxn[];
  SalesItemLineDetail?: SalesItemLineDetail;
  DiscountLineDetail?: {
    PercentBased?: boolean;
    DiscountPercent?: number;
    DiscountAccountRef?: Ref;
    ClassRef?: Ref;
    TaxCodeRef?: Ref;
  };
  SubTotalLineDetail?: Record<string, unknown>;
  DescriptionLineDetail?: Record<string, unknown>;
  AccountBasedExpenseLineDetail?: { AccountRef?: Ref; CustomerRef?: Ref; ClassRef?: Ref; TaxCodeRef?: Ref };
  DepositLineDetail?: { AccountRef?: Ref; Entity?: Ref; PaymentMethodRef?: Ref; CheckNum?: string };
  JournalEntryLineDetail?: {
    PostingType?: 'Debit' | 'Credit';
    AccountRef?: Ref;
    Entity?: { Type?: string; EntityRef?: Ref };
    ClassRef?: Ref;
    DepartmentRef?: Ref;
  };
  TaxLineDetail?: {
    TaxRateRef?: Ref;
    PercentBased?: boolean;
    TaxPercent?: number;
    NetAmountTaxable?: number;
    TaxInclusiveAmount?: number;
  };
}

export interface SalesItemLineDetail {
  ItemRef?: Ref;
  Qty?: number;
  UnitPrice?: number;
  TaxCodeRef?: Ref;
  ItemAccountRef?: Ref;
  TaxInclusiveAmt?: number;
  ClassRef?: Ref;
  [field: string]: unknown;
}

export interface TxnTaxDetail {
  TxnTaxCodeRef?: Ref;
  TotalTax?: number;
  TaxLine?: Line[];
}

export interface TransactionDraft extends Draft {
  TxnDate?: string;
  DocNumber?: string;
  CurrencyRef?: Ref;
  ExchangeRate?: number;
  CustomerRef?: Ref;
  DepositToAccountRef?: Ref;
  ARAccountRef?: Ref;
  /** Purchases: the account that is paid from, how, and to whom. */
  AccountRef?: Ref;
  PaymentType?: string;
  EntityRef?: Ref;
  Line?: Line[];
  TxnTaxDetail?: TxnTaxDetail;
  GlobalTaxCalculation?: 'TaxExcluded' | 'TaxInclusive' | 'NotApplicable';
  ApplyTaxAfterDiscount?: boolean;
  TotalAmt?: number;
  PrivateNote?: string;
}

export interface Preferences extends Entity {
  AccountingInfoPrefs: { BookCloseDate?: string; [field: string]: unknown };
  SalesFormsPrefs: {
    CustomTxnNumbers: boolean;
    AllowDiscount: boolean;
    AllowShipping: boolean;
    DefaultDiscountAccount: string;
    DefaultShippingAccount: string;
    [field: string]: unknown;
  };
  TaxPrefs: { UsingSalesTax: boolean; [field: string]: unknown };
  CurrencyPrefs: { MultiCurrencyEnabled: boolean; HomeCurrency: Ref };
  OtherPrefs: { NameValue: { Name: string; Value: string }[] };
}
