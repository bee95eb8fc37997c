import type { Tx } from '../../db/pool.ts';
import { type PagedWork, requestWork } from '../paged-work.ts';

/** Fills one custom field for everybody who was there before it. */
export const backfill: PagedWork = {
  task: 'custom-field-backfill',
  table: 'custom_field_backfill',
  key: 'field_id',
  counts: ['total', 'done'],
  // After everything that people wait for.
  priority: 40,
};

/** Asks for a field to be filled after the commit, from the beginning. */
export function requestBackfill(tx: Tx, fieldId: bigint): Promise<void> {
  return requestWork(tx, backfill, fieldId);
}
