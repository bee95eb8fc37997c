import { emptyAddress } from './catalogue.ts';
import { allocate } from './commerce/allocate.ts';
import { type Bag, convert, parseMinor, parsePpm, roundingTo, zeroBag } from './commerce/money.ts';
import { type PriceDiscount, type PricedOrder, type PricedPart, priceOrder } from './commerce/price-order.ts';
import { summarise } from './commerce/summary.ts';
import type {
  Address,
  Attribute,
  Customer,
  DiscountAllocation,
  DiscountApplication,
  LineItem,
  Order,
  TaxLine,
  Transaction,
  Variant,
} from './commerce/types.ts';
import {
  type CustomerInput,
  createCustomer,
  normaliseTags,
  updateCustomer,
  upsertCustomer,
} from './customers.ts';
import { addFulfillment, creditCustomer, ordersPaid } from './orders.ts';
import { recordBalance } from './payouts.ts';
import { type DiscountCode, type Shop, ShopError } from './shop.ts';
import { changeLevel, routeLine } from './stock.ts';

/** Decimal amounts come as text, so that nobody has to think about floats; numbers are read as they print. */
export type Decimal = string | number;

export interface DiscountInput {
  title?: string;
  percent?: Decimal;
  amount?: Decimal;
}

export interface OrderLineInput {
  sku?: string;
  variantId?: string;
  /** A line that is in no catalogue needs a title and a price. */
  title?: string;
  price?: Decimal;
  quantity?: number;
  discount?: DiscountInput;
  /** false: no tax whatever the rates. Absent = as the variant says. */
  taxable?: boolean;
  /** Import duty on the whole line. */
  duty?: Decimal;
  /** Custom line properties. */
  properties?: Record<string, string> | Attribute[];
}

export interface PlaceOrderInput {
  channel?: 'online' | 'pos' | 'web';
  customerId?: string;
  customerEmail?: string;
  /** Found by its email address or created. */
  customer?: CustomerInput;
  email?: string | null;
  phone?: string | null;
  lines: OrderLineInput[];
  /** A known code (WELCOME10, SAVE5, FREESHIP) or one made up on the spot. */
  discountCode?: string | (DiscountInput & { code: string; target?: 'order' | 'shipping' });
  automaticDiscount?: DiscountInput & { target?: 'order' | 'shipping' };
  shipping?: Decimal | { title?: string; price: Decimal };
  /** `channelLiable`: collected and remitted by the channel. */
  taxRates?: { title?: string; rate: Decimal; channelLiable?: boolean }[];
  taxesIncluded?: boolean;
  taxShipping?: boolean;
  tip?: Decimal;
  note?: string | null;
  attributes?: Record<string, string> | Attribute[];
  tags?: string[];
  /** The customer's currency, with the rate from the shop's. */
  currency?: string;
  exchangeRate?: Decimal;
  locationId?: string;
  /** false leaves the order unpaid; `authorizedOnly` reserves the money without taking it. */
  paid?: boolean;
  authorizedOnly?: boolean;
  /** Tenders in the shop's currency; one without an amount takes what is left. */
  payments?: { gateway: string; amount?: Decimal }[];
  /** The smallest coin, for example 0.05: what is paid in cash is rounded to it. */
  cashRounding?: Decimal;
  /** Redeemed from a gift card before other tenders. */
  giftCard?: Decimal;
  shippingAddress?: Partial<Address> | null;
  billingAddress?: Partial<Address> | null;
  poNumber?: string;
  locale?: string;
  test?: boolean;
  processedAt?: string;
}

/** An order as the shop takes it, at the till or online, with everything that follows from it. */
export function placeOrder(shop: Shop, input: PlaceOrderInput): Order {
  const now = shop.nowMs();
  const channel = input.channel === 'pos' ? 'pos' : 'online';
  const location = locationFor(shop, channel, input.locationId);
  const resolved = resolveLines(shop, input.lines);
  const currency = shop.profile.currency;
  const presentmentCurrency = input.currency ?? currency;
  const ratePpm =
    presentmentCurrency === currency
      ? 1_000_000
      : parsePpm(input.exchangeRate ?? defaultRate(presentmentCurrency));
  const toPresentment = (minor: number): number => convert(minor, ratePpm, currency, presentmentCurrency);
  const bagOf = (minor: number): Bag => ({ shop: minor, presentment: toPresentment(minor) });

  const { applications, targets } = discountsOf(shop, input, resolved, bagOf);
  const taxRates = (input.taxRates ?? [{ title: 'Arizona State Tax', rate: '0.086' }]).map((one) => ({
    title: one.title ?? 'Tax',
    ratePpm: parsePpm(one.rate),
    ...(one.channelLiable === undefined ? {} : { channelLiable: one.channelLiable }),
  }));
  const shipping = shippingOf(input.shipping, currency);
  const tip = bagOf(input.tip === undefined ? 0 : parseMinor(input.tip, currency));
  const taxesIncluded = input.taxesIncluded ?? shop.profile.taxesIncluded;
  const taxShipping = input.taxShipping ?? shop.profile.taxShipping;

  // Last, because it may create somebody: an order that is refused must leave no trace.
  const customer = resolveCustomer(shop, input);

  // Each currency is priced on its own from converted unit prices, so that the totals of both are sums of their parts.
  const priceIn = (side: keyof Bag): PricedOrder =>
    priceOrder({
      lines: resolved.map((line) => ({
        unitMinor: line.unit[side],
        quantity: line.quantity,
        taxable: line.taxable && customer?.taxExempt !== true,
      })),
      discounts: applications.map((application, index) => ({
        target: targets[index] ?? { kind: 'order' },
        value:
          application.value.kind === 'percentage'
            ? application.value
            : { kind: 'fixed', minor: application.value.minor[side] },
      })),
      shipping: shipping === null ? [] : [{ priceMinor: bagOf(shipping.priceMinor)[side] }],
      taxRatesPpm: taxRates.map((one) => one.ratePpm),
      taxesIncluded,
      taxShipping: taxShipping && customer?.taxExempt !== true,
      tipMinor: tip[side],
    });
  for (const line of resolved) line.unit = bagOf(line.unit.shop);
  const shopPrices = priceIn('shop');
  const presentmentPrices = presentmentCurrency === currency ? shopPrices : priceIn('presentment');

  const number = shop.nextOrderNumber() + 1000;
  const orderId = shop.nextId('Order');
  const order: Order = {
    typename: 'Order',
    id: orderId,
    revision: 0,
    number,
    name: `#${number}`,
    createdAtMs: now,
    processedAtMs: input.processedAt === undefined ? now : Date.parse(input.processedAt),
    updatedAtMs: now,
    closedAtMs: null,
    cancelledAtMs: null,
    cancelReason: null,
    cancelNote: null,
    confirmationNumber: code(shop, 9),
    token: code(shop, 32).toLowerCase(),
    test: input.test ?? false,
    edited: false,
    channel,
    locationId: channel === 'pos' ? location : null,
    customerId: customer?.id ?? null,
    credited: { orders: 0, spentMinor: 0 },
    email: input.email !== undefined ? input.email : (customer?.email ?? null),
    phone: input.phone ?? null,
    note: input.note ?? null,
    poNumber: input.poNumber ?? null,
    tags: normaliseTags(input.tags ?? []),
    customAttributes: attributesOf(input.attributes),
    locale: input.locale ?? customer?.locale ?? 'en',
    billingAddress: addressFor(input.billingAddress, customer, channel),
    shippingAddress: addressFor(input.shippingAddress, customer, channel),
    currency,
    presentmentCurrency,
    ratePpm,
    taxesIncluded,
    taxShipping,
    taxRates,
    discountApplications: applications,
    lines: resolved.map((line, index) =>
      lineFrom(shop, orderId, line, location, {
        shop: shopPrices.lines[index],
        presentment: presentmentPrices.lines[index],
        taxRates,
        dutyOf: bagOf,
      }),
    ),
    shippingLines:
      shipping === null
        ? []
        : [
            {
              typename: 'ShippingLine',
              id: shop.nextId('ShippingLine'),
              title: shipping.title,
              code: shipping.title,
              price: bagOf(shipping.priceMinor),
              ...partFrom({
                shop: shopPrices.shipping[0],
                presentment: presentmentPrices.shipping[0],
                taxRates,
              }),
            },
          ],
    tip,
    originalTotal: zeroBag,
    transactions: [],
    refunds: [],
    returns: [],
    fulfillments: [],
    fulfillmentOrders: [],
  };
  order.originalTotal = summarise(order).total;
  takePayments(shop, order, input);
  order.revision += 1;
  commitStock(shop, order);
  if (customer !== null) customer.orderIds.push(order.id);
  shop.addOrder(order);
  announce(shop, order, customer);
  return order;
}

/** Adds units of a variant to an order, priced without the discounts of the order (as an edit of the order does). */
export function lineForEdit(shop: Shop, order: Order, input: OrderLineInput): LineItem {
  const [line] = resolveLines(shop, [input]);
  if (line === undefined) throw new ShopError('an added line needs a SKU', ['lines']);
  line.unit = {
    shop: line.unit.shop,
    presentment: convert(line.unit.shop, order.ratePpm, order.currency, order.presentmentCurrency),
  };
  const price = (side: keyof Bag): PricedPart | undefined =>
    priceOrder({
      lines: [{ unitMinor: line.unit[side], quantity: line.quantity, taxable: line.taxable }],
      discounts: [],
      shipping: [],
      taxRatesPpm: order.taxRates.map((one) => one.ratePpm),
      taxesIncluded: order.taxesIncluded,
      taxShipping: false,
      tipMinor: 0,
    }).lines[0];
  return lineFrom(shop, order.id, line, order.locationId, {
    shop: price('shop'),
    presentment: price('presentment'),
    taxRates: order.taxRates,
  });
}

/** Takes units of a line out of what can be sold; they stay on the shelf until they are fulfilled. */
export function commitLine(shop: Shop, line: LineItem, quantity: number): void {
  if (line.inventoryItemId === null || line.locationId === null) return;
  changeLevel(shop, line.inventoryItemId, line.locationId, { available: -quantity, committed: quantity });
}

/** Gives the line a place in the fulfilment order of its location. */
export function assignFulfillmentOrder(shop: Shop, order: Order, line: LineItem): void {
  if (!line.requiresShipping && line.inventoryItemId === null) return;
  const locationId = line.locationId ?? shop.locations.keys().next().value;
  if (locationId === undefined) return;
  if (!order.fulfillmentOrders.some((one) => one.locationId === locationId)) {
    order.fulfillmentOrders.push({
      typename: 'FulfillmentOrder',
      id: shop.nextId('FulfillmentOrder'),
      orderId: order.id,
      locationId,
    });
  }
  line.fulfillmentOrderLineId = shop.nextId('FulfillmentOrderLineItem');
}

export function attributesOf(given: Record<string, string> | readonly Attribute[] | undefined): Attribute[] {
  if (given === undefined) return [];
  if (Array.isArray(given)) return given.map((one: Attribute) => ({ key: one.key, value: one.value }));
  return Object.entries(given as Record<string, string>).map(([key, value]) => ({
    key,
    value: String(value),
  }));
}

interface ResolvedLine {
  variant: Variant | null;
  title: string;
  vendor: string | null;
  isGiftCard: boolean;
  unit: Bag;
  quantity: number;
  taxable: boolean;
  requiresShipping: boolean;
  properties: Attribute[];
  discount: DiscountInput | null;
  dutyMinor: number;
}

function resolveLines(shop: Shop, inputs: readonly OrderLineInput[]): ResolvedLine[] {
  if (!Array.isArray(inputs) || inputs.length === 0) throw new ShopError('an order needs lines', ['lines']);
  return inputs.map((input, index) => {
    const field = ['lines', String(index)];
    const quantity = input.quantity ?? 1;
    if (!Number.isInteger(quantity) || quantity <= 0)
      throw new ShopError('quantity must be a whole number above 0', [...field, 'quantity']);
    const variant = variantFor(shop, input);
    if (variant === undefined && (input.title === undefined || input.price === undefined))
      throw new ShopError(
        `no variant ${input.sku ?? input.variantId ?? '(no SKU given)'}`,
        [...field, 'sku'],
        404,
      );
    const product = variant === undefined ? undefined : shop.products.get(variant.productId);
    const item = variant === undefined ? undefined : shop.items.get(variant.inventoryItemId);
    const minor =
      input.price === undefined ? (variant?.priceMinor ?? 0) : parseMinor(input.price, shop.profile.currency);
    return {
      variant: variant ?? null,
      title: input.title ?? product?.title ?? 'Custom item',
      vendor: product?.vendor ?? null,
      isGiftCard: product?.isGiftCard ?? false,
      unit: { shop: minor, presentment: minor },
      quantity,
      taxable: input.taxable ?? variant?.taxable ?? true,
      requiresShipping: item?.requiresShipping ?? false,
      properties: attributesOf(input.properties),
      discount: input.discount ?? null,
      dutyMinor: input.duty === undefined ? 0 : parseMinor(input.duty, shop.profile.currency),
    };
  });
}

function variantFor(shop: Shop, input: OrderLineInput): Variant | undefined {
  if (input.variantId !== undefined) return shop.variants.get(input.variantId);
  if (input.sku !== undefined) return shop.variantBySku.get(input.sku);
  // Somebody who only wants to see an order come in need not know the catalogue.
  if (input.title !== undefined || shop.variantBySku.size === 0) return undefined;
  return shop.random.pick([...shop.variantBySku.values()]);
}

function resolveCustomer(shop: Shop, input: PlaceOrderInput): Customer | null {
  if (input.customerId !== undefined) {
    const customer = shop.customers.get(input.customerId);
    if (customer === undefined) throw new ShopError(`no customer ${input.customerId}`, ['customerId'], 404);
    return customer;
  }
  if (input.customer !== undefined) {
    const { id, email } = input.customer;
    const known =
      id !== undefined
        ? shop.customers.get(id)
        : email
          ? shop.customerByEmail.get(email.toLowerCase())
          : undefined;
    if (known === undefined) return createCustomer(shop, input.customer);
    const { id: _id, email: _email, ...rest } = input.customer;
    return Object.keys(rest).length === 0 ? known : updateCustomer(shop, known, rest);
  }
  if (input.customerEmail === undefined) return null;
  return (
    shop.customerByEmail.get(input.customerEmail.toLowerCase()) ??
    upsertCustomer(shop, { email: input.customerEmail })
  );
}

function locationFor(shop: Shop, channel: 'online' | 'pos', given: string | undefined): string | null {
  if (given !== undefined) {
    if (!shop.locations.has(given)) throw new ShopError(`no location ${given}`, ['locationId'], 404);
    return given;
  }
  if (channel === 'online') return null;
  const first = shop.locations.keys().next().value;
  if (first === undefined) throw new ShopError('the shop has no location');
  return first;
}

function discountsOf(
  shop: Shop,
  input: PlaceOrderInput,
  lines: readonly ResolvedLine[],
  bagOf: (minor: number) => Bag,
): { applications: DiscountApplication[]; targets: PriceDiscount['target'][] } {
  const applications: DiscountApplication[] = [];
  const targets: PriceDiscount['target'][] = [];
  const discountValue = (given: DiscountInput): DiscountApplication['value'] => {
    if (given.percent !== undefined) return { kind: 'percentage', ppm: parsePpm(given.percent) / 100 };
    if (given.amount === undefined) throw new ShopError('a discount needs percent or amount', ['discount']);
    return { kind: 'fixed', minor: bagOf(parseMinor(given.amount, shop.profile.currency)) };
  };
  for (const [index, line] of lines.entries()) {
    if (line.discount === null) continue;
    applications.push({
      type: 'manual',
      label: line.discount.title ?? 'Staff discount',
      description: line.discount.title ?? 'Staff discount',
      value: discountValue(line.discount),
      target: 'line_item',
      selection: 'explicit',
      method: 'across',
    });
    targets.push({ kind: 'lines', indices: [index] });
  }
  const whole = (
    type: DiscountApplication['type'],
    label: string,
    target: 'order' | 'shipping',
    value: DiscountApplication['value'],
  ): void => {
    applications.push({
      type,
      label,
      description: null,
      value,
      target: target === 'order' ? 'line_item' : 'shipping_line',
      selection: 'all',
      method: target === 'order' ? 'across' : 'each',
    });
    targets.push({ kind: target });
  };
  if (input.automaticDiscount !== undefined) {
    const { title, target } = input.automaticDiscount;
    whole('automatic', title ?? 'Seasonal sale', target ?? 'order', discountValue(input.automaticDiscount));
  }
  if (input.discountCode !== undefined) {
    const given = input.discountCode;
    if (typeof given === 'string') {
      const known: DiscountCode | undefined = shop.discountCodes.get(given.toUpperCase());
      if (known === undefined) throw new ShopError(`no discount code ${given}`, ['discountCode'], 404);
      whole(
        'discount_code',
        known.code,
        known.target,
        known.value.kind === 'fixed' ? { kind: 'fixed', minor: bagOf(known.value.minor) } : known.value,
      );
    } else whole('discount_code', given.code, given.target ?? 'order', discountValue(given));
  }
  return { applications, targets };
}

function shippingOf(
  given: PlaceOrderInput['shipping'],
  currency: string,
): { title: string; priceMinor: number } | null {
  if (given === undefined) return null;
  if (typeof given === 'object') {
    return { title: given.title ?? 'Standard', priceMinor: parseMinor(given.price, currency) };
  }
  return { title: 'Standard', priceMinor: parseMinor(given, currency) };
}

interface PartPrices {
  shop: PricedPart | undefined;
  presentment: PricedPart | undefined;
  taxRates: Order['taxRates'];
  /** Both currencies of a duty. */
  dutyOf?: (minor: number) => Bag;
}

function partFrom(prices: PartPrices): { allocations: DiscountAllocation[]; taxLines: TaxLine[] } {
  const { shop, presentment, taxRates } = prices;
  if (shop === undefined || presentment === undefined) throw new RangeError('a part was not priced');
  return {
    allocations: shop.discountMinors
      .map((minor, applicationIndex) => ({
        applicationIndex,
        amount: { shop: minor, presentment: presentment.discountMinors[applicationIndex] ?? 0 },
      }))
      .filter((one) => one.amount.shop !== 0 || one.amount.presentment !== 0),
    taxLines: taxRates
      .map((rate, index) => ({
        ...rate,
        price: { shop: shop.taxMinors[index] ?? 0, presentment: presentment.taxMinors[index] ?? 0 },
      }))
      .filter((one) => one.price.shop !== 0 || one.price.presentment !== 0),
  };
}

function lineFrom(
  shop: Shop,
  orderId: string,
  line: ResolvedLine,
  locationId: string | null,
  prices: PartPrices,
): LineItem {
  const item = line.variant === null ? undefined : shop.items.get(line.variant.inventoryItemId);
  const tracked = item?.tracked === true;
  return {
    typename: 'LineItem',
    id: shop.nextId('LineItem'),
    orderId,
    variantId: line.variant?.id ?? null,
    productId: line.variant?.productId ?? null,
    inventoryItemId: tracked ? item.id : null,
    locationId: tracked ? (locationId ?? routeLine(shop, item.id, line.quantity)) : null,
    fulfillmentOrderLineId: null,
    title: line.title,
    variantTitle: line.variant === null || line.variant.title === 'Default Title' ? null : line.variant.title,
    sku: line.variant?.sku ?? null,
    vendor: line.vendor,
    quantity: line.quantity,
    fulfilledQuantity: 0,
    refundedQuantity: 0,
    cancelledQuantity: 0,
    unitPrice: line.unit,
    taxable: line.taxable,
    requiresShipping: line.requiresShipping,
    isGiftCard: line.isGiftCard,
    grams: line.variant?.grams ?? 0,
    customAttributes: line.properties,
    ...partFrom(prices),
    duties:
      line.dutyMinor === 0 || prices.dutyOf === undefined
        ? []
        : [
            {
              typename: 'Duty',
              id: shop.nextId('Duty'),
              harmonizedSystemCode: '420292',
              countryCodeOfOrigin: 'CN',
              price: prices.dutyOf(line.dutyMinor),
            },
          ],
  };
}

function takePayments(shop: Shop, order: Order, input: PlaceOrderInput): void {
  if (input.paid === false && input.authorizedOnly !== true) return;
  const total = order.originalTotal;
  const wanted = [
    ...(input.giftCard === undefined ? [] : [{ gateway: 'gift_card', amount: input.giftCard }]),
    ...(input.payments ?? []),
  ];
  const tenders: { gateway: string; shop: number }[] = [];
  let left = total.shop;
  for (const tender of wanted) {
    const amount =
      tender.amount === undefined ? left : Math.min(left, parseMinor(tender.amount, order.currency));
    left -= amount;
    if (amount > 0) tenders.push({ gateway: tender.gateway, shop: amount });
  }
  if (left > 0) tenders.push({ gateway: order.channel === 'pos' ? 'cash' : 'shopify_payments', shop: left });
  const presentment = allocate(
    total.shop === 0 ? 0 : total.presentment,
    tenders.map((tender) => tender.shop),
  );
  for (const [index, tender] of tenders.entries()) {
    const kind: Transaction['kind'] =
      input.authorizedOnly === true && tender.gateway !== 'gift_card' ? 'AUTHORIZATION' : 'SALE';
    addTransaction(shop, order, {
      kind,
      gateway: tender.gateway,
      amount: { shop: tender.shop, presentment: presentment[index] ?? 0 },
      rounding: tender.gateway === 'cash' ? coins(order, tender.shop, input.cashRounding) : null,
    });
  }
}

/** What paying in whole coins adds; null where nothing is rounded. Only in the shop's own currency. */
export function coins(order: Order, minor: number, coin: Decimal | undefined): Bag | null {
  if (coin === undefined || order.currency !== order.presentmentCurrency) return null;
  const added = roundingTo(minor, parseMinor(coin, order.currency));
  return added === 0 ? null : { shop: added, presentment: added };
}

export function addTransaction(
  shop: Shop,
  order: Order,
  given: Pick<Transaction, 'kind' | 'gateway' | 'amount'> & Partial<Transaction>,
): Transaction {
  const now = shop.nowMs();
  const transaction: Transaction = {
    typename: 'OrderTransaction',
    id: shop.nextId('OrderTransaction'),
    orderId: order.id,
    status: 'SUCCESS',
    rounding: null,
    createdAtMs: now,
    processedAtMs: now,
    parentId: null,
    locationId: order.locationId,
    message: null,
    ...given,
  };
  order.transactions.push(transaction);
  recordBalance(shop, order, transaction);
  return transaction;
}

function commitStock(shop: Shop, order: Order): void {
  for (const line of order.lines) {
    commitLine(shop, line, line.quantity);
    assignFulfillmentOrder(shop, order, line);
  }
}

/** What a real shop sends when an order comes in. */
function announce(shop: Shop, order: Order, customer: Customer | null): void {
  shop.emit('orders/create', order.id);
  for (const transaction of order.transactions) shop.emit('order_transactions/create', transaction.id);
  if (order.channel === 'pos') addFulfillment(shop, order, { tracking: null, quantities: null });
  else shop.emit('orders/updated', order.id);
  if (summarise(order).financialStatus === 'PAID') ordersPaid(shop, order);
  if (customer !== null) creditCustomer(shop, customer, order);
  for (const productId of new Set(order.lines.map((line) => line.productId)))
    if (productId !== null) shop.emit('products/update', productId);
}

function addressFor(
  given: Partial<Address> | null | undefined,
  customer: Customer | null,
  channel: 'online' | 'pos',
): Address | null {
  if (given === null) return null;
  if (given !== undefined) return { ...emptyAddress, ...given };
  if (channel === 'pos' || customer === null) return null;
  const known = customer.addresses.find((one) => one.id === customer.defaultAddressId);
  if (known === undefined) return null;
  const { id: _id, typename: _typename, ...address } = known;
  return address;
}

function defaultRate(currency: string): string {
  const rates: Record<string, string> = {
    EUR: '0.92',
    GBP: '0.79',
    CAD: '1.37',
    AUD: '1.52',
    JPY: '151.3',
    MXN: '18.4',
  };
  const rate = rates[currency];
  if (rate === undefined)
    throw new ShopError(`an order in ${currency} needs an exchangeRate`, ['exchangeRate']);
  return rate;
}

function code(shop: Shop, length: number): string {
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  let text = '';
  for (let index = 0; index < length; index += 1) text += alphabet[shop.random.int(0, alphabet.length - 1)];
  return text;
}
