import { z } from 'zod';
import type { SweepPosition, SweepQuestion } from '../platform.ts';
import { ask, type ShopifySession } from './api.ts';

/** A list that a sweep reads page after page; levels are listed by place. */
export type SweepLeg = { list: 'products' | 'customers' | 'orders' } | { list: 'levels'; locationId: string };

const positionShape = z.object({
  list: z.enum(['products', 'levels', 'customers', 'orders', 'done']),
  locationId: z.string().nullable(),
  after: z.string().nullable(),
  /** Of this list. */
  read: z.number().int(),
});
type Position = z.infer<typeof positionShape>;

/** What a sweep has before it, where it goes on, and about how much is left. */
export class SweepWay {
  /** What is still to be read, in order. */
  readonly legs: readonly SweepLeg[];
  readonly #question: SweepQuestion;
  readonly #from: Position | null;
  /** About how long each list is; null where it is not known. */
  readonly #lengths: (number | null)[];
  #read = 0;
  #leg: SweepLeg | null = null;

  static async find(
    session: ShopifySession,
    question: SweepQuestion,
    locationIds: readonly string[],
  ): Promise<SweepWay> {
    const all: SweepLeg[] = [
      { list: 'products' },
      ...locationIds.map((locationId) => ({ list: 'levels' as const, locationId })),
      { list: 'customers' },
      { list: 'orders' },
    ];
    const { legs, from } = beginning(all, positionOf(question.from));
    const counts = question.since === null ? await countAll(session) : null;
    return new SweepWay(question, legs, from, counts);
  }

  private constructor(
    question: SweepQuestion,
    legs: readonly SweepLeg[],
    from: Position | null,
    counts: Counts | null,
  ) {
    this.#question = question;
    this.legs = legs;
    this.#from = from;
    this.#lengths = legs.map((leg) => counts?.[leg.list] ?? null);
  }

  /** Where the first page of a list begins. */
  startOf(leg: SweepLeg): string | null {
    this.#leg = leg;
    const isFirst = leg === this.legs[0];
    this.#read = isFirst ? (this.#from?.read ?? 0) : 0;
    return isFirst ? (this.#from?.after ?? null) : null;
  }

  /** Tells of a page that is about to be given: how many it holds and where the next one of its list begins, if there is one. */
  reach(leg: SweepLeg, next: string | null, count: number): void {
    if (leg !== this.#leg) throw new Error('A list is read that was not begun.');
    const at = this.legs.indexOf(leg);
    this.#read += count;
    // Shops stock about as many kinds of goods in one place as in the other.
    if (next === null && leg.list === 'levels')
      for (const [index, other] of this.legs.entries())
        if (index > at && other.list === 'levels' && this.#lengths[index] !== null)
          this.#lengths[index] = this.#read;
    this.#question.reached?.(this.#position(leg, at, next));
    const left = this.#lengths.slice(at).map((length, ahead) => {
      if (length === null) return null;
      return ahead > 0 ? length : next === null ? 0 : Math.max(length - this.#read, 1);
    });
    if (left.every((length) => length !== null))
      this.#question.remaining?.(left.reduce((sum, length) => sum + length, 0));
  }

  #position(leg: SweepLeg, at: number, next: string | null): SweepPosition {
    const following = next === null ? this.legs[at + 1] : leg;
    const position: Position = {
      list: following?.list ?? 'done',
      locationId: following?.list === 'levels' ? following.locationId : null,
      after: next,
      read: next === null ? 0 : this.#read,
    };
    return position;
  }
}

function positionOf(given: SweepPosition | undefined): Position | null {
  const parsed = positionShape.safeParse(given);
  return parsed.success ? parsed.data : null;
}

/** A place that is not there any more leads back to the first one. */
function beginning(
  legs: readonly SweepLeg[],
  from: Position | null,
): { legs: readonly SweepLeg[]; from: Position | null } {
  if (from === null) return { legs, from };
  if (from.list === 'done') return { legs: [], from };
  const exact = legs.findIndex(
    (leg) => leg.list === from.list && (leg.list !== 'levels' || leg.locationId === from.locationId),
  );
  if (exact !== -1) return { legs: legs.slice(exact), from };
  const ofList = legs.findIndex((leg) => leg.list === from.list);
  return { legs: legs.slice(Math.max(0, ofList)), from: null };
}

type Counts = Record<SweepLeg['list'], number>;

const count = z.object({ count: z.number().int() });

/** About how much there is. Shopify counts no further than 25,000 of a kind. */
async function countAll(session: ShopifySession): Promise<Counts> {
  const { data } = await ask(
    session,
    'counts',
    {},
    z.object({
      productsCount: count,
      productVariantsCount: count,
      customersCount: count,
      ordersCount: count,
    }),
  );
  return {
    products: data.productsCount.count,
    levels: data.productVariantsCount.count,
    customers: data.customersCount.count,
    orders: data.ordersCount.count,
  };
}
