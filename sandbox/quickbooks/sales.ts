import type { Books } from './books.ts';
import {
  allocate,
  type Decimal,
  decimalText,
  divideRounded,
  minorNumber,
  minorText,
  multiply,
  negate,
  parseDecimal,
  toMinor,
} from './decimal.ts';
import type {
  Account,
  Entity,
  Item,
  Line,
  Ref,
  SalesItemLineDetail,
  SalesType,
  TransactionDraft,
} from './entities.ts';
import { entryOf, type LedgerEntry, type NewLedgerLine, type StockMove } from './ledger.ts';
import {
  beforeInventoryStart,
  business,
  missingParameter,
  noDiscount,
  unsupportedOperation,
  wrongAmount,
} from './qbo-fault.ts';
import { type TaxableLine, type TaxResult, taxElsewhere, taxInUnitedStates } from './tax.ts';
import {
  applyCommon,
  currencyFacts,
  depositAccount,
  type Prepared,
  receivable,
  type SaveContext,
} from './transaction.ts';

/** What comes in, goes out: receipts and invoices earn, credit memos and refund receipts give back. */
const giving: Readonly<Record<SalesType, boolean>> = {
  SalesReceipt: false,
  Invoice: false,
  CreditMemo: true,
  RefundReceipt: true,
};
const onAccount: Readonly<Record<SalesType, boolean>> = {
  SalesReceipt: false,
  Invoice: true,
  CreditMemo: true,
  RefundReceipt: false,
};

interface SoldLine {
  line: Line;
  detail: SalesItemLineDetail;
  item: Item | null;
  account: Account;
  amountMinor: bigint;
  quantity: Decimal | null;
}

/** Validates a sales form, works out its sums as the server does, and says what it posts. */
export function prepareSale(
  books: Books,
  type: SalesType,
  draft: TransactionDraft,
  context: SaveContext,
): Prepared {
  if (draft.CustomerRef === undefined && onAccount[type]) throw missingParameter('CustomerRef');
  const customer =
    draft.CustomerRef === undefined ? null : books.resolve('Customer', draft.CustomerRef, 'CustomerRef');
  const money = currencyFacts(books, draft, customer);
  const date = draft.TxnDate ?? books.today();
  if (type === 'RefundReceipt' && draft.DepositToAccountRef === undefined)
    throw missingParameter('DepositToAccountRef');
  if (draft.Line === undefined || draft.Line.length === 0) throw missingParameter('Line');

  const mode = books.settings.taxMode === 'us' ? null : (draft.GlobalTaxCalculation ?? 'TaxExcluded');
  const inclusive = mode === 'TaxInclusive';
  const sold = soldLines(books, draft.Line, date, inclusive);
  const subtotal = sold.reduce((sum, one) => sum + one.amountMinor, 0n);
  const discount = discountOf(books, draft.Line, subtotal);
  const tax = taxOf(books, draft, context, sold, mode, discount?.amountMinor ?? 0n);
  const totalMinor = subtotal - (discount?.amountMinor ?? 0n) + (inclusive ? 0n : tax.totalMinor);
  if (totalMinor < 0n) throw business('The total of a transaction must not be negative.', 'TotalAmt');

  const lines = writtenLines(sold, draft.Line, tax, inclusive, discount);
  const settled = [...(books.applied.get(`${type}:${context.id}`)?.values() ?? [])].reduce(
    (a, b) => a + b,
    0n,
  );
  const balanceMinor = onAccount[type] ? totalMinor - settled : 0n;
  if (balanceMinor < 0n)
    throw business(
      `Payments of ${minorText(settled)} are applied, which is more than the new total.`,
      'TotalAmt',
    );

  const entity = applyCommon(books, type, draft, context, { customer, money, date });
  entity.Line = lines;
  entity.TotalAmt = minorNumber(totalMinor);
  if (money.multi) entity.HomeTotalAmt = minorNumber(money.toHome(totalMinor));
  if (tax.detail === null) delete entity.TxnTaxDetail;
  else entity.TxnTaxDetail = tax.detail;
  if (mode !== null) entity.GlobalTaxCalculation = mode;
  else delete entity.GlobalTaxCalculation;
  const fields = customFieldsOf(books, draft.CustomField);
  if (fields.length === 0) delete entity.CustomField;
  else entity.CustomField = fields;
  entity.ApplyTaxAfterDiscount = draft.ApplyTaxAfterDiscount ?? false;
  entity.PrintStatus ??= 'NeedToPrint';
  entity.EmailStatus ??= 'NotSet';
  entity.Balance = minorNumber(balanceMinor);
  if (type === 'CreditMemo') entity.RemainingCredit = minorNumber(balanceMinor);
  if (type === 'Invoice') entity.DueDate ??= date;

  const control: NewLedgerLine = onAccount[type]
    ? {
        account: receivable(books, money.currency),
        amountMinor: totalMinor,
        ...(customer ? { customer: customer.Id } : {}),
      }
    : { account: settle(books, draft, money.currency, entity), amountMinor: totalMinor };
  const entry = posting(books, type, context.id, date, money, control, sold, tax, discount);
  return { entity, entry };
}

interface CustomField {
  DefinitionId?: string;
  Name?: string;
  StringValue?: string;
}

/** Every field that is turned on, with its value where there is one; values of others are dropped without a word. */
function customFieldsOf(books: Books, given: unknown): Record<string, unknown>[] {
  const told = (given ?? []) as CustomField[];
  const switches = (
    (books.preferences.SalesFormsPrefs.CustomField ?? []) as { CustomField?: CustomField[] }[]
  ).flatMap((one) => one.CustomField ?? []);
  return ['1', '2', '3'].flatMap((id) => {
    const name = switches.find((one) => one.Name === `SalesFormsPrefs.SalesCustomName${id}`)?.StringValue;
    if (name === undefined) return [];
    const value = told.find((one) => one.DefinitionId === id)?.StringValue ?? '';
    return [
      { DefinitionId: id, Name: name, Type: 'StringType', ...(value === '' ? {} : { StringValue: value }) },
    ];
  });
}

/** Money at hand goes to the account that was named, else to undeposited funds. */
function settle(books: Books, draft: TransactionDraft, currency: string, entity: Entity): string {
  const account = depositAccount(books, draft.DepositToAccountRef, currency);
  entity.DepositToAccountRef = { value: account.Id, name: account.Name };
  return account.Id;
}

function soldLines(books: Books, lines: readonly Line[], date: string, inclusive: boolean): SoldLine[] {
  const sold: SoldLine[] = [];
  for (const line of lines) {
    switch (line.DetailType) {
      case 'SalesItemLineDetail':
        sold.push(soldLine(books, line, date, inclusive));
        break;
      case 'DiscountLineDetail':
      case 'SubTotalLineDetail':
      case 'DescriptionOnly':
        break;
      default:
        throw line.DetailType === undefined
          ? missingParameter('DetailType')
          : unsupportedOperation(line.DetailType);
    }
  }
  return sold;
}

function soldLine(books: Books, line: Line, date: string, inclusive: boolean): SoldLine {
  const detail = line.SalesItemLineDetail;
  if (detail === undefined) throw missingParameter('SalesItemLineDetail');
  if (line.Amount === undefined) throw missingParameter('Line.Amount');
  const givenMinor = toMinor(line.Amount);
  // Where prices include tax, a line that comes back carries its net amount and its price beside it.
  const amountMinor =
    inclusive && detail.TaxInclusiveAmt !== undefined ? toMinor(detail.TaxInclusiveAmt) : givenMinor;
  const quantity = detail.Qty === undefined ? null : parseDecimal(detail.Qty);
  if (quantity !== null && detail.UnitPrice !== undefined) {
    const expected = toMinor(multiply(quantity, parseDecimal(detail.UnitPrice)));
    if (expected !== givenMinor) throw wrongAmount(minorText(givenMinor));
  }
  const shipping = detail.ItemRef?.value === 'SHIPPING_ITEM_ID';
  if (shipping && !books.preferences.SalesFormsPrefs.AllowShipping)
    throw business('Shipping is turned off for this company.', 'ItemRef');
  if (shipping) {
    const account = books.resolve<Account>(
      'Account',
      { value: books.preferences.SalesFormsPrefs.DefaultShippingAccount },
      'DefaultShippingAccount',
    );
    return { line, detail, item: null, account, amountMinor, quantity: null };
  }
  const item = itemOf(books, detail.ItemRef);
  if (item.Type === 'Category') throw business(`${item.Name} is a category and cannot be sold.`, 'ItemRef');
  if (item.Type === 'Inventory' && item.InvStartDate !== undefined && date < item.InvStartDate)
    throw beforeInventoryStart(item.Name);
  const account = books.resolve<Account>(
    'Account',
    item.IncomeAccountRef ?? { value: books.settings.accounts.salesIncome },
    'IncomeAccountRef',
  );
  if (detail.ClassRef !== undefined) books.resolve('Class', detail.ClassRef, 'ClassRef');
  return { line, detail, item, account, amountMinor, quantity };
}

/** A line that names no item sells the company's first one, as the platform does. */
function itemOf(books: Books, ref: Ref | undefined): Item {
  if (ref !== undefined) return books.resolve<Item>('Item', ref, 'ItemRef');
  return books.resolve<Item>('Item', { value: '1' }, 'ItemRef');
}

interface Discount {
  line: Line;
  amountMinor: bigint;
  account: Account;
}

function discountOf(books: Books, lines: readonly Line[], subtotal: bigint): Discount | null {
  const discounts = lines.filter((line) => line.DetailType === 'DiscountLineDetail');
  const [line] = discounts;
  if (line === undefined) return null;
  if (discounts.length > 1) throw business('A transaction can have one discount line.', 'DiscountLineDetail');
  if (!books.preferences.SalesFormsPrefs.AllowDiscount)
    throw business('Discounts are turned off for this company.', 'DiscountLineDetail');
  const detail = line.DiscountLineDetail;
  const percent = detail?.PercentBased === true ? detail.DiscountPercent : undefined;
  if (percent === undefined && line.Amount === undefined) throw noDiscount();
  const share = percent === undefined ? null : parseDecimal(percent);
  const amountMinor =
    share === null
      ? toMinor(line.Amount ?? 0)
      : toMinor({ units: subtotal * share.units, scale: 2 + share.scale + 2 });
  const account = books.resolve<Account>(
    'Account',
    detail?.DiscountAccountRef ?? { value: books.preferences.SalesFormsPrefs.DefaultDiscountAccount },
    'DiscountAccountRef',
  );
  return { line, amountMinor, account };
}

function taxOf(
  books: Books,
  draft: TransactionDraft,
  context: SaveContext,
  sold: readonly SoldLine[],
  mode: 'TaxExcluded' | 'TaxInclusive' | 'NotApplicable' | null,
  discountMinor: bigint,
): TaxResult {
  const afterDiscount = draft.ApplyTaxAfterDiscount === true || mode === 'TaxInclusive';
  const amounts = sold.map((one) => one.amountMinor);
  const shares = afterDiscount ? allocate(discountMinor, amounts) : amounts.map(() => 0n);
  const lines: TaxableLine[] = sold.map((one, index) => ({
    amountMinor: one.amountMinor,
    taxedMinor: one.amountMinor - (shares[index] ?? 0n),
    taxCode: one.detail.TaxCodeRef?.value ?? (mode === null ? 'NON' : null),
  }));
  // A sparse update that changes lines without a word about tax keeps the code and has the sum worked out again.
  const stale = context.given.has('Line') && !context.given.has('TxnTaxDetail') && context.previous !== null;
  const code = draft.TxnTaxDetail?.TxnTaxCodeRef;
  const given = stale ? (code === undefined ? undefined : { TxnTaxCodeRef: code }) : draft.TxnTaxDetail;
  return mode === null ? taxInUnitedStates(books, lines, given) : taxElsewhere(books, lines, mode, given);
}

/** The lines as they are kept and answered: numbered, net of tax, names filled in, with a subtotal. */
function writtenLines(
  sold: readonly SoldLine[],
  given: readonly Line[],
  tax: TaxResult,
  inclusive: boolean,
  discount: Discount | null,
): Line[] {
  const written: Line[] = [];
  const used = new Set(given.flatMap((line) => line.Id ?? []));
  let nextId = 1;
  const number = (line: Line): Line => {
    let id = line.Id;
    while (id === undefined) {
      const candidate = String(nextId++);
      if (!used.has(candidate)) id = candidate;
    }
    return { ...line, Id: id, LineNum: written.length + 1 };
  };
  let index = 0;
  for (const line of given) {
    if (line.DetailType === 'DescriptionOnly') {
      written.push(number({ ...line, DescriptionLineDetail: line.DescriptionLineDetail ?? {} }));
      continue;
    }
    if (line.DetailType !== 'SalesItemLineDetail') continue;
    const one = sold[index];
    const netMinor = tax.netMinor[index] ?? 0n;
    index += 1;
    if (one === undefined) continue;
    written.push(number({ ...line, Amount: minorNumber(netMinor), SalesItemLineDetail: writtenDetail(one) }));
    const kept = written.at(-1)?.SalesItemLineDetail;
    if (inclusive && kept !== undefined) {
      kept.TaxInclusiveAmt = minorNumber(one.amountMinor);
      if (kept.UnitPrice !== undefined && one.quantity !== null && one.quantity.units !== 0n)
        kept.UnitPrice = unitPrice(netMinor, one.quantity);
    }
  }
  const netSubtotal = tax.netMinor.reduce((a, b) => a + b, 0n);
  written.push({
    Amount: minorNumber(netSubtotal),
    DetailType: 'SubTotalLineDetail',
    SubTotalLineDetail: {},
  });
  if (discount !== null)
    written.push({
      ...discount.line,
      Amount: minorNumber(discount.amountMinor),
      DiscountLineDetail: {
        PercentBased: false,
        ...discount.line.DiscountLineDetail,
        DiscountAccountRef: { value: discount.account.Id, name: discount.account.Name },
      },
    });
  return written;
}

/** The price without tax that the quantity multiplies back to the amount, in the seven places the platform keeps. */
function unitPrice(netMinor: bigint, quantity: Decimal): number {
  const units = divideRounded(netMinor * 10n ** BigInt(5 + quantity.scale), quantity.units);
  return Number(decimalText({ units, scale: 7 }));
}

function writtenDetail(one: SoldLine): SalesItemLineDetail {
  return {
    ...one.detail,
    ItemRef:
      one.item === null
        ? { value: 'SHIPPING_ITEM_ID' }
        : { value: one.item.Id, name: one.item.FullyQualifiedName },
    ...(one.item === null ? {} : { ItemAccountRef: { value: one.account.Id, name: one.account.Name } }),
    TaxCodeRef: { value: one.detail.TaxCodeRef?.value ?? 'NON' },
  };
}

function posting(
  books: Books,
  type: SalesType,
  id: string,
  date: string,
  money: { currency: string; rate: Decimal },
  control: NewLedgerLine,
  sold: readonly SoldLine[],
  tax: TaxResult,
  discount: Discount | null,
): LedgerEntry {
  const sign = giving[type] ? -1n : 1n;
  const lines: NewLedgerLine[] = [{ ...control, amountMinor: sign * control.amountMinor }];
  const stock: StockMove[] = [];
  let earned = 0n;
  for (const [index, one] of sold.entries()) {
    const netMinor = tax.netMinor[index] ?? 0n;
    earned += netMinor;
    lines.push({ account: one.account.Id, amountMinor: -sign * netMinor });
    if (one.item?.Type !== 'Inventory' || one.quantity === null) continue;
    stock.push({ item: one.item.Id, quantity: sign === 1n ? negate(one.quantity) : one.quantity });
    const cost = toMinor(multiply(one.quantity, parseDecimal(one.item.PurchaseCost ?? 0)));
    lines.push(...costLines(one.item, sign * cost, money.rate));
  }
  // What the total lacks of earnings and tax is the discount without the tax that it saved.
  const discountMinor = earned + tax.totalMinor - control.amountMinor;
  if (discountMinor !== 0n)
    lines.push({
      account: discount?.account.Id ?? books.settings.accounts.discounts,
      amountMinor: sign * discountMinor,
    });
  for (const share of tax.shares)
    lines.push({
      account: books.settings.taxPayables[share.rate.Id] ?? books.settings.accounts.salesTaxPayable,
      amountMinor: -sign * share.taxMinor,
      taxRate: share.rate.Id,
    });
  return entryOf({ type, id, date, ...money }, lines, stock);
}

/** Goods that leave stock turn from an asset into a cost, and back when they return. Costs are kept in home currency. */
function costLines(item: Item, homeMinor: bigint, rate: Decimal): NewLedgerLine[] {
  if (item.ExpenseAccountRef === undefined || item.AssetAccountRef === undefined) return [];
  const amountMinor = divideRounded(homeMinor * 10n ** BigInt(rate.scale), rate.units);
  return [
    { account: item.ExpenseAccountRef.value, amountMinor, homeMinor, memo: 'cost of goods sold' },
    { account: item.AssetAccountRef.value, amountMinor: -amountMinor, homeMinor: -homeMinor, memo: 'stock' },
  ];
}
