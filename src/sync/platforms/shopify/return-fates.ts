import type { CanonicalRefund, ReturnFates } from '../../../model/refund.ts';
import type { ReverseLineAnswer } from './answers.ts';
import { idOf } from './vocabulary.ts';

/** What became of the goods of one return, per order line; refunds of it by their ids. */
export interface ReturnTold {
  refundRemoteIds: string[];
  lines: ReverseLineAnswer[];
}

/**
 * Says of refund lines that put nothing back what became of their pieces. Shopify tells it per return and line, and a return
 * may be paid back in several refunds: pieces go to the refunds in the order in which they were given, after those that
 * the refunds themselves have put back. Pieces that still have to be looked at are told by nobody yet.
 */
export function withFates(
  refunds: readonly CanonicalRefund[],
  returns: readonly ReturnTold[],
): CanonicalRefund[] {
  const fated = new Map<CanonicalRefund['lines'][number], ReturnFates>();
  for (const { refundRemoteIds, lines } of returns) {
    const pools = poolsOf(lines);
    const own = refunds
      .filter((refund) => refundRemoteIds.includes(refund.remoteId))
      .toSorted((a, b) => a.refundedAt.getTime() - b.refundedAt.getTime())
      .flatMap((refund) => refund.lines);
    for (const line of own)
      if (line.restockType !== 'no_restock') take(pools.get(line.lineRemoteId), 'restocked', line.quantity);
    for (const line of own)
      if (line.restockType === 'no_restock') {
        const pool = pools.get(line.lineRemoteId);
        const restocked = take(pool, 'restocked', line.quantity);
        const damaged = take(pool, 'damaged', line.quantity - restocked);
        const notReturned = take(pool, 'notReturned', line.quantity - restocked - damaged);
        if (restocked + damaged + notReturned > 0) fated.set(line, { restocked, damaged, notReturned });
      }
  }
  if (fated.size === 0) return [...refunds];
  return refunds.map((refund) => ({
    ...refund,
    lines: refund.lines.map((line) => {
      const fates = fated.get(line);
      return fates === undefined ? line : { ...line, fates };
    }),
  }));
}

function poolsOf(lines: readonly ReverseLineAnswer[]): Map<string, ReturnFates> {
  const pools = new Map<string, ReturnFates>();
  for (const line of lines) {
    if (line.fulfillmentLineItem === null) continue;
    const id = idOf(line.fulfillmentLineItem.lineItem.id);
    const pool = pools.get(id) ?? { restocked: 0, damaged: 0, notReturned: 0 };
    pools.set(id, pool);
    for (const { type, quantity } of line.dispositions) {
      const fate = fateOf(type);
      if (fate !== null) pool[fate] += quantity;
    }
  }
  return pools;
}

/** Null where somebody still has to look at the goods. */
function fateOf(type: string): keyof ReturnFates | null {
  switch (type) {
    case 'RESTOCKED':
      return 'restocked';
    case 'NOT_RESTOCKED':
      return 'damaged';
    case 'MISSING':
      return 'notReturned';
    default:
      return null;
  }
}

/** Takes so many pieces out of a pool, or as many as there are. */
function take(pool: ReturnFates | undefined, fate: keyof ReturnFates, wanted: number): number {
  if (pool === undefined) return 0;
  const taken = Math.min(pool[fate], wanted);
  pool[fate] -= taken;
  return taken;
}
