import type { Tx } from '../../db/pool.ts';
import { type PagedWork, requestWork } from '../paged-work.ts';

/** Works out anew who is believed about an account's customers. */
export const authorityReview: PagedWork = {
  task: 'authority-review',
  table: 'authority_review',
  key: 'connection_id',
  counts: ['total', 'done', 'changed'],
  priority: 25,
};

/** Asks for it after the commit, from the beginning. */
export function requestAuthorityReview(tx: Tx, connectionId: bigint): Promise<void> {
  return requestWork(tx, authorityReview, connectionId);
}
