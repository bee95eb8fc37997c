/** A stock level's counts. */
export interface Counts {
  onHand: number;
  committed: number;
  reserved: number;
  incoming: number;
  safety: number;
}

export const nothing: Counts = { onHand: 0, committed: 0, reserved: 0, incoming: 0, safety: 0 };

/** What a platform reports of a level it keeps; undefined counts are not told. */
export interface Report {
  available: number;
  onHand?: number | undefined;
  committed?: number | undefined;
  incoming?: number | undefined;
  /** Change of what is available that the platform does not know of yet. */
  owed?: number;
}

/** Free to sell. */
export function availableOf(counts: Counts): number {
  return counts.onHand - counts.committed - counts.reserved - counts.safety;
}

/**
 * The counts that a report amounts to. What is available is taken as told, with what the platform is owed on top; our
 * reservations are our own. Where the physical count is told as well, the platform's rest (damaged, in quality control,
 * its own safety stock and reservations) is what is kept back.
 */
export function countsReported(current: Counts, report: Report): Counts {
  const { reserved } = current;
  const committed = Math.max(0, report.committed ?? current.committed);
  const incoming = Math.max(0, report.incoming ?? current.incoming);
  const safety =
    report.onHand === undefined ? current.safety : Math.max(0, report.onHand - committed - report.available);
  const available = report.available + (report.owed ?? 0);
  return { onHand: available + committed + reserved + safety, committed, reserved, incoming, safety };
}

export function sameCounts(a: Counts, b: Counts): boolean {
  return countNames.every((name) => a[name] === b[name]);
}

export function difference(from: Counts, to: Counts): Counts {
  return mapCounts((name) => to[name] - from[name]);
}

export function plus(counts: Counts, delta: Partial<Counts>): Counts {
  return mapCounts((name) => counts[name] + (delta[name] ?? 0));
}

const countNames = ['onHand', 'committed', 'reserved', 'incoming', 'safety'] as const;

function mapCounts(of: (name: (typeof countNames)[number]) => number): Counts {
  return {
    onHand: of('onHand'),
    committed: of('committed'),
    reserved: of('reserved'),
    incoming: of('incoming'),
    safety: of('safety'),
  };
}
