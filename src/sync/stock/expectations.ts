import type { Tx } from '../../db/pool.ts';
import { toJson } from '../graph/canonical-json.ts';
import type { Expectation, Fact, Taken } from './explain.ts';

export interface NewExpectation extends Fact {
  variantId: bigint;
  orderId: bigint | null;
  refundId: bigint | null;
  /** Of a report. */
  movementId: bigint | null;
  full: boolean;
}

/** Takes away what has been met and adds what has not, in one statement. The levels of the variants are locked. */
export async function writeExpectations(
  tx: Tx,
  taken: readonly Taken[],
  added: readonly NewExpectation[],
): Promise<void> {
  if (taken.length === 0 && added.length === 0) return;
  await tx.query({
    name: 'write-expectations',
    text: `with taken as (
             select x.id, sum(x.quantity)::int as quantity, sum(x.committed)::int as committed
             from jsonb_to_recordset($1::jsonb) as x(id bigint, quantity int, committed int) group by 1
           ), gone as (
             delete from stock_expectation e using taken t where e.id = t.id and e.quantity = t.quantity
           ), less as (
             update stock_expectation e set quantity = e.quantity - t.quantity, committed = greatest(0, e.committed - t.committed)
             from taken t where e.id = t.id and e.quantity <> t.quantity
           )
           insert into stock_expectation (variant_id, location_id, cause, quantity, committed, order_id, refund_id, movement_id,
             "full", occurred_at, created_at)
           select x.variant, x.location, x.cause::stock_cause, x.quantity, x.committed, x.order_id, x.refund_id, x.movement,
             x."full", x.at, clock_timestamp()
           from jsonb_to_recordset($2::jsonb) as x(variant bigint, location bigint, cause text, quantity int, committed int,
             order_id bigint, refund_id bigint, movement bigint, "full" boolean, at timestamptz)`,
    values: [
      toJson(taken),
      toJson(
        added.map((one) => ({
          variant: one.variantId,
          location: one.locationId,
          cause: one.cause,
          quantity: one.quantity,
          committed: one.committed,
          order_id: one.orderId,
          refund_id: one.refundId,
          movement: one.movementId,
          full: one.full,
          at: one.occurredAt,
        })),
      ),
    ],
  });
}

export interface ExpectationJson {
  id: string;
  variant_id: string;
  location_id: string | null;
  cause: Expectation['cause'];
  quantity: number;
  committed: number;
  order_id: string | null;
  refund_id: string | null;
  movement_id: string | null;
  full: boolean;
  occurred_at: string;
}

export function expectationOf(json: ExpectationJson): Expectation {
  const id = (text: string | null) => (text === null ? null : BigInt(text));
  return {
    id: BigInt(json.id),
    cause: json.cause,
    quantity: json.quantity,
    committed: json.committed,
    locationId: id(json.location_id),
    orderId: id(json.order_id),
    refundId: id(json.refund_id),
    movementId: id(json.movement_id),
    full: json.full,
    occurredAt: new Date(json.occurred_at),
  };
}
