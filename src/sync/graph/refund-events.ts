import type { NewEvent } from '../../model/event.ts';
import type { Currencies, RefundRows } from './order-rows.ts';
import { eventOf, type PlatformContext } from './write-context.ts';
import type { WrittenChildren } from './write-order.ts';

/** One event per refund that is new or says something else than before, with what came back. */
export function refundEvents(
  context: PlatformContext,
  orderId: bigint,
  currencies: Currencies,
  rows: RefundRows,
  written: WrittenChildren,
): NewEvent[] {
  const created = new Map(written.refunds.map((row) => [row.id, row.created]));
  const touched = new Set([...created.keys(), ...written.refundsTouched]);
  return rows.refunds.flatMap((refund) => {
    const id = written.refundIds[String(refund.remote_id)];
    if (id === undefined || !touched.has(id)) return [];
    return [
      eventOf(
        context,
        created.get(id) === true ? 'refund.created' : 'refund.updated',
        { type: 'Refund', id: BigInt(id) },
        {
          orderId,
          totalMinor: refund.total_minor,
          currency: currencies.currency,
          settled: refund.settled,
          lines: rows.refundLines
            .filter((line) => line.refund === refund.remote_id)
            .map((line) => ({
              orderLineId: written.lineIds[line.line] ?? null,
              quantity: line.quantity,
              subtotalMinor: line.subtotal_minor,
              taxMinor: line.tax_minor,
            })),
        },
      ),
    ];
  });
}
