import { parseMinor } from '../../../model/money.ts';
import type { BooksDocument } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { companyOf } from './company.ts';
import { toAppError } from './fault.ts';
import { amountText, type FormType, markIn } from './form-body.ts';

const types: readonly FormType[] = ['SalesReceipt', 'Invoice', 'CreditMemo', 'RefundReceipt'];
const pageSize = 500;

/** Sales and refunds of a day as QuickBooks has them now, those that people entered included. */
export async function documentsOn(session: QuickBooksSession, day: string): Promise<BooksDocument[]> {
  try {
    const { homeCurrency } = await companyOf(session);
    const found = await Promise.all(types.map((type) => all(session, type, day)));
    return types.flatMap((type, index) =>
      (found[index] ?? []).map((entity) => documentOf(type, entity, homeCurrency)),
    );
  } catch (error) {
    throw toAppError(error, 'reading the documents of a day');
  }
}

async function all(session: QuickBooksSession, type: FormType, day: string): Promise<Entity[]> {
  const entities: Entity[] = [];
  for (;;) {
    const page = await booksOf(session).query(
      type,
      `where TxnDate = ${quoted(day)} orderby Id startposition ${entities.length + 1} maxresults ${pageSize}`,
    );
    entities.push(...page);
    if (page.length < pageSize) return entities;
  }
}

function documentOf(type: FormType, entity: Entity, homeCurrency: string): BooksDocument {
  const currency = (entity.CurrencyRef as { value?: string } | undefined)?.value ?? homeCurrency;
  return {
    remoteType: type,
    remoteId: entity.Id,
    number: typeof entity.DocNumber === 'string' ? entity.DocNumber : null,
    currency,
    totalMinor: parseMinor(amountText(entity.TotalAmt, currency), currency),
    isSale: type === 'SalesReceipt' || type === 'Invoice',
    isOurs: markIn(entity) !== null,
  };
}
