import { type AccountRole, Books, type CompanySettings } from './books.ts';
import type { EntityType, Preferences } from './entities.ts';
import { accountFields } from './lists.ts';
import { createEntity } from './service.ts';
import { currencyName } from './transaction.ts';

export interface CompanyOptions {
  name?: string;
  /** `us`: one tax code per transaction; `global`: one per line, as in the United Kingdom. */
  taxMode?: 'us' | 'global';
  homeCurrency?: string;
  multiCurrency?: boolean;
  customTxnNumbers?: boolean;
  warnDuplicateDocNumber?: boolean;
  usingSalesTax?: boolean;
  allowDiscount?: boolean;
  allowShipping?: boolean;
  /** Names of the custom fields that are turned on for sales forms, at most three. */
  customFields?: string[];
  /** Last day of the closed books, null for open books. */
  bookCloseDate?: string | null;
  exchangeRates?: Record<string, string>;
  docNumberScope?: CompanySettings['docNumberScope'];
  closedPeriodCode?: CompanySettings['closedPeriodCode'];
  closedPeriodStatus?: number;
  companyStatus?: CompanySettings['companyStatus'];
}

/** A company as a shop's bookkeeper would have set it up: accounts, tax codes and the items that orders are written with. */
export function openBooks(options: CompanyOptions, now: () => number): Books {
  const books = new Books(emptySettings(), now);
  const home = options.homeCurrency ?? (options.taxMode === 'global' ? 'GBP' : 'USD');
  store(books, 'Preferences', '1', preferences(home));
  for (const [name, type, subType, role] of accounts) {
    const id = books.nextId('Account');
    store(books, 'Account', id, {
      ...accountFields(name, type, subType),
      CurrencyRef: { value: home, name: currencyName(home) },
    });
    if (role !== undefined) books.settings.accounts[role] = id;
    if (type === 'Accounts Receivable') books.settings.receivables[home] = id;
  }
  configure(books, options);
  for (const [name, account, type] of items)
    createEntity(
      books,
      'Item',
      {
        Name: name,
        Type: type,
        IncomeAccountRef: { value: accountByName(books, account) },
      },
      { kind: 'person' },
    );
  for (const name of ['Cash', 'Check', 'Credit Card', 'Gift Card', 'Shopify Payments', 'PayPal'])
    createEntity(books, 'PaymentMethod', { Name: name }, { kind: 'person' });
  for (const [name, days] of [
    ['Due on receipt', 0],
    ['Net 15', 15],
    ['Net 30', 30],
  ] as const)
    createEntity(books, 'Term', { Name: name, Type: 'STANDARD', DueDays: days }, { kind: 'person' });
  store(books, 'CompanyInfo', '1', {
    CompanyName: books.settings.name,
    LegalName: books.settings.name,
    Country: books.settings.country,
    FiscalYearStartMonth: 'January',
    SupportedLanguages: 'en',
    CompanyStartDate: '2020-01-01',
    NameValue: [{ Name: 'OfferingSku', Value: 'QuickBooks Online Plus' }],
  });
  books.startSequence('docNumber', 1000);
  return books;
}

/** Changes company and preferences the way an administrator does on the settings pages. */
export function configure(books: Books, options: CompanyOptions): void {
  const settings = books.settings;
  if (options.name !== undefined) settings.name = options.name;
  if (options.taxMode !== undefined) settings.taxMode = options.taxMode;
  settings.country = settings.taxMode === 'us' ? 'US' : 'GB';
  if (options.exchangeRates !== undefined)
    settings.exchangeRates = { ...settings.exchangeRates, ...options.exchangeRates };
  if (options.docNumberScope !== undefined) settings.docNumberScope = options.docNumberScope;
  if (options.closedPeriodCode !== undefined) settings.closedPeriodCode = options.closedPeriodCode;
  if (options.closedPeriodStatus !== undefined) settings.closedPeriodStatus = options.closedPeriodStatus;
  if (options.companyStatus !== undefined) settings.companyStatus = options.companyStatus;

  const before = books.preferences;
  const next: Preferences = structuredClone(before);
  const forms = next.SalesFormsPrefs;
  forms.DefaultDiscountAccount = settings.accounts.discounts;
  forms.DefaultShippingAccount = settings.accounts.shippingIncome;
  if (options.customTxnNumbers !== undefined) forms.CustomTxnNumbers = options.customTxnNumbers;
  if (options.allowDiscount !== undefined) forms.AllowDiscount = options.allowDiscount;
  if (options.allowShipping !== undefined) forms.AllowShipping = options.allowShipping;
  if (options.customFields !== undefined) forms.CustomField = customFieldSwitches(options.customFields);
  if (options.usingSalesTax !== undefined) next.TaxPrefs.UsingSalesTax = options.usingSalesTax;
  if (options.multiCurrency !== undefined) next.CurrencyPrefs.MultiCurrencyEnabled = options.multiCurrency;
  if (options.bookCloseDate === null) delete next.AccountingInfoPrefs.BookCloseDate;
  else if (options.bookCloseDate !== undefined)
    next.AccountingInfoPrefs.BookCloseDate = options.bookCloseDate;
  if (options.warnDuplicateDocNumber !== undefined)
    next.OtherPrefs.NameValue = [
      { Name: 'WarnDuplicateDocNumber', Value: String(options.warnDuplicateDocNumber) },
    ];
  seedTaxes(books);
  if (JSON.stringify(next) === JSON.stringify(before)) return;
  books.save(
    'Preferences',
    {
      ...next,
      SyncToken: String(Number(before.SyncToken) + 1),
      MetaData: { ...before.MetaData, LastUpdatedTime: books.stamp() },
    },
    'Update',
  );
}

/** A tax code with its rates, as the tax service makes one: each rate owes to a payable account of its own. */
export function addTaxCode(
  books: Books,
  name: string,
  rates: readonly { name?: string; percent: number; agencyId: string; rateId?: string }[],
): { codeId: string; rateIds: string[] } {
  const rateIds = rates.map((rate) => rate.rateId ?? addTaxRate(books, rate.name ?? name, rate));
  const codeId = nextTaxCodeId(books);
  store(books, 'TaxCode', codeId, {
    Name: name,
    Description: name,
    Active: true,
    Hidden: false,
    Taxable: rates.length > 0,
    TaxGroup: true,
    SalesTaxRateList: {
      TaxRateDetail: rateIds.map((id, order) => ({
        TaxRateRef: { value: id },
        TaxTypeApplicable: 'TaxOnAmount',
        TaxOrder: order,
      })),
    },
    PurchaseTaxRateList: { TaxRateDetail: [] },
  });
  return { codeId, rateIds };
}

function addTaxRate(books: Books, name: string, rate: { percent: number; agencyId: string }): string {
  const id = books.nextId('TaxRate');
  store(books, 'TaxRate', id, {
    Name: name,
    Description: name,
    Active: true,
    RateValue: rate.percent,
    AgencyRef: { value: rate.agencyId },
    SpecialTaxType: rate.percent === 0 ? 'ZERO_RATE' : 'NONE',
    DisplayType: 'ReadOnly',
  });
  const account = books.nextId('Account');
  store(books, 'Account', account, {
    ...accountFields(`${name} Payable ${id}`, 'Other Current Liability', 'SalesTaxPayable'),
    CurrencyRef: books.preferences.CurrencyPrefs.HomeCurrency,
  });
  books.settings.taxPayables[id] = account;
  return id;
}

function seedTaxes(books: Books): void {
  const marker = books.settings.taxMode === 'us' ? 'California' : '20.0% S';
  if ((books.of('TaxCode').where('Name', marker) ?? []).length > 0) return;
  if (books.settings.taxMode === 'global') {
    const agency = addAgency(books, 'HM Revenue & Customs (VAT)');
    for (const [name, percent] of [
      ['20.0% S', 20],
      ['5.0% R', 5],
      ['0.0% Z', 0],
    ] as const)
      addTaxCode(books, name, [{ percent, agencyId: agency }]);
    addTaxCode(books, 'Exempt', [{ percent: 0, agencyId: agency }]);
    addTaxCode(books, 'No VAT', []);
    return;
  }
  for (const [id, description] of [
    ['TAX', 'Taxable'],
    ['NON', 'Nontaxable'],
  ] as const)
    store(books, 'TaxCode', id, {
      Name: id,
      Description: description,
      Active: true,
      Hidden: false,
      Taxable: id === 'TAX',
      TaxGroup: false,
    });
  const california = addAgency(books, 'California Department of Tax and Fee Administration');
  const newYork = addAgency(books, 'New York State Department of Taxation and Finance');
  const channel = addAgency(books, 'Sales channels');
  const { rateIds } = addTaxCode(books, 'California', [{ percent: 7.25, agencyId: california }]);
  addTaxCode(books, 'New York City', [{ percent: 8.875, agencyId: newYork }]);
  addTaxCode(books, 'Channel tax', [{ percent: 0, agencyId: channel }]);
  addTaxCode(books, 'Santa Monica', [
    { percent: 7.25, agencyId: california, ...(rateIds[0] === undefined ? {} : { rateId: rateIds[0] }) },
    { name: 'Santa Monica district', percent: 3, agencyId: california },
  ]);
}

function addAgency(books: Books, name: string): string {
  return createEntity(books, 'TaxAgency', { DisplayName: name }, { kind: 'person' }).Id;
}

/** Codes that tell apart states start at 2, after the two that only say whether a line is taxed. */
function nextTaxCodeId(books: Books): string {
  const id = books.nextId('TaxCode');
  return books.settings.taxMode === 'us' && id === '1' ? books.nextId('TaxCode') : id;
}

function accountByName(books: Books, name: string): string {
  const id = books.of('Account').where('Name', name)?.[0]?.Id;
  if (id === undefined) throw new Error(`no account ${name}`);
  return id;
}

function store(books: Books, type: EntityType, id: string, fields: Record<string, unknown>): void {
  const stamp = books.stamp();
  books.save(
    type,
    {
      ...fields,
      Id: id,
      SyncToken: '0',
      domain: 'QBO',
      sparse: false,
      MetaData: { CreateTime: stamp, LastUpdatedTime: stamp },
    },
    'Create',
  );
}

function emptySettings(): CompanySettings {
  return {
    name: 'Harbour & Pine Outfitters',
    country: 'US',
    taxMode: 'us',
    exchangeRates: { USD: '1', EUR: '1.08', GBP: '1.27', CAD: '0.73', AUD: '0.65', JPY: '0.0067' },
    docNumberScope: 'type',
    closedPeriodCode: '6210',
    closedPeriodStatus: 400,
    companyStatus: 'active',
    accounts: {
      undepositedFunds: '',
      salesTaxPayable: '',
      discounts: '',
      shippingIncome: '',
      openingBalanceEquity: '',
      salesIncome: '',
    },
    receivables: {},
    taxPayables: {},
  };
}

/** As QuickBooks tells them: switches and names, apart. */
function customFieldSwitches(names: readonly string[]): unknown[] {
  const places = ['1', '2', '3'];
  return [
    {
      CustomField: places.map((place, index) => ({
        Name: `SalesFormsPrefs.UseSalesCustom${place}`,
        Type: 'BooleanType',
        BooleanValue: names[index] !== undefined,
      })),
    },
    {
      CustomField: places.flatMap((place, index) =>
        names[index] === undefined
          ? []
          : [
              {
                Name: `SalesFormsPrefs.SalesCustomName${place}`,
                Type: 'StringType',
                StringValue: names[index],
              },
            ],
      ),
    },
  ];
}

function preferences(home: string): Record<string, unknown> {
  return {
    AccountingInfoPrefs: {
      UseAccountNumbers: false,
      TrackDepartments: true,
      ClassTrackingPerTxn: false,
      ClassTrackingPerTxnLine: true,
      FirstMonthOfFiscalYear: 'January',
      TaxYearMonth: 'January',
      CustomerTerminology: 'Customers',
    },
    ProductAndServicesPrefs: {
      ForSales: true,
      ForPurchase: true,
      QuantityWithPriceAndRate: true,
      QuantityOnHand: true,
    },
    SalesFormsPrefs: {
      CustomTxnNumbers: true,
      AllowDeposit: true,
      AllowDiscount: true,
      DefaultDiscountAccount: '',
      AllowEstimates: true,
      AllowServiceDate: false,
      AllowShipping: true,
      DefaultShippingAccount: '',
      AutoApplyCredit: false,
    },
    TaxPrefs: { UsingSalesTax: true, PartnerTaxEnabled: false },
    CurrencyPrefs: {
      MultiCurrencyEnabled: false,
      HomeCurrency: { value: home, name: currencyName(home) },
    },
    ReportPrefs: { ReportBasis: 'Accrual' },
    OtherPrefs: { NameValue: [{ Name: 'WarnDuplicateDocNumber', Value: 'true' }] },
  };
}

const accounts: readonly (readonly [string, string, string, AccountRole?])[] = [
  ['Checking', 'Bank', 'Checking'],
  ['Undeposited Funds', 'Other Current Asset', 'UndepositedFunds', 'undepositedFunds'],
  ['Shopify Clearing', 'Other Current Asset', 'OtherCurrentAssets'],
  ['Amazon Clearing', 'Other Current Asset', 'OtherCurrentAssets'],
  ['PayPal Clearing', 'Other Current Asset', 'OtherCurrentAssets'],
  ['Cash Register', 'Bank', 'CashOnHand'],
  ['Accounts Receivable (A/R)', 'Accounts Receivable', 'AccountsReceivable'],
  ['Inventory Asset', 'Other Current Asset', 'Inventory'],
  ['Accounts Payable (A/P)', 'Accounts Payable', 'AccountsPayable'],
  ['Sales Tax Payable', 'Other Current Liability', 'SalesTaxPayable', 'salesTaxPayable'],
  ['Gift Card Liability', 'Other Current Liability', 'OtherCurrentLiabilities'],
  ['Tips Payable', 'Other Current Liability', 'OtherCurrentLiabilities'],
  ['Opening Balance Equity', 'Equity', 'OpeningBalanceEquity', 'openingBalanceEquity'],
  ['Retained Earnings', 'Equity', 'RetainedEarnings'],
  ['Sales of Product Income', 'Income', 'SalesOfProductIncome', 'salesIncome'],
  ['Shipping Income', 'Income', 'OtherPrimaryIncome', 'shippingIncome'],
  ['Discounts Given', 'Income', 'DiscountsRefundsGiven', 'discounts'],
  ['Refund Adjustments', 'Income', 'DiscountsRefundsGiven'],
  ['Cost of Goods Sold', 'Cost of Goods Sold', 'SuppliesMaterialsCogs'],
  ['Duties', 'Cost of Goods Sold', 'OtherCostsOfServiceCos'],
  ['Merchant Fees', 'Expense', 'BankCharges'],
  ['Rounding', 'Other Expense', 'OtherMiscellaneousExpense'],
];

const items: readonly (readonly [string, string, string])[] = [
  ['Sales', 'Sales of Product Income', 'NonInventory'],
  ['Shipping', 'Shipping Income', 'Service'],
  ['Discounts', 'Discounts Given', 'Service'],
  ['Tips', 'Tips Payable', 'Service'],
  ['Gift Card', 'Gift Card Liability', 'Service'],
  ['Duties', 'Duties', 'Service'],
  ['Refund Adjustments', 'Refund Adjustments', 'Service'],
  ['Rounding', 'Rounding', 'Service'],
];
