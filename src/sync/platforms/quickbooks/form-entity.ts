import { AppError } from '../../../errors.ts';
import { currencyExponent, formatMinor, parseMinor } from '../../../model/money.ts';
import type { Company } from './company.ts';
import { type FormBody, type FormLine, noteWithMark } from './form-body.ts';
import { planTax } from './form-tax.ts';
import type { QuickBooksSettings, Role } from './settings.ts';

/** Which records of the books a document refers to. */
export interface References {
  customerId: string;
  /** Item per line, by position; for the lines that a tax plan may add, by role. */
  itemIds: readonly string[];
  roleItem(role: Role): string;
  depositAccountId: string | null;
  classId: string | null;
  locationId: string | null;
}

/** Roles whose items a document needs besides its products. */
export function rolesOf(body: FormBody, company: Company, settings: QuickBooksSettings): Set<Role> {
  const roles = new Set(body.lines.flatMap((line) => (line.product === null ? [line.kind] : [])));
  if (planTax(body, company, settings).asLine.length > 0) roles.add('otherTax');
  return roles;
}

/** The document in QuickBooks's form. Its lines and taxes add up to its total, or it is not sent. */
export function formEntity(
  body: FormBody,
  references: References,
  company: Company,
  settings: QuickBooksSettings,
): Record<string, unknown> {
  const { currency } = body;
  const minor = (amount: string): bigint => parseMinor(amount, currency);
  const tax = planTax(body, company, settings);
  const isInclusive = tax.calculation === 'TaxInclusive';
  const lines = body.lines.map((line, index) =>
    salesLine(
      line,
      references.itemIds[index] ?? '',
      tax.codeOf(line.taxes),
      currency,
      isInclusive,
      references,
    ),
  );
  for (const one of tax.asLine)
    lines.push(
      salesLine(
        {
          kind: 'otherTax',
          product: null,
          description: one.title,
          quantity: 1,
          net: one.amount,
          tax: '0',
          taxes: [],
        },
        references.roleItem('otherTax'),
        tax.codeOf([]),
        currency,
        isInclusive,
        references,
      ),
    );

  const asLineMinor = tax.asLine.reduce((all, one) => all + minor(one.amount), 0n);
  const netMinor = body.lines.reduce((all, line) => all + minor(line.net), 0n) + asLineMinor;
  if (netMinor + tax.totalMinor !== minor(body.total))
    throw new AppError({
      code: 'DOCUMENT_DOES_NOT_ADD_UP',
      retryable: false,
      publicMessage: `Lines and taxes of ${body.docNumber} come to ${formatMinor(netMinor + tax.totalMinor, currency)}, not to ${body.total} ${currency}.`,
      remedy: 'Look at the taxes of this order and their codes in QuickBooks, then retry.',
    });

  const { date, moved } = postingDate(body, company, settings);
  return {
    // A company that numbers its forms itself is sent none: Intuit warns of numbers given twice.
    ...(company.takesDocNumbers ? { DocNumber: body.docNumber } : {}),
    TxnDate: date,
    PrivateNote: noteWithMark(
      moved
        ? {
            ...body,
            note: `${body.note}\n${happened[body.type]} on ${body.date}, when the books were closed.`,
          }
        : body,
    ),
    CustomerRef: { value: references.customerId },
    ...currencyFields(currency, company, settings),
    ...(tax.calculation === null ? {} : { GlobalTaxCalculation: tax.calculation }),
    Line: lines,
    TxnTaxDetail: {
      ...(tax.code === null ? {} : { TxnTaxCodeRef: { value: tax.code } }),
      TotalTax: jsonAmount(tax.totalMinor, currency),
      ...(tax.shares === null || tax.shares.length === 0
        ? {}
        : {
            TaxLine: tax.shares.map((share) => ({
              Amount: jsonAmount(share.amountMinor, currency),
              DetailType: 'TaxLineDetail',
              TaxLineDetail: {
                TaxRateRef: { value: share.rateId },
                PercentBased: true,
                TaxPercent: Number(share.percentUnits) / 1_000_000,
                NetAmountTaxable: jsonAmount(share.baseMinor, currency),
              },
            })),
          }),
    },
    ...(references.depositAccountId === null
      ? {}
      : { DepositToAccountRef: { value: references.depositAccountId } }),
    ...(references.locationId === null ? {} : { DepartmentRef: { value: references.locationId } }),
  };
}

/** Currency and rate, where the company keeps several. */
export function currencyFields(
  currency: string,
  company: Company,
  settings: QuickBooksSettings,
): Record<string, unknown> {
  const rate = currency === company.homeCurrency ? undefined : settings.exchangeRates[currency];
  return {
    ...(company.isMultiCurrency ? { CurrencyRef: { value: currency } } : {}),
    ...(rate === undefined ? {} : { ExchangeRate: Number(rate) }),
  };
}

/** What must hold before anything is written for this document. @throws AppError */
export function assertPostable(
  body: Pick<FormBody, 'difference' | 'currency' | 'docNumber' | 'date'>,
  company: Company,
  settings: QuickBooksSettings,
): void {
  const difference = parseMinor(body.difference, body.currency);
  if ((difference < 0n ? -difference : difference) > BigInt(settings.differenceLimitMinor))
    throw new AppError({
      code: 'ORDER_DOES_NOT_ADD_UP',
      retryable: false,
      publicMessage: `The parts of order ${body.docNumber} lack ${body.difference} ${body.currency} of its total.`,
      remedy:
        'Look at the order for charges that are no line, shipping, tax, duty or tip; allow the difference (setting differenceLimitMinor) or post it by hand.',
    });
  if (body.currency !== company.homeCurrency && !company.isMultiCurrency)
    throw new AppError({
      code: 'QUICKBOOKS_CURRENCY',
      retryable: false,
      publicMessage: `The order is in ${body.currency}; the books are in ${company.homeCurrency} and take no other currency.`,
      remedy: 'Turn on multicurrency in QuickBooks, then retry.',
    });
  if (settings.closedBooks === 'refuse' && postingDate(body, company, settings).moved)
    throw new AppError({
      code: 'QUICKBOOKS_BOOKS_CLOSED',
      retryable: false,
      publicMessage: `The books are closed until ${company.closedUntil}; the document is of ${body.date}.`,
      remedy: 'Reopen the period in QuickBooks or let closed dates move (setting closedBooks), then retry.',
    });
}

const happened: Readonly<Record<FormBody['type'], string>> = {
  SalesReceipt: 'Sold',
  Invoice: 'Sold',
  CreditMemo: 'Given back',
  RefundReceipt: 'Given back',
};

function salesLine(
  line: FormLine,
  itemId: string,
  taxCode: string | null,
  currency: string,
  isInclusive: boolean,
  { classId }: References,
): Record<string, unknown> {
  const netMinor = parseMinor(line.net, currency);
  const grossMinor = netMinor + parseMinor(line.tax, currency);
  return {
    DetailType: 'SalesItemLineDetail',
    Amount: jsonAmount(netMinor, currency),
    Description: line.description.slice(0, 4000).toWellFormed(),
    SalesItemLineDetail: {
      ItemRef: { value: itemId },
      Qty: line.quantity,
      UnitPrice: unitPrice(netMinor, line.quantity, currency),
      ...(taxCode === null ? {} : { TaxCodeRef: { value: taxCode } }),
      ...(classId === null ? {} : { ClassRef: { value: classId } }),
      ...(isInclusive ? { TaxInclusiveAmt: jsonAmount(grossMinor, currency) } : {}),
    },
  };
}

const unitPriceDecimals = 7;

/** A price per piece that multiplies back to the amount: QuickBooks checks it, and takes seven decimals. */
function unitPrice(amountMinor: bigint, quantity: number, currency: string): number {
  const scale = BigInt(10 ** (unitPriceDecimals - currencyExponent(currency)));
  const isNegative = amountMinor < 0n;
  const units = (isNegative ? -amountMinor : amountMinor) * scale;
  const pieces = BigInt(quantity);
  const each = pieces === 0n ? units : (2n * units + pieces) / (2n * pieces);
  const digits = each.toString().padStart(unitPriceDecimals + 1, '0');
  const text = `${digits.slice(0, -unitPriceDecimals)}.${digits.slice(-unitPriceDecimals)}`;
  return Number(isNegative ? `-${text}` : text);
}

/** The day on which it happened, or the first day that is open. */
export function postingDate(
  body: Pick<FormBody, 'date'>,
  company: Company,
  settings: QuickBooksSettings,
): { date: string; moved: boolean } {
  const { closedUntil } = company;
  if (closedUntil === null || body.date > closedUntil) return { date: body.date, moved: false };
  if (settings.closedBooks === 'refuse') return { date: body.date, moved: true };
  const firstOpen = new Date(Date.parse(`${closedUntil}T00:00:00Z`) + 24 * 60 * 60 * 1000);
  return { date: firstOpen.toISOString().slice(0, 10), moved: true };
}

/** The JSON number of an amount, made from its text at the very edge. */
export function jsonAmount(amountMinor: bigint, currency: string): number {
  return Number(formatMinor(amountMinor, currency));
}
