import { AppError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import type { CustomField } from '../../src/model/custom-field.ts';
import type {
  CustomerSnapshot,
  DaySummarySnapshot,
  OrderLineSnapshot,
  OrderSnapshot,
  PayoutSnapshot,
  RefundOfOrderSnapshot,
  TransactionSnapshot,
} from '../../src/model/snapshot.ts';
import type {
  LinkFacts,
  NewLink,
  PlanContext,
  Platform,
  PushOutcome,
  PushTask,
  Session,
} from '../../src/sync/platforms/platform.ts';

/** A session whose links and credentials live in this process. */
export class MemorySession<Credentials> implements Session<Credentials> {
  readonly connectionId = 2n;
  readonly accountId: string;
  readonly baseUrl: string;
  readonly timeoutMs = 30_000;
  readonly log = createLog({ level: 'silent' });
  readonly cache = new Map<string, unknown>();
  settings: Readonly<Record<string, unknown>> = {};
  stored: Credentials;
  rotations = 0;
  now: () => number = Date.now;
  readonly known: (NewLink & { order: number })[] = [];
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { accountId: string; baseUrl: string; credentials: Credentials }) {
    this.accountId = options.accountId;
    this.baseUrl = options.baseUrl;
    this.stored = options.credentials;
  }

  credentials(): Promise<Credentials> {
    return Promise.resolve(this.stored);
  }

  rotate(refresh: (current: Credentials) => Promise<Credentials>): Promise<Credentials> {
    const turn = this.#turn.then(async () => {
      const next = await refresh(this.stored);
      if (next !== this.stored) this.rotations += 1;
      this.stored = next;
      return next;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  fields: CustomField[] = [];

  customFields(): Promise<CustomField[]> {
    return Promise.resolve(this.fields);
  }

  readonly found: string[] = [];

  fieldsFound(names: readonly string[]): Promise<void> {
    this.found.push(...names);
    return Promise.resolve();
  }

  /** Nothing travels together where pushes are carried out one after the other. */
  readonly envelopes = {
    seal: () => Promise.resolve(),
    find: () => Promise.resolve(null),
    open: () => Promise.resolve(),
  };

  limited<T>(request: () => Promise<T>): Promise<T> {
    return request();
  }

  readonly links = {
    find: (entityType: string, entityIds: readonly bigint[], remoteType: string) =>
      Promise.resolve(
        new Map(
          this.known
            .filter(
              (one) =>
                one.entityType === entityType &&
                one.remoteType === remoteType &&
                entityIds.includes(one.entityId),
            )
            .map((one): [bigint, LinkFacts] => [one.entityId, one]),
        ),
      ),
    save: (link: NewLink) => {
      const at = this.known.findIndex(
        (one) => one.remoteType === link.remoteType && one.remoteId === link.remoteId,
      );
      if (at >= 0) this.known.splice(at, 1);
      this.known.push({ ...link, order: this.known.length });
      for (const wake of this.#waiting.splice(0)) wake();
      return Promise.resolve();
    },
    waitFor: async (entityType: string, entityId: bigint, remoteType: string, timeoutMs: number) => {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = (await this.links.find(entityType, [entityId], remoteType)).get(entityId);
        if (found !== undefined) return found;
        if (Date.now() >= deadline)
          throw new AppError({ code: 'LINK_PENDING', retryable: true, publicMessage: 'pending' });
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
          setTimeout(resolve, Math.max(1, deadline - Date.now()));
        });
      }
    },
  };

  linkOf(entityType: string, entityId: bigint, remoteType: string): LinkFacts | null {
    return (
      this.known.findLast(
        (one) => one.entityType === entityType && one.entityId === entityId && one.remoteType === remoteType,
      ) ?? null
    );
  }
}

/** What `postingRepost` leaves with the links of a posting. */
export function consent<Credentials>(session: MemorySession<Credentials>, entityType: string): void {
  for (const link of session.known) if (link.entityType === entityType) link.state.consent = true;
}

type Pushed = CustomerSnapshot | OrderSnapshot | RefundOfOrderSnapshot | PayoutSnapshot | DaySummarySnapshot;

let pushes = 0n;

/** Plans and carries out what a platform is owed for a snapshot, as the engine does; null where it is owed nothing. */
export async function push<Credentials>(
  platform: Platform<Credentials>,
  session: MemorySession<Credentials>,
  snapshot: Pushed,
  more: Partial<PushTask> = {},
): Promise<PushOutcome | null> {
  const [planned] = platform.plan(snapshot, contextOf(platform, session, snapshot));
  if (planned === undefined) return null;
  pushes += 1n;
  const outcome = await platform.perform(
    {
      pushId: pushes,
      kind: planned.kind,
      subjectType: planned.subjectType,
      subjectId: planned.subjectId,
      idempotencyKey: `tb-${planned.kind}-${pushes}`,
      attempt: 1,
      // What travels through the database is JSON.
      body: JSON.parse(JSON.stringify(planned.body)) as Record<string, unknown>,
      ...more,
    },
    session,
  );
  await session.links.save({
    entityType: planned.subjectType,
    entityId: planned.subjectId,
    remoteType: outcome.remoteType,
    remoteId: outcome.remoteId,
    remoteVersion: outcome.remoteVersion,
    state: outcome.state,
  });
  for (const link of outcome.links ?? []) await session.links.save(link);
  return outcome;
}

export function contextOf<Credentials>(
  platform: Platform<Credentials>,
  session: MemorySession<Credentials>,
  snapshot: Pushed,
): PlanContext {
  const linkOf = (type: Pushed['type'], id: bigint): LinkFacts | null => {
    for (const remoteType of [platform.linkTypes[type], ...(platform.otherLinkTypes?.[type] ?? [])]) {
      const link = session.linkOf(type, id, remoteType ?? '');
      if (link !== null) return link;
    }
    return null;
  };
  return {
    connectionId: session.connectionId,
    settings: session.settings,
    link: linkOf(snapshot.type, snapshot.id),
    isOrigin: false,
    ...(snapshot.type === 'Refund'
      ? { parent: { link: linkOf('Order', snapshot.order.id), inFlight: null } }
      : {}),
  };
}

export function customer(more: Partial<CustomerSnapshot> = {}): CustomerSnapshot {
  return {
    type: 'Customer',
    erased: false,
    id: 7n,
    firstName: 'Ada',
    lastName: 'Castro',
    company: null,
    email: 'ada@example.com',
    phone: '+14155550101',
    address: {
      firstName: 'Ada',
      lastName: 'Castro',
      company: null,
      address1: '12 Mole Street',
      address2: 'Flat 3',
      city: 'Berlin',
      province: 'Berlin',
      zip: '10115',
      countryCode: 'DE',
      phone: null,
    },
    note: null,
    tags: [],
    taxExempt: false,
    currency: 'USD',
    lifetimeValueMinor: 10_000n,
    refundedMinor: 500n,
    orderCount: 3,
    averageOrderMinor: 3_333n,
    openBalanceMinor: 1_250n,
    piecesSold: 8,
    piecesReturned: 1,
    channels: ['online_store', 'point_of_sale'],
    firstOrderAt: new Date('2026-01-02T03:04:05Z'),
    lastOrderAt: new Date('2026-11-20T10:00:00Z'),
    isEmailShared: false,
    approvedMerges: [],
    ...more,
  };
}

export function orderLine(more: Partial<OrderLineSnapshot> = {}): OrderLineSnapshot {
  const base = { unitPriceMinor: 2500n, quantity: 2, discountMinor: 0n, ...more };
  return {
    id: 71n,
    remoteId: '9001',
    variantId: 31n,
    title: 'Wool jumper',
    variantTitle: 'Blue / M',
    sku: 'WJ-BL-M',
    refundedQuantity: 0,
    taxMinor: (more.taxes ?? []).reduce((all, tax) => all + tax.amountMinor, 0n),
    totalMinor: base.unitPriceMinor * BigInt(base.quantity) - base.discountMinor,
    taxable: true,
    giftCard: false,
    properties: [],
    taxes: [],
    ...base,
  };
}

/** An order whose totals are the sums of its parts, unless they are named. */
export function order(more: Partial<OrderSnapshot> = {}): OrderSnapshot {
  const lines = more.lines ?? [orderLine()];
  const shippingLines = more.shippingLines ?? [];
  const taxesIncluded = more.taxesIncluded ?? false;
  const sum = (values: bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
  const taxes = more.taxes ?? mergeTaxes([...lines, ...shippingLines].flatMap((part) => part.taxes));
  const subtotalMinor = sum(lines.map((line) => line.unitPriceMinor * BigInt(line.quantity)));
  const discountMinor = sum([...lines, ...shippingLines].map((part) => part.discountMinor));
  const shippingMinor = sum(shippingLines.map((line) => line.priceMinor));
  const taxMinor = sum(taxes.map((tax) => tax.amountMinor));
  const totalMinor =
    subtotalMinor -
    discountMinor +
    shippingMinor +
    (taxesIncluded ? 0n : taxMinor) +
    (more.dutiesMinor ?? 0n) +
    (more.tipMinor ?? 0n);
  return {
    type: 'Order',
    id: 501n,
    connectionId: 1n,
    platform: 'shopify',
    remoteId: '820982911946154508',
    number: '#1001',
    channel: 'online_store',
    customer: customer(),
    locationName: null,
    financialStatus: 'paid',
    fulfilmentStatus: 'unfulfilled',
    currency: 'USD',
    presentmentCurrency: 'USD',
    subtotalMinor,
    discountMinor,
    shippingMinor,
    taxMinor,
    dutiesMinor: 0n,
    tipMinor: 0n,
    roundingMinor: 0n,
    totalMinor,
    paidMinor: totalMinor,
    refundedMinor: 0n,
    presentmentTotalMinor: totalMinor,
    taxesIncluded,
    taxExempt: false,
    test: false,
    email: 'ada@example.com',
    billingAddress: null,
    shippingAddress: null,
    note: null,
    tags: [],
    attributes: [],
    placedAt: new Date('2026-11-20T23:30:00Z'),
    cancelledAt: null,
    lines,
    shippingLines,
    discounts: [],
    taxes,
    transactions: [],
    refunds: [],
    erased: false,
    goneRefundIds: [],
    fulfilmentRules: [],
    ...more,
  };
}

export function paid(
  gateway: string,
  amountMinor: bigint,
  more: Partial<TransactionSnapshot> = {},
): TransactionSnapshot {
  return {
    kind: 'sale',
    status: 'success',
    gateway,
    amountMinor,
    processedAt: new Date('2026-11-20T23:30:05Z'),
    refundId: null,
    ...more,
  };
}

function mergeTaxes(taxes: OrderSnapshot['taxes']): OrderSnapshot['taxes'] {
  const merged = new Map<string, OrderSnapshot['taxes'][number]>();
  for (const tax of taxes) {
    const key = `${tax.title} ${tax.rate} ${tax.channelLiable}`;
    const known = merged.get(key);
    merged.set(
      key,
      known === undefined ? tax : { ...known, amountMinor: known.amountMinor + tax.amountMinor },
    );
  }
  return [...merged.values()];
}
