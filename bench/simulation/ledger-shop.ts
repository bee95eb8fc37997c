import type { Pool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import type { Change, PlatformChange } from '../../src/model/change.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import type { PlatformName } from '../../src/model/platform-name.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { Random } from './random.ts';

const variants = 60;
const places = ['hall', 'till'];

interface Level {
  item: string;
  place: string;
  available: number;
  committed: number;
}

/** An order of the online store or of the marketplace: it is placed, and sent, cancelled or given back later. */
interface OpenOrder {
  source: 'shopify' | 'amazon';
  remoteId: string;
  level: Level;
  quantity: number;
  placedAt: Date;
  state: 'placed' | 'sent' | 'cancelled' | 'returned';
}

/**
 * A shop and a marketplace as plain figures, which tell the real write path what happens to them: late, twice and in any
 * order. Pushes are carried out on the figures.
 */
export class LedgerShop {
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #shopify: bigint;
  readonly #amazon: bigint;
  readonly #figures: Level[] = [];
  readonly #offered = new Map<string, number>();
  readonly #open: { source: 'shopify' | 'amazon'; change: PlatformChange }[] = [];
  /** By the platforms' clocks, which never stand still. */
  #clockMs = Date.now();
  #orders = 0;
  /** Those that something may still become of. */
  readonly #pending: OpenOrder[] = [];
  readonly #settledMs = new Map<string, number>();
  told = 0;
  repeated = 0;

  static async open(pool: Pool, seed: number): Promise<LedgerShop> {
    const connect = async (platform: string): Promise<bigint> => {
      const { rows } = await pool.query<{ id: bigint }>(
        `insert into connection (platform, account_id, name, credentials, write_capabilities, settings, last_success_at)
         values ($1::text::platform, $1::text, $1::text, '', '{*}', '{"ordersFrom": "2000-01-01"}', now() + interval '1 day') returning id`,
        [platform],
      );
      return rows[0]?.id ?? 0n;
    };
    const shop = new LedgerShop(pool, seed, await connect('shopify'), await connect('amazon'));
    await shop.#fill();
    return shop;
  }

  private constructor(pool: Pool, seed: number, shopify: bigint, amazon: bigint) {
    this.#pool = pool;
    this.#random = new Random(seed);
    this.#shopify = shopify;
    this.#amazon = amazon;
  }

  get levels(): number {
    return this.#figures.length;
  }

  /** Lets so many things happen and tells of them in random order, one in ten twice. */
  async act(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) await this.#happen();
    await this.#deliver(this.#open.splice(0));
    await this.#carryOut();
  }

  async deliverAll(): Promise<void> {
    await this.#deliver(this.#open.splice(0));
    await this.#carryOut();
    await this.#deliver(this.#open.splice(0));
  }

  /** Both platforms are read in whole, and what is owed after that is carried out. */
  async sweep(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      const read = this.#figures.map((level) => this.#report(level, true));
      for (let from = 0; from < read.length; from += 100)
        await this.#apply('shopify', read.slice(from, from + 100));
      await this.#apply(
        'amazon',
        [...this.#offered.keys()].map((sku) => this.#listing(sku)),
      );
      await this.#carryOut();
    }
  }

  async differences(): Promise<{ fold: number; shopify: number; amazon: number; unexplained: number }> {
    const { rows } = await this.#pool.query<{
      item: string;
      place: string;
      available: number;
      committed: number;
      folded: boolean;
    }>(
      `select g.remote_inventory_item_id as item, l.remote_id as place, s.available, s.committed,
         s.available = sum(m.available_delta) and s.on_hand = sum(m.on_hand_delta) and s.committed = sum(m.committed_delta)
           and s.reserved = sum(m.reserved_delta) and s.safety = sum(m.safety_delta) as folded
       from stock_level s join location l on l.id = s.location_id
       join listing g on g.variant_id = s.variant_id and g.connection_id = l.connection_id
       join stock_movement m on m.stock_level_id = s.id group by s.id, g.id, l.id`,
    );
    const offers = await this.#pool.query<{ sku: string; quantity: number }>(
      'select remote_variant_id as sku, allocated_quantity as quantity from listing where connection_id = $1',
      [this.#amazon],
    );
    // A sale names its order, an edit of ours its reason; what is left is what a person did at a platform.
    const unexplained = await this.#pool.query<{ count: number }>(
      `select count(*)::int as count from stock_movement
       where (cause in ('sale', 'cancellation', 'return', 'fulfilment') and order_id is null)
         or (source = 'tributary' and reason is null) or (available_after < 0 and available_delta < 0 and negative_reason is null)`,
    );
    return {
      fold: rows.filter((row) => !row.folded).length,
      shopify: rows.filter((row) => {
        const level = this.#figures.find((one) => one.item === row.item && one.place === row.place);
        return level?.available !== row.available || level.committed !== row.committed;
      }).length,
      amazon: offers.rows.filter((row) => this.#offered.get(row.sku) !== row.quantity).length,
      unexplained: unexplained.rows[0]?.count ?? 0,
    };
  }

  async #fill(): Promise<void> {
    const changes: PlatformChange[] = places.map((place) => ({
      kind: 'location',
      remoteId: place,
      version: this.#version(),
      location: { name: place, active: true, address: null },
    }));
    changes.push({
      kind: 'product',
      remoteId: 'product',
      version: this.#version(),
      product: {
        title: 'Goods',
        vendor: null,
        productType: null,
        status: 'active',
        handle: null,
        tags: [],
        variants: Array.from({ length: variants }, (_none, index) => ({
          remoteId: `variant-${index}`,
          inventoryItemRemoteId: `item-${index}`,
          sku: `SKU-${index}`,
          barcode: null,
          title: `${index}`,
          position: index + 1,
          priceMinor: 1_000n,
          currency: 'EUR',
          taxable: true,
          tracked: true,
        })),
      },
    });
    await this.#apply('shopify', changes);
    for (let index = 0; index < variants; index += 1) {
      for (const place of places)
        this.#figures.push({ item: `item-${index}`, place, available: 200, committed: 0 });
      this.#offered.set(`SKU-${index}`, 0);
    }
    await this.#apply(
      'shopify',
      this.#figures.map((level) => this.#report(level, true)),
    );
    await this.#apply(
      'amazon',
      [...this.#offered.keys()].map((sku) => this.#listing(sku)),
    );
    await this.#carryOut();
  }

  async #happen(): Promise<void> {
    const level = this.#figures[Math.floor(this.#random.next() * this.#figures.length)];
    if (level === undefined) return;
    const draw = this.#random.next();
    if (draw < 0.28) this.#sellAtTill(level);
    else if (draw < 0.38) this.#sellOnline(level);
    else if (draw < 0.5) this.#goOn();
    else if (draw < 0.72) {
      // A person corrects a figure in Shopify.
      level.available = Math.max(0, level.available + Math.round(this.#random.between(-6, 9)));
      this.#open.push({ source: 'shopify', change: this.#report(level, false) });
    } else if (draw < 0.82) this.#sellAtAmazon(level);
    else if (draw < 0.85) {
      // A person changes an offer in Seller Central.
      const sku = level.item.replace('item-', 'SKU-');
      this.#offered.set(sku, Math.floor(this.#random.between(0, 50)));
      this.#open.push({ source: 'amazon', change: this.#listing(sku) });
    } else await this.#edit(level);
  }

  #sellAtTill(level: Level): void {
    const quantity = this.#random.chance(0.8) ? 1 : 2;
    level.available -= quantity;
    const sold = this.#newOrder('shopify', level, quantity, 'sent');
    this.#open.push(
      { source: 'shopify', change: this.#order(sold, 'point_of_sale') },
      { source: 'shopify', change: this.#report(level, false) },
    );
  }

  #sellOnline(level: Level): void {
    const quantity = this.#random.chance(0.7) ? 1 : 3;
    level.available -= quantity;
    level.committed += quantity;
    const sold = this.#newOrder('shopify', level, quantity, 'placed');
    this.#pending.push(sold);
    this.#open.push(
      { source: 'shopify', change: this.#order(sold, 'online_store') },
      { source: 'shopify', change: this.#report(level, false) },
    );
  }

  /** Something becomes of an order: it is sent, cancelled, or what was sent comes back. */
  #goOn(): void {
    const at = Math.floor(this.#random.next() * this.#pending.length);
    const order = this.#pending[at];
    if (order === undefined) return;
    const { level, quantity, source } = order;
    const wasSent = order.state === 'sent';
    order.state = wasSent ? 'returned' : this.#random.chance(0.75) ? 'sent' : 'cancelled';
    // Most of what was sent stays where it went, and Amazon says nothing of what came back.
    const isOver = order.state !== 'sent' || source === 'amazon' || this.#random.chance(0.7);
    if (isOver) this.#pending.splice(at, 1);
    const change = this.#order(order, source === 'amazon' ? 'amazon' : 'online_store');
    this.#open.push({ source, change });
    if (source === 'amazon') return;
    if (order.state !== 'returned') level.committed -= quantity;
    if (order.state !== 'sent') {
      level.available += quantity;
      this.#open.push({ source, change: this.#report(level, false) });
    }
  }

  #newOrder(
    source: OpenOrder['source'],
    level: Level,
    quantity: number,
    state: OpenOrder['state'],
  ): OpenOrder {
    this.#orders += 1;
    return { source, remoteId: `${source}-${this.#orders}`, level, quantity, placedAt: this.#now(), state };
  }

  #sellAtAmazon(level: Level): void {
    const sku = level.item.replace('item-', 'SKU-');
    const offered = this.#offered.get(sku) ?? 0;
    if (offered === 0) return;
    this.#offered.set(sku, offered - 1);
    const sold = this.#newOrder('amazon', level, 1, 'placed');
    this.#pending.push(sold);
    this.#open.push(
      { source: 'amazon', change: this.#order(sold, 'amazon') },
      { source: 'amazon', change: this.#listing(sku) },
    );
  }

  async #edit(level: Level): Promise<void> {
    const { rows } = await this.#pool.query<{ variantId: bigint; locationId: bigint; available: number }>(
      `select s.variant_id as "variantId", s.location_id as "locationId", s.available
       from stock_level s join location l on l.id = s.location_id join listing g on g.variant_id = s.variant_id
       where l.remote_id = $1 and g.remote_inventory_item_id = $2`,
      [level.place, level.item],
    );
    const found = rows[0];
    if (found === undefined) return;
    const { variantId, locationId } = found;
    const quantity = Math.floor(this.#random.between(1, 5));
    const reason = 'bench';
    const draw = this.#random.next();
    const other = draw < 0.25 ? await this.#elsewhere(variantId, locationId) : null;
    const edit: Change =
      other !== null && found.available >= quantity
        ? {
            kind: 'stockTransfer',
            variantId,
            fromLocationId: locationId,
            toLocationId: other,
            quantity,
            reason,
          }
        : draw < 0.5
          ? { kind: 'stockAdjust', variantId, locationId, delta: quantity, reason, cause: 'receipt' }
          : draw < 0.75
            ? {
                kind: 'stockSet',
                variantId,
                locationId,
                count: 'available',
                quantity: found.available + quantity,
                reason,
              }
            : { kind: 'reservationCreate', variantId, locationId, quantity, reason, expiresAt: null };
    if (edit.kind === 'stockSet' && edit.quantity < 0) return;
    if (edit.kind === 'reservationCreate' && found.available < quantity) return;
    await this.#run('tributary', null, [edit]);
    if (edit.kind !== 'reservationCreate') return;
    const open = await this.#pool.query<{ id: bigint }>(
      'select id from reservation where released_at is null order by id limit 1',
    );
    const id = open.rows[0]?.id;
    if (id !== undefined && this.#random.chance(0.9))
      await this.#run('tributary', null, [
        { kind: 'reservationRelease', reservationId: id, outcome: 'released' },
      ]);
  }

  async #elsewhere(variantId: bigint, locationId: bigint): Promise<bigint | null> {
    const { rows } = await this.#pool.query<{ id: bigint }>(
      'select location_id as id from stock_level where variant_id = $1 and location_id <> $2 limit 1',
      [variantId, locationId],
    );
    return rows[0]?.id ?? null;
  }

  async #deliver(messages: { source: 'shopify' | 'amazon'; change: PlatformChange }[]): Promise<void> {
    const again = messages.filter(() => this.#random.chance(0.1));
    this.repeated += again.length;
    this.told += messages.length;
    const shuffled = [...messages, ...again]
      .map((message) => ({ message, order: this.#random.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ message }) => message);
    for (const source of ['shopify', 'amazon'] as const) {
      const changes = shuffled.filter((message) => message.source === source).map(({ change }) => change);
      for (let from = 0; from < changes.length; from += 50)
        await this.#apply(
          source,
          changes.slice(from, from + 50).map((change) => this.#decidable(change)),
        );
    }
  }

  /** As a worker does: what cannot be decided is read from the platform. */
  async #apply(source: 'shopify' | 'amazon', changes: PlatformChange[]): Promise<void> {
    if (changes.length === 0) return;
    const connectionId = source === 'shopify' ? this.#shopify : this.#amazon;
    if ((await this.#run(source, connectionId, changes)) !== 'needsFresh') return;
    for (const change of changes) {
      if ((await this.#run(source, connectionId, [change])) !== 'needsFresh') continue;
      await this.#run(source, connectionId, [this.#fresh(change)]);
    }
  }

  /** What was told so soon after a push of ours is read anyway: the write path would ask for it. */
  #decidable(change: PlatformChange): PlatformChange {
    if (change.kind !== 'stockLevel') return change;
    const settledMs = this.#settledMs.get(`${change.inventoryItemRemoteId}:${change.locationRemoteId}`) ?? 0;
    return change.version.sourceUpdatedAt.getTime() - settledMs < 2_500 ? this.#fresh(change) : change;
  }

  #fresh(change: PlatformChange): PlatformChange {
    if (change.kind === 'stockLevel') {
      const level = this.#figures.find(
        (one) => one.item === change.inventoryItemRemoteId && one.place === change.locationRemoteId,
      );
      if (level !== undefined) return this.#report(level, true);
    }
    return { ...change, version: { ...change.version, observedAt: this.#now() } };
  }

  async #run(
    source: PlatformName | 'tributary',
    connectionId: bigint | null,
    changes: Change[],
  ): Promise<string> {
    const applied = await transaction(this.#pool, (tx) =>
      applyChanges(tx, { changes, source, connectionId, deliveryId: null, now: new Date(), platforms }),
    );
    return applied.outcome;
  }

  /** The engine's part and the platforms': every push that waits takes effect. */
  async #carryOut(): Promise<void> {
    for (;;) {
      const { rows } = await this.#pool.query<{
        id: bigint;
        kind: string;
        subjectId: bigint;
        body: { inventoryItemId: string; locationId: string; delta: number; sku: string; quantity: number };
      }>(
        `update push set status = 'running', attempts = attempts + 1 where status = 'pending'
         returning id, kind, subject_id as "subjectId", body`,
      );
      if (rows.length === 0) return;
      const settled = rows.map(({ id, kind, subjectId, body }) => {
        if (kind === 'listingQuantity') {
          this.#offered.set(body.sku, body.quantity);
          return {
            id,
            type: 'Variant',
            subjectId,
            remoteType: 'listing',
            remoteId: body.sku,
            state: { quantity: body.quantity },
          };
        }
        const level = this.#figures.find(
          (one) => one.item === body.inventoryItemId && one.place === body.locationId,
        );
        if (level !== undefined) {
          level.available += body.delta;
          this.#open.push({ source: 'shopify', change: this.#report(level, false) });
        }
        const remoteId = `${body.inventoryItemId}:${body.locationId}`;
        this.#settledMs.set(remoteId, Date.now());
        return {
          id,
          type: 'StockLevel',
          subjectId,
          remoteType: 'inventoryLevel',
          remoteId,
          state: { available: level?.available },
        };
      });
      await this.#pool.query(
        `with x as (select * from jsonb_to_recordset($1::jsonb) as x(id bigint, "remoteType" text, "remoteId" text, state jsonb)),
           done as (update push p set status = 'settled', settled_at = clock_timestamp() from x where p.id = x.id)
         update link l set remote_state = l.remote_state || x.state, seen_at = clock_timestamp() from x
         where l.remote_type = x."remoteType" and l.remote_id = x."remoteId"`,
        [JSON.stringify(settled, (_key, value) => (typeof value === 'bigint' ? String(value) : value))],
      );
    }
  }

  #now(): Date {
    this.#clockMs = Math.max(this.#clockMs + 1, Date.now());
    return new Date(this.#clockMs);
  }

  #version(): PlatformChange['version'] {
    return { sourceUpdatedAt: this.#now(), observedAt: null };
  }

  #report(level: Level, whole: boolean): PlatformChange {
    const { available, committed } = level;
    const at = this.#now();
    return {
      kind: 'stockLevel',
      inventoryItemRemoteId: level.item,
      locationRemoteId: level.place,
      version: { sourceUpdatedAt: at, observedAt: whole ? at : null },
      available,
      ...(whole ? { onHand: available + committed, committed } : {}),
      observed: { available },
    };
  }

  #listing(sku: string): PlatformChange {
    const at = this.#now();
    return {
      kind: 'listing',
      remoteId: sku,
      version: { sourceUpdatedAt: at, observedAt: at },
      listing: {
        sku,
        productRemoteId: `ASIN-${sku}`,
        title: sku,
        fulfilledBy: 'merchant',
        buyable: true,
        price: null,
      },
      observed: { quantity: this.#offered.get(sku) ?? 0, fulfilledBy: 'merchant' },
    };
  }

  /** The order as it is now, as its platform tells it. */
  #order(
    { source, remoteId, level, quantity, placedAt, state }: OpenOrder,
    channel: CanonicalOrder['channel'],
  ): PlatformChange {
    const at = this.#now();
    const zero = { shop: 0n, presentment: 0n };
    const total = { shop: 1_000n * BigInt(quantity), presentment: 1_000n * BigInt(quantity) };
    const isTill = channel === 'point_of_sale';
    const wasSent = state === 'sent' || state === 'returned';
    // Amazon says of a cancelled order only that; Shopify says what became of its goods.
    const isGivenBack = source === 'shopify' && (state === 'cancelled' || state === 'returned');
    const order: CanonicalOrder = {
      number: `#${remoteId}`,
      channel,
      customer: null,
      locationRemoteId: isTill ? level.place : null,
      financialStatus: 'paid',
      fulfilmentStatus: wasSent ? 'fulfilled' : 'unfulfilled',
      currency: 'EUR',
      presentmentCurrency: 'EUR',
      subtotal: total,
      discount: zero,
      shipping: zero,
      tax: zero,
      duties: zero,
      tip: zero,
      rounding: zero,
      total,
      taxesIncluded: true,
      taxExempt: false,
      test: false,
      email: null,
      phone: null,
      billingAddress: null,
      shippingAddress: null,
      note: null,
      tags: [],
      attributes: [],
      cancelReason: null,
      placedAt,
      cancelledAt: state === 'cancelled' ? at : null,
      closedAt: null,
      lines: [
        {
          remoteId: 'line',
          variantRemoteId: level.item.replace('item-', source === 'shopify' ? 'variant-' : 'SKU-'),
          title: 'Goods',
          variantTitle: null,
          sku: level.item.replace('item-', 'SKU-'),
          vendor: null,
          quantity,
          refundedQuantity: isGivenBack ? quantity : 0,
          unitPrice: { shop: 1_000n, presentment: 1_000n },
          discount: zero,
          tax: zero,
          taxable: true,
          giftCard: false,
          requiresShipping: true,
          duties: zero,
          properties: [],
          allocations: [],
          taxLines: [],
        },
      ],
      shippingLines: [],
      discounts: [],
      orderTaxLines: [],
      transactions: [],
      fulfilments: wasSent
        ? [
            {
              remoteId: 'sent',
              status: 'success',
              trackingCompany: null,
              trackingNumbers: [],
              trackingUrls: [],
              locationRemoteId: source === 'shopify' ? level.place : null,
              createdAt: isTill ? placedAt : at,
              updatedAt: at,
              lines: [{ lineRemoteId: 'line', quantity }],
            },
          ]
        : [],
      refunds: isGivenBack
        ? [
            {
              remoteId: 'back',
              note: null,
              refundedAt: at,
              lines: [
                {
                  remoteId: 'back-line',
                  lineRemoteId: 'line',
                  quantity,
                  restockType: state === 'cancelled' ? 'cancel' : 'return',
                  locationRemoteId: level.place,
                  subtotal: total,
                  tax: zero,
                },
              ],
              adjustments: [],
              transactions: [],
            },
          ]
        : [],
    };
    return {
      kind: 'order',
      remoteId,
      version: { sourceUpdatedAt: at, observedAt: null },
      order,
    };
  }
}
