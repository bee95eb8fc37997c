/**
 * What a channel may be told to sell. Pure: the product plans with it and the simulation of `npm run bench -- oversell`
 * judges it, with the same code.
 *
 * A channel that is told a quantity goes on selling it until it has been told another one, and we hear of what it sold
 * only afterwards. For that long, its exposure, everybody sells from the same shelf unseen. The buffer keeps back what may
 * be sold meanwhile, over all channels, in all but one of a thousand cases: as stock runs out, the channel that is slow is
 * closed first and the last units belong to the one that knows at once what is left.
 */

/** How much was sold in the recent past, over all channels. */
export interface SalesWindow {
  windowMs: number;
  units: number;
}

/** A level's latest sales, the latest `most` of them at most. */
export interface LatestSales {
  /** How many sales these are, and of how many units. */
  count: number;
  units: number;
  /** Age of the oldest of them. */
  reachMs: number;
  /** Units sold within each window. */
  within: readonly number[];
}

/** As many of a level's sales as are looked at: their pace is known to a tenth, and looking costs the same however much is sold. */
export const mostSales = 100;

/** Looked at for how fast goods sell; the longest is what is usual. */
export const windowsMs = [10_000, 60_000, 600_000, 86_400_000] as const;

/** What a level sold within each window. Where its latest sales do not reach back that far, their pace is taken for all of it. */
export function salesOf(latest: LatestSales): SalesWindow[] {
  const isCutOff = latest.count >= mostSales;
  return windowsMs.map((windowMs, index) => ({
    windowMs,
    units:
      isCutOff && latest.reachMs < windowMs
        ? Math.round((latest.units * windowMs) / Math.max(1, latest.reachMs))
        : (latest.within[index] ?? 0),
  }));
}

/** Sales of several levels as those of one. */
export function sumOfSales(levels: readonly LatestSales[]): SalesWindow[] {
  const each = levels.map(salesOf);
  return windowsMs.map((windowMs, index) => ({
    windowMs,
    units: each.reduce((sum, sales) => sum + (sales[index]?.units ?? 0), 0),
  }));
}

/** The stock that an offer draws on: the goods themselves, or one part of a set. */
export interface Part {
  /** Free to sell over all locations that serve the channel; reservations are taken off already. */
  available: number;
  /** How many of it one unit of the offer takes. */
  each: number;
  sales: readonly SalesWindow[];
}

export interface ChannelFeed {
  /** From a change of stock to the channel's answer. */
  publishLatencyMs: number;
  /** From a sale on the channel to our knowing of it. */
  intakeLatencyMs: number;
  /** Since the channel, or whoever keeps the stock, was last heard of. */
  silentMs: number;
}

export interface AllocationRule {
  minBuffer: number | null;
  maxQuantity: number | null;
  /** At most this share of what is available. */
  sharePercent: number | null;
  /** Nothing is offered once no more than this many are available. */
  lastUnits: number | null;
  paused: boolean | null;
}

export const noRule: AllocationRule = {
  minBuffer: null,
  maxQuantity: null,
  sharePercent: null,
  lastUnits: null,
  paused: null,
};

export type AllocationReason =
  | 'all_available'
  | 'buffer'
  | 'last_units'
  | 'rule_share'
  | 'rule_maximum'
  | 'nothing_left'
  | 'rule_paused'
  | 'stale_feed';

export interface Allocation {
  quantity: number;
  /** Units kept back against sales that are not known yet. */
  buffer: number;
  because: AllocationReason;
}

/** A channel that was not heard of for this long may have sold anything meanwhile. */
export const staleAfterMs = 30 * 60_000;

/** The last one is only sold where it is known at once that it is gone. */
const defaultLastUnits = 1;

export function allocate(
  parts: readonly Part[],
  feed: ChannelFeed,
  rule: AllocationRule,
  options: { staleAfterMs?: number } = {},
): Allocation {
  if (rule.paused === true) return { quantity: 0, buffer: 0, because: 'rule_paused' };
  if (feed.silentMs > (options.staleAfterMs ?? staleAfterMs))
    return { quantity: 0, buffer: 0, because: 'stale_feed' };
  const exposureMs = feed.publishLatencyMs + feed.intakeLatencyMs;
  let scarcest: Allocation | null = null;
  for (const part of parts) {
    const offer = offerOf(part, exposureMs, rule);
    if (scarcest === null || offer.quantity < scarcest.quantity) scarcest = offer;
  }
  if (scarcest === null) return { quantity: 0, buffer: 0, because: 'nothing_left' };
  if (rule.maxQuantity !== null && scarcest.quantity > rule.maxQuantity)
    return { ...scarcest, quantity: rule.maxQuantity, because: 'rule_maximum' };
  return scarcest;
}

function offerOf(part: Part, exposureMs: number, rule: AllocationRule): Allocation {
  const { available, each } = part;
  if (available < each) return { quantity: 0, buffer: 0, because: 'nothing_left' };
  const buffer = Math.max(rule.minBuffer ?? 0, bufferFor(part.sales, exposureMs));
  const whole = (units: number): number => Math.max(0, Math.floor(units / each));
  if (available <= (rule.lastUnits ?? defaultLastUnits) * each)
    return { quantity: 0, buffer, because: 'last_units' };
  const free = whole(available - buffer);
  const shared = rule.sharePercent === null ? free : whole((available * rule.sharePercent) / 100);
  if (shared < free) return { quantity: shared, buffer, because: 'rule_share' };
  return { quantity: free, buffer, because: buffer > 0 ? 'buffer' : 'all_available' };
}

/** Units that may be sold during the exposure, in all but one of a thousand cases. */
export function bufferFor(sales: readonly SalesWindow[], exposureMs: number): number {
  return poissonQuantile(velocityOf(sales) * exposureMs, 0.999);
}

/**
 * Units per millisecond. The longest window tells what is usual. A shorter one counts where even a cautious reading of it
 * is faster: a single sale is no rush, two hundred in ten seconds are.
 */
export function velocityOf(sales: readonly SalesWindow[]): number {
  const longest = sales.reduce((most, one) => Math.max(most, one.windowMs), 0);
  return sales.reduce((fastest, { windowMs, units }) => {
    if (windowMs <= 0 || units <= 0) return fastest;
    const certain = windowMs === longest ? units : units - Math.sqrt(units);
    return Math.max(fastest, certain / windowMs);
  }, 0);
}

/** The smallest number that a Poisson variable of this mean exceeds in no more than 1 − `certainty` of all cases. */
export function poissonQuantile(mean: number, certainty: number): number {
  if (mean <= 0) return 0;
  // Beyond this the normal distribution is as good, and the exact sum would underflow. 3.09 is its 99.9 % point.
  if (mean > 200) return Math.ceil(mean + 3.09 * Math.sqrt(mean));
  let probability = Math.exp(-mean);
  let sum = probability;
  let count = 0;
  while (sum < certainty && count < 1_000) {
    count += 1;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}
