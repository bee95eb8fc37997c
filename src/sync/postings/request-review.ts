import type { Tx } from '../../db/pool.ts';

/** Name of the job that works out anew what the books are owed. */
export const postingReviewTask = 'posting-review';

/** After the commit, everything that waits to be written to these books is planned with the choices as they are then. */
export async function requestPostingReview(tx: Tx, connectionId: bigint): Promise<void> {
  await tx.query({
    name: 'request-posting-review',
    text: `select graphile_worker.add_job($1, json_build_object('id', $2::text), job_key => $1 || ':' || $2::text, priority => 20)`,
    values: [postingReviewTask, connectionId],
  });
}
