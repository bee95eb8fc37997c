import type { PlatformChange } from '../../../model/change.ts';
import { type Books, booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { readCompany } from './company.ts';
import { toAppError } from './fault.ts';
import type { FormType } from './form-body.ts';
import { customerChange, documentChange, documentRemoved } from './interpret.ts';

/** Change data capture reaches back this far, and ends at so many records. */
const capturedMs = 29 * 24 * 60 * 60 * 1000;
const capturedMax = 1000;
const pageSize = 500;

type Swept = 'Customer' | FormType;
const entities: readonly Swept[] = ['Customer', 'SalesReceipt', 'Invoice', 'CreditMemo', 'RefundReceipt'];

/** What changed since then, deletions included as far back as QuickBooks remembers them; or everything. */
export async function* sweep(
  session: QuickBooksSession,
  options: { since: Date | null },
): AsyncIterable<PlatformChange[]> {
  // What people set up anew tells nobody where its webhook is lost.
  await readCompany(session);
  const books = booksOf(session);
  const { since } = options;
  const captureFrom = new Date(Math.max(since?.getTime() ?? 0, session.now() - capturedMs));
  const isCovered = since !== null && since >= captureFrom;
  const observedAt = new Date(session.now());
  const groups = await translated(() => books.changesSince(entities, captureFrom));
  const isCutOff = groups.reduce((count, group) => count + group.records.length, 0) >= capturedMax;
  for (const { entity, records } of groups) {
    const removed = records.filter((one) => one.status === 'Deleted');
    yield changesOf(session, entity as Swept, removed, observedAt);
    if (isCovered && !isCutOff)
      yield changesOf(
        session,
        entity as Swept,
        records.filter((one) => one.status !== 'Deleted'),
        observedAt,
      );
  }
  if (isCovered && !isCutOff) return;
  for (const entity of entities) yield* everything(session, books, entity, since);
}

/** Page by page in the order of ids, so that changes meanwhile move nothing between pages. */
async function* everything(
  session: QuickBooksSession,
  books: Books,
  entity: Swept,
  since: Date | null,
): AsyncIterable<PlatformChange[]> {
  const conditions = [
    ...(since === null ? [] : [`MetaData.LastUpdatedTime >= ${quoted(since.toISOString())}`]),
    ...(entity === 'Customer' ? ['Active in (true, false)'] : []),
  ];
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')} `;
  for (let start = 1; ; start += pageSize) {
    const observedAt = new Date(session.now());
    const page = await translated(() =>
      books.query(entity, `${where}orderby Id startposition ${start} maxresults ${pageSize}`),
    );
    if (page.length > 0) yield changesOf(session, entity, page, observedAt);
    if (page.length < pageSize) return;
  }
}

function changesOf(
  session: QuickBooksSession,
  entity: Swept,
  records: readonly Entity[],
  observedAt: Date,
): PlatformChange[] {
  return records.flatMap((record): PlatformChange[] => {
    if (record.status === 'Deleted') {
      const at = record.MetaData?.LastUpdatedTime ?? observedAt.toISOString();
      return entity === 'Customer' ? [] : [documentRemoved(entity, { id: record.Id, at }, observedAt)];
    }
    if (entity !== 'Customer') return [documentChange(entity, record, observedAt)];
    const change = customerChange(session, record, observedAt);
    return change === null ? [] : [change];
  });
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toAppError(error, 'reading what changed');
  }
}
