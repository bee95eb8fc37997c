import { AppError } from '../../../errors.ts';
import type { Books, DocumentName, Entity } from './client.ts';
import { isFault, objectNotFound, staleObject } from './fault.ts';

/**
 * Updates a document that may have been touched meanwhile. A stale version is read again; `refuse` looks at what stands
 * there now and may forbid to write over it.
 */
export async function updateStanding(
  books: Books,
  entity: DocumentName,
  known: { id: string; version: string | null },
  fields: Record<string, unknown>,
  options: { requestId: string | null; refuse(current: Entity): AppError | null },
): Promise<Entity> {
  const { id } = known;
  let { version } = known;
  for (let attempt = 1; ; attempt += 1) {
    if (version === null) {
      const current = await books.read(entity, id);
      if (current === null) throw goneDocument(entity, id);
      const refusal = options.refuse(current);
      if (refusal !== null) throw refusal;
      version = current.SyncToken;
    }
    try {
      return await books.update(
        entity,
        { ...fields, Id: id, SyncToken: version },
        { requestId: attempt === 1 ? options.requestId : null },
      );
    } catch (error) {
      // The same code speaks of the document itself and of what it refers to.
      if (isFault(error, objectNotFound) && (await books.read(entity, id)) === null)
        throw goneDocument(entity, id);
      if (!isFault(error, staleObject) || attempt >= 3) throw error;
      version = null;
    }
  }
}

export function changedByHand(entity: string, docNumber: string): AppError {
  return new AppError({
    code: 'DOCUMENT_CHANGED_BY_HAND',
    retryable: false,
    publicMessage: `Somebody has changed the ${entity} ${docNumber} in QuickBooks since it was posted.`,
    remedy:
      'Compare it with the order. Post it anew (postingRepost) to write over what was changed, or leave it as it is.',
  });
}

function goneDocument(entity: string, id: string): AppError {
  return new AppError({
    code: 'QUICKBOOKS_GONE',
    retryable: false,
    publicMessage: `The ${entity} ${id} was deleted in QuickBooks.`,
    remedy: 'Post it anew (postingRepost) to have it written again, or leave it: nothing else waits for it.',
  });
}
