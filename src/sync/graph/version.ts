import type { SourceVersion } from '../../model/change.ts';

/** The version of what the graph holds: the platform's time, and when it was read where it was not merely told. */
export interface StoredVersion {
  sourceUpdatedAt: Date;
  readAt: Date | null;
}

/** `tie`: nothing tells which of the two is newer. */
export type Verdict = 'newer' | 'older' | 'tie';

/**
 * The platform's clock decides. Platforms stamp whole seconds, so that equal times are common: among equals a later read
 * beats an earlier one and what was heard before it, and two messages tie. A message that was heard after the read may
 * tell what happened later within the second.
 */
export function judgeVersion(incoming: SourceVersion, stored: StoredVersion | null): Verdict {
  if (stored === null) return 'newer';
  const bySource = incoming.sourceUpdatedAt.getTime() - stored.sourceUpdatedAt.getTime();
  if (bySource !== 0) return bySource > 0 ? 'newer' : 'older';
  if (incoming.observedAt === null) {
    const seen = stored.readAt !== null && incoming.heardAt !== undefined && incoming.heardAt < stored.readAt;
    return seen ? 'older' : 'tie';
  }
  if (stored.readAt === null) return 'newer';
  const byRead = incoming.observedAt.getTime() - stored.readAt.getTime();
  return byRead === 0 ? 'tie' : byRead > 0 ? 'newer' : 'older';
}

export type Gate =
  /** News. */
  | 'apply'
  /** What the graph holds already, told again at a later time: only the version moves. */
  | 'confirm'
  | 'unchanged'
  | 'stale'
  /** Two statements of one instant say different things: only the platform itself can tell. */
  | 'needsFresh';

/** Decides what becomes of a whole statement about one row. */
export function gateStatement(
  incoming: { version: SourceVersion; hash: string },
  stored: (StoredVersion & { hash: string }) | null,
): Gate {
  const same = stored !== null && stored.hash === incoming.hash;
  switch (judgeVersion(incoming.version, stored)) {
    case 'newer':
      return same ? 'confirm' : 'apply';
    case 'older':
      return 'stale';
    case 'tie':
      if (same) return 'unchanged';
      // Two reads that began at one moment: the later answer is as good as any.
      return incoming.version.observedAt === null ? 'needsFresh' : 'apply';
  }
}
