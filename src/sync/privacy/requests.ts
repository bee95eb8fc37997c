import type { Tx } from '../../db/pool.ts';

/** Within which it must be done: Shopify's terms, and the month of the GDPR. */
const dueDays = 30;

export interface NewRequest {
  kind: 'export' | 'erase_person' | 'erase_account';
  connectionId: bigint | null;
  requestedBy: string;
  /** Asked again with the same reference, it is the same request. */
  reference: string;
  customerId: bigint | null;
}

/** Puts a request on record, once. @returns its id, and whether it had been done before. */
export async function recordRequest(tx: Tx, request: NewRequest): Promise<{ id: bigint; done: boolean }> {
  const { rows } = await tx.query<{ id: bigint; done: boolean }>({
    name: 'record-privacy-request',
    text: `insert into privacy_request as r (kind, connection_id, requested_by, reference, customer_id, due_at)
           values ($1::privacy_request_kind, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 day')
           on conflict (kind, coalesce(connection_id, 0), reference)
             do update set customer_id = coalesce(r.customer_id, excluded.customer_id)
           returning id, completed_at is not null as done`,
    values: [
      request.kind,
      request.connectionId,
      request.requestedBy,
      request.reference,
      request.customerId,
      dueDays,
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('An insert returned no row.');
  return row;
}

/** Adds to what a request has erased so far. */
export async function addCounts(tx: Tx, id: bigint, counts: Readonly<Record<string, number>>): Promise<void> {
  await tx.query({
    name: 'count-erased',
    text: `update privacy_request r set counts = (
             select coalesce(jsonb_object_agg(key, total), '{}') from (
               select key, sum(value::bigint) as total
               from (select * from jsonb_each_text(r.counts) union all select * from jsonb_each_text($2::jsonb)) as counted
               group by key) as s)
           where id = $1`,
    values: [id, JSON.stringify(counts)],
  });
}

/** Notes that a request is done; of several times the first counts. */
export async function completeRequest(tx: Tx, id: bigint, by: string): Promise<void> {
  await tx.query({
    name: 'complete-privacy-request',
    text: `update privacy_request set completed_at = clock_timestamp(), completed_by = $2
           where id = $1 and completed_at is null`,
    values: [id, by],
  });
}
