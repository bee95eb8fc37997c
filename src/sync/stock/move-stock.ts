/** A stock level's counts. */
export interface Counts {
  onHand: number;
  committed: number;
  reserved: number;
  incoming: number;
  safety: number;
}

/** What a platform reports of a level; undefined counts are not told. */
export interface Report {
  available: number;
  onHand?: number | undefined;
  committed?: number | undefined;
  incoming?: number | undefined;
}

/** Free to sell. */
export function availableOf(counts: Counts): number {
  return counts.onHand - counts.committed - counts.reserved - counts.safety;
}

/**
 * The counts that a report amounts to. What is available is taken as told; where the physical count is told as well, the
 * rest between the two is set aside for reasons of the platform's own, else only the physical count moves.
 */
export function countsReported(current: Counts, report: Report): Counts {
  const committed = Math.max(0, report.committed ?? current.committed);
  const incoming = Math.max(0, report.incoming ?? current.incoming);
  const { safety } = current;
  const reserved =
    report.onHand === undefined
      ? current.reserved
      : Math.max(0, report.onHand - committed - safety - report.available);
  return { onHand: report.available + committed + reserved + safety, committed, reserved, incoming, safety };
}

export function sameCounts(a: Counts, b: Counts): boolean {
  return (
    a.onHand === b.onHand &&
    a.committed === b.committed &&
    a.reserved === b.reserved &&
    a.incoming === b.incoming &&
    a.safety === b.safety
  );
}
