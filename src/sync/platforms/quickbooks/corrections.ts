import { AppError } from '../../../errors.ts';
import { dayIn } from '../../../model/day.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { PushTask } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import type { Company } from './company.ts';
import { docNumberTaken, isFault } from './fault.ts';
import { amountText, type FormBody, type FormType, markIn, noteWithMark } from './form-body.ts';
import { jsonAmount } from './form-entity.ts';
import type { PostingTarget } from './forms.ts';
import { everyOne } from './numbered.ts';
import { readSettings } from './settings.ts';

/** What takes back what the other gives. */
const opposite: Readonly<Record<FormType, FormType>> = {
  SalesReceipt: 'RefundReceipt',
  RefundReceipt: 'SalesReceipt',
  Invoice: 'CreditMemo',
  CreditMemo: 'Invoice',
};

/**
 * A document whose day is closed (or whose money is at the bank) stays as it is. What it lacks of what is wanted is
 * posted beside it, on the first open day: of the same kind where there is more, of the opposite where there is less.
 */
export async function correct(given: {
  push: PushTask;
  session: QuickBooksSession;
  company: Company;
  body: FormBody;
  /** The document as it would be written now. */
  wanted: Record<string, unknown>;
  standingId: string;
  target: PostingTarget;
}): Promise<{ standing: Entity; detail: Record<string, unknown> }> {
  const { push, session, company, body, wanted, standingId, target } = given;
  const books = booksOf(session);
  const { currency, type } = body;
  const standing = await books.read(type, standingId);
  if (standing === null)
    throw new AppError({
      code: 'QUICKBOOKS_GONE',
      retryable: false,
      publicMessage: `The document ${body.docNumber} was deleted in QuickBooks.`,
      remedy: 'Post it anew (postingRepost) to have it written again, or leave it.',
    });
  const earlier = await earlierCorrections(session, company, body, standing);
  const own = earlier.find((one) => markIn(one.entity)?.mark === body.mark);
  if (own !== undefined) return { standing, detail: detailOf(own.type, own.entity, currency) };

  const lack = new Difference(currency);
  lack.add(wanted, 1n);
  lack.add(standing, -1n);
  for (const one of earlier) lack.add(one.entity, one.type === type ? -1n : 1n);
  if (lack.isNothing) return { standing, detail: { total: formatMinor(0n, currency) } };
  const isMore = lack.totalMinor >= 0n;
  const kind = isMore ? type : opposite[type];
  const sign = isMore ? 1n : -1n;
  const docNumber = `${body.docNumber.slice(-18)}-C${earlier.length + 1}`;
  const entity = {
    ...wanted,
    ...(company.takesDocNumbers ? { DocNumber: docNumber } : {}),
    TxnDate: firstOpenDay(session, company),
    PrivateNote: noteWithMark({
      ...body,
      note: `${body.note}\nCorrects ${body.docNumber} of ${String(standing.TxnDate)}, which is closed.`,
    }),
    Line: lack.lines(sign),
    TxnTaxDetail: lack.tax(wanted, sign),
    ...(wanted.GlobalTaxCalculation === undefined ? {} : { GlobalTaxCalculation: 'TaxExcluded' }),
    ...(kind === 'RefundReceipt' && wanted.DepositToAccountRef === undefined
      ? { DepositToAccountRef: standing.DepositToAccountRef }
      : {}),
  };
  if (kind === 'Invoice' || kind === 'CreditMemo')
    delete (entity as { DepositToAccountRef?: unknown }).DepositToAccountRef;
  const requestId = push.idempotencyKey;
  const created = await books.create(kind, entity, { requestId }).catch((error: unknown) => {
    if (!isFault(error, docNumberTaken)) throw error;
    return books.create(kind, entity, { requestId, allowDuplicateDocNumber: true });
  });
  await session.links.save({
    entityType: target.entityType,
    entityId: target.entityId,
    remoteType: `${kind} correction`,
    remoteId: created.Id,
    remoteVersion: created.SyncToken,
    state: detailOf(kind, created, currency),
  });
  return { standing, detail: detailOf(kind, created, currency) };
}

/** Corrections are numbered after their document, or are those of its mark since: as many as there are, in both kinds. */
async function earlierCorrections(
  session: QuickBooksSession,
  company: Company,
  body: FormBody,
  standing: Entity,
): Promise<{ type: FormType; entity: Entity }[]> {
  const base = body.docNumber.slice(-18);
  const numbers = Array.from({ length: 9 }, (_, index) => quoted(`${base}-C${index + 1}`)).join(', ');
  const types = [body.type, opposite[body.type]];
  const found = await Promise.all(
    types.map((type) =>
      company.takesDocNumbers
        ? booksOf(session).query(type, `where DocNumber in (${numbers}) maxresults 100`)
        : everyOne(session, type, `where TxnDate > ${quoted(String(standing.TxnDate))}`),
    ),
  );
  return types.flatMap((type, index) =>
    (found[index] ?? [])
      .filter((entity) => markIn(entity)?.source === body.source)
      .map((entity) => ({ type, entity })),
  );
}

function detailOf(type: FormType, entity: Entity, currency: string): Record<string, unknown> {
  return {
    type,
    docNumber: entity.DocNumber ?? null,
    total: amountText(entity.TotalAmt, currency),
    date: entity.TxnDate ?? null,
    currency,
  };
}

/** The day after the closing date, or today where the closing date lies behind it already. */
function firstOpenDay(session: QuickBooksSession, company: Company): string {
  const today = dayIn(readSettings(session.settings).timeZone, new Date(session.now()));
  if (company.closedUntil === null || today > company.closedUntil) return today;
  const next = new Date(Date.parse(`${company.closedUntil}T00:00:00Z`) + 24 * 60 * 60 * 1000);
  return next.toISOString().slice(0, 10);
}

interface DocumentLine {
  Amount?: number;
  DetailType?: string;
  SalesItemLineDetail?: { ItemRef?: { value: string }; TaxCodeRef?: { value: string } };
}

/** What one set of documents lacks of another, per item and tax code, and per tax rate. */
class Difference {
  readonly #currency: string;
  readonly #lines = new Map<string, { item: string; taxCode: string | null; amountMinor: bigint }>();
  readonly #taxes = new Map<string, { line: Record<string, unknown>; amountMinor: bigint }>();
  #taxMinor = 0n;

  constructor(currency: string) {
    this.#currency = currency;
  }

  add(entity: Readonly<Record<string, unknown>>, sign: bigint): void {
    for (const line of (entity.Line ?? []) as DocumentLine[]) {
      if (line.SalesItemLineDetail === undefined) continue;
      const item = line.SalesItemLineDetail.ItemRef?.value ?? '';
      const taxCode = line.SalesItemLineDetail.TaxCodeRef?.value ?? null;
      const key = `${item} ${taxCode ?? ''}`;
      const known = this.#lines.get(key) ?? { item, taxCode, amountMinor: 0n };
      known.amountMinor += sign * this.#minor(line.Amount);
      this.#lines.set(key, known);
    }
    const tax = entity.TxnTaxDetail as
      | { TotalTax?: number; TaxLine?: (Record<string, unknown> & { Amount?: number })[] }
      | undefined;
    this.#taxMinor += sign * this.#minor(tax?.TotalTax);
    for (const line of tax?.TaxLine ?? []) {
      const detail = line.TaxLineDetail as { TaxRateRef?: { value: string } } | undefined;
      const rate = detail?.TaxRateRef?.value ?? '';
      const known = this.#taxes.get(rate) ?? { line, amountMinor: 0n };
      known.amountMinor += sign * this.#minor(line.Amount);
      this.#taxes.set(rate, known);
    }
  }

  get totalMinor(): bigint {
    return [...this.#lines.values()].reduce((all, one) => all + one.amountMinor, 0n) + this.#taxMinor;
  }

  get isNothing(): boolean {
    return [...this.#lines.values(), ...this.#taxes.values()].every((one) => one.amountMinor === 0n);
  }

  lines(sign: bigint): Record<string, unknown>[] {
    const kept = [...this.#lines.values()].filter((one) => one.amountMinor !== 0n);
    const shown = kept.length > 0 ? kept : [...this.#lines.values()].slice(0, 1);
    return shown.map(({ item, taxCode, amountMinor }) => ({
      DetailType: 'SalesItemLineDetail',
      Amount: jsonAmount(sign * amountMinor, this.#currency),
      Description: 'Correction',
      SalesItemLineDetail: {
        ItemRef: { value: item },
        ...(taxCode === null ? {} : { TaxCodeRef: { value: taxCode } }),
      },
    }));
  }

  tax(wanted: Readonly<Record<string, unknown>>, sign: bigint): Record<string, unknown> {
    const given = wanted.TxnTaxDetail as { TxnTaxCodeRef?: unknown; TaxLine?: unknown } | undefined;
    const code = given?.TxnTaxCodeRef;
    const lines = [...this.#taxes.values()].map(({ line, amountMinor }) => ({
      ...line,
      Amount: jsonAmount(sign * amountMinor, this.#currency),
    }));
    return {
      ...(code === undefined ? {} : { TxnTaxCodeRef: code }),
      TotalTax: jsonAmount(sign * this.#taxMinor, this.#currency),
      // Where QuickBooks spreads the tax itself, it does so here too.
      ...(lines.length === 0 || given?.TaxLine === undefined ? {} : { TaxLine: lines }),
    };
  }

  #minor(amount: number | undefined): bigint {
    return parseMinor(String(amount ?? 0), this.#currency);
  }
}
