import { AppError } from '../../../errors.ts';
import type { LinkFacts, PushOutcome } from '../platform.ts';
import { booksOf, type DocumentName, type Entity, type QuickBooksSession } from './client.ts';
import { isFault, staleObject } from './fault.ts';
import { contentHash, formState } from './form-body.ts';

/** QuickBooks voids some kinds; the others can only be deleted. */
const voidable: readonly string[] = ['SalesReceipt', 'Invoice', 'RefundReceipt', 'Payment'];

/** Takes a document back: it stays with its number and nothing in it, or goes where its kind knows no such thing. */
export async function voidDocument(
  session: QuickBooksSession,
  link: LinkFacts | undefined,
  docNumber: string,
): Promise<PushOutcome> {
  if (link === undefined)
    throw new AppError({
      code: 'NOTHING_POSTED',
      retryable: false,
      publicMessage: `Nothing of ${docNumber} stands in QuickBooks.`,
      remedy: 'Nothing has to be done.',
    });
  const type = link.remoteType as DocumentName;
  const left = await takeBack(session, type, link.remoteId);
  return {
    remoteType: type,
    remoteId: link.remoteId,
    remoteVersion: left?.SyncToken ?? null,
    state: {
      ...(left === null
        ? { docNumber: link.state.docNumber ?? null, currency: link.state.currency ?? null }
        : { ...formState(left), written: contentHash(left) }),
      total: '0',
      value: '0',
      void: 'done',
    },
    adopted: false,
    detail: { docNumber, voided: true, deleted: left === null },
  };
}

/** Null where nothing is left of it, or nothing was there any more. */
export async function takeBack(
  session: QuickBooksSession,
  type: DocumentName,
  id: string,
): Promise<Entity | null> {
  const books = booksOf(session);
  for (let attempt = 1; ; attempt += 1) {
    const current = await books.read(type, id);
    if (current === null) return null;
    try {
      if (voidable.includes(type)) return await books.void(type, id, current.SyncToken);
      await books.remove(type, id, current.SyncToken);
      return null;
    } catch (error) {
      if (!isFault(error, staleObject) || attempt >= 3) throw error;
    }
  }
}
