import { GraphQLError } from 'graphql';

export interface PageArgs {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  reverse?: boolean | null;
}

export interface Connection<T> {
  nodes: T[];
  edges: { cursor: string; node: T }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** Where a record stands in its list. */
export interface Place {
  value: string | number;
  id: string;
}

/** Walks a list in its order, starting behind a place (exclusive), or at its beginning. */
export interface Walk<T> {
  forward: (after: Place | null) => Iterable<T>;
  backward: (before: Place | null) => Iterable<T>;
  placeOf: (item: T) => Place;
}

/** One page of a list, without looking at more of it than the page needs. */
export function paginate<T>(
  walk: Walk<T>,
  args: PageArgs,
  keep: (item: T) => boolean = () => true,
): Connection<T> {
  const size = pageSize(args);
  const backwards = args.first == null;
  const flip = args.reverse === true;
  const towardsEnd = backwards === flip;
  const from = backwards ? args.before : args.after;
  const until = backwards ? args.after : args.before;
  const start = from == null ? null : readCursor(from);
  const stop = until == null ? null : readCursor(until).id;
  const found: T[] = [];
  let more = false;
  for (const item of towardsEnd ? walk.forward(start) : walk.backward(start)) {
    if (stop !== null && walk.placeOf(item).id === stop) break;
    if (!keep(item)) continue;
    if (found.length === size) {
      more = true;
      break;
    }
    found.push(item);
  }
  if (backwards) found.reverse();
  const cursors = found.map((item) => writeCursor(walk.placeOf(item)));
  return {
    nodes: found,
    edges: found.map((node, index) => ({ cursor: cursors[index] ?? '', node })),
    pageInfo: {
      hasNextPage: backwards ? from != null : more,
      hasPreviousPage: backwards ? more : from != null,
      startCursor: cursors[0] ?? null,
      endCursor: cursors.at(-1) ?? null,
    },
  };
}

/** The walk over a list that is held whole; places are positions in it. */
export function listWalk<T>(items: readonly T[], idOf: (item: T) => string): Walk<T> {
  const positions = new Map(items.map((item, index) => [idOf(item), index]));
  const slice = function* (from: number, to: number, step: 1 | -1): Generator<T> {
    for (let index = from; index !== to; index += step) {
      const item = items[index];
      if (item !== undefined) yield item;
    }
  };
  return {
    forward: (after) => slice(after === null ? 0 : (positions.get(after.id) ?? -1) + 1, items.length, 1),
    backward: (before) =>
      slice((before === null ? items.length : (positions.get(before.id) ?? items.length)) - 1, -1, -1),
    placeOf: (item) => ({ value: positions.get(idOf(item)) ?? 0, id: idOf(item) }),
  };
}

function pageSize(args: PageArgs): number {
  const size = args.first ?? args.last;
  if (size == null) throw badRequest('you must provide one of first or last');
  if (args.first != null && args.last != null)
    throw badRequest('providing both first and last is not supported');
  if (size < 0 || size > 250) throw badRequest(`${args.first != null ? 'first' : 'last'} cannot exceed 250`);
  return size;
}

export function badRequest(message: string, code = 'BAD_REQUEST'): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify({ last_id: place.id, last_value: place.value })).toString('base64url');
}

function readCursor(cursor: string): Place {
  try {
    const read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Record<string, unknown>;
    const { last_id: id, last_value: value } = read;
    if (typeof id === 'string' && (typeof value === 'string' || typeof value === 'number'))
      return { value, id };
  } catch {
    // Falls through: whatever is no cursor of ours is refused alike.
  }
  throw badRequest(`Invalid cursor for current pagination sort.`, 'INVALID_CURSOR');
}
