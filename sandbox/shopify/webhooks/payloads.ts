import { add, type Bag, fixed, negate, short, subtract, zeroBag } from '../commerce/money.ts';
import { currentQuantity, fulfillableQuantity, shippingNet, summarise } from '../commerce/summary.ts';
import type {
  Address,
  Adjustment,
  Customer,
  CustomerAddress,
  DiscountAllocation,
  DiscountApplication,
  Fulfillment,
  InventoryItem,
  LineItem,
  Order,
  Product,
  Refund,
  RefundLine,
  RefundShipping,
  ShippingLine,
  TaxLine,
  Transaction,
  Variant,
} from '../commerce/types.ts';
import { gid, levelGid, type Shop, ShopError, type ShopEvent } from '../shop.ts';
import { digits, digitsOrNull } from './exact-json.ts';

type Payload = Record<string, unknown>;

/** Where the amount goes in the shop's money formats. */
const amountPlaceholder = '$\u007b{amount}}';

/** The body of a webhook: the record as it stands now, in the shape of the legacy REST API. */
export function payloadOf(shop: Shop, event: ShopEvent): Payload {
  const { topic, subjectId } = event;
  const [kind] = topic.split('/');
  switch (kind) {
    case 'orders':
      return topic === 'orders/edited'
        ? orderEditPayload(shop, subjectId, event.detail)
        : orderPayload(shop, must(shop.orders.get(subjectId), 'order', subjectId));
    case 'refunds': {
      const order = must(shop.orderByPart.get(subjectId), 'refund', subjectId);
      const refund = must(
        order.refunds.find((one) => one.id === subjectId),
        'refund',
        subjectId,
      );
      return refundPayload(shop, order, refund);
    }
    case 'fulfillments': {
      const order = must(shop.orderByPart.get(subjectId), 'fulfillment', subjectId);
      const fulfillment = must(
        order.fulfillments.find((one) => one.id === subjectId),
        'fulfillment',
        subjectId,
      );
      return fulfillmentPayload(shop, order, fulfillment);
    }
    case 'reverse_fulfillment_orders':
      return disposePayload(
        must(shop.orderByPart.get(subjectId), 'reverse fulfillment order', subjectId),
        subjectId,
      );
    case 'order_transactions': {
      const order = must(shop.orderByPart.get(subjectId), 'transaction', subjectId);
      const transaction = must(
        order.transactions.find((one) => one.id === subjectId),
        'transaction',
        subjectId,
      );
      return {
        ...transactionPayload(shop, order, transaction),
        payment_details: paymentDetails(transaction),
      };
    }
    case 'customers':
      return customerTopicPayload(shop, topic, subjectId);
    case 'products':
      return topic === 'products/delete'
        ? { id: digits(subjectId) }
        : productPayload(shop, must(shop.products.get(subjectId), 'product', subjectId));
    case 'inventory_levels':
      return levelPayload(shop, subjectId);
    case 'inventory_items':
      return itemPayload(shop, must(shop.items.get(subjectId), 'inventory item', subjectId));
    case 'shop':
      return topic === 'shop/redact'
        ? { shop_id: digits(shop.profile.id), shop_domain: shop.profile.domain }
        : shopPayload(shop);
    case 'app':
      return shopPayload(shop);
    default:
      throw new ShopError(`the sandbox has no payload for ${topic}`, ['topic'], 404);
  }
}

/** 2021-12-31T19:00:00-05:00: seconds, in the shop's time zone. */
function restTime(shop: Shop, atMs: number): string {
  const { offsetMinutes } = shop.profile;
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const absolute = Math.abs(offsetMinutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${local}${sign}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

export function orderPayload(shop: Shop, order: Order): Payload {
  const sums = summarise(order);
  const set = (bag: Bag): Payload => moneySet(order, bag);
  const text = (bag: Bag): string => fixed(bag.shop, order.currency);
  const customer = order.customerId === null ? undefined : shop.customers.get(order.customerId);
  const hasDuties = order.lines.some((line) => line.duties.length > 0);
  return {
    id: digits(order.id),
    admin_graphql_api_id: gid('Order', order.id),
    app_id: digits(order.channel === 'pos' ? '129785' : '580111'),
    browser_ip: order.channel === 'pos' ? null : '203.0.113.7',
    buyer_accepts_marketing: customer?.marketing === 'SUBSCRIBED',
    cancel_reason: order.cancelReason?.toLowerCase() ?? null,
    cancelled_at: timeOrNull(shop, order.cancelledAtMs),
    cart_token: null,
    checkout_token: order.channel === 'pos' ? null : order.token.slice(0, 16),
    client_details: null,
    closed_at: timeOrNull(shop, order.closedAtMs),
    confirmation_number: order.confirmationNumber,
    confirmed: true,
    contact_email: order.email,
    created_at: restTime(shop, order.createdAtMs),
    currency: order.currency,
    current_shipping_price_set: set(sums.currentShipping),
    current_subtotal_price: text(sums.currentSubtotal),
    current_subtotal_price_set: set(sums.currentSubtotal),
    current_total_additional_fees_set: null,
    current_total_discounts: text(sums.currentDiscounts),
    current_total_discounts_set: set(sums.currentDiscounts),
    current_total_duties_set: hasDuties ? set(sums.currentDuties) : null,
    current_total_price: text(sums.currentTotal),
    current_total_price_set: set(sums.currentTotal),
    current_total_tax: text(sums.currentTax),
    current_total_tax_set: set(sums.currentTax),
    customer_locale: order.locale,
    device_id: order.channel === 'pos' ? digits('1') : null,
    discount_codes: discountCodes(order),
    duties_included: false,
    email: order.email ?? '',
    estimated_taxes: false,
    financial_status: sums.financialStatus.toLowerCase(),
    fulfillment_status: fulfillmentStatus(sums.fulfillmentState),
    landing_site: null,
    landing_site_ref: null,
    location_id: digitsOrNull(order.locationId),
    merchant_business_entity_id: 'MTU0ODM4MDAwOQ',
    merchant_of_record_app_id: null,
    name: order.name,
    note: order.note,
    note_attributes: order.customAttributes.map((one) => ({ name: one.key, value: one.value })),
    number: order.number - 1000,
    order_number: order.number,
    order_status_url: statusUrl(shop, order),
    original_total_additional_fees_set: null,
    original_total_duties_set: hasDuties ? set(sums.duties) : null,
    payment_gateway_names: gateways(order),
    phone: order.phone,
    po_number: order.poNumber,
    presentment_currency: order.presentmentCurrency,
    processed_at: restTime(shop, order.processedAtMs),
    reference: null,
    referring_site: null,
    source_identifier: null,
    source_name: order.channel === 'pos' ? 'pos' : 'web',
    source_url: null,
    subtotal_price: text(sums.subtotal),
    subtotal_price_set: set(sums.subtotal),
    tags: order.tags.join(', '),
    tax_exempt: customer?.taxExempt ?? false,
    tax_lines: sums.taxLines.map((line) => taxLine(order, line)),
    taxes_included: order.taxesIncluded,
    test: order.test,
    token: order.token,
    total_cash_rounding_payment_adjustment_set: set(sums.paymentRounding),
    total_cash_rounding_refund_adjustment_set: set(sums.refundRounding),
    total_discounts: text(sums.discounts),
    total_discounts_set: set(sums.discounts),
    total_line_items_price: text(sums.lineItemsTotal),
    total_line_items_price_set: set(sums.lineItemsTotal),
    total_outstanding: text(sums.outstanding),
    total_price: text(sums.total),
    total_price_set: set(sums.total),
    total_shipping_price_set: set(sums.shipping),
    total_tax: text(sums.tax),
    total_tax_set: set(sums.tax),
    total_tip_received: text(order.tip),
    total_weight: sums.grams,
    updated_at: restTime(shop, order.updatedAtMs),
    user_id: null,
    billing_address: order.billingAddress === null ? null : orderAddress(order.billingAddress),
    customer: customer === undefined ? null : customerInOrder(shop, customer),
    discount_applications: order.discountApplications.map((one) => discountApplication(order, one)),
    fulfillments: order.fulfillments.map((one) => fulfillmentPayload(shop, order, one)),
    line_items: order.lines.map((line) => orderLine(shop, order, line)),
    payment_terms: null,
    refunds: order.refunds.map((one) => refundPayload(shop, order, one)),
    shipping_address: order.shippingAddress === null ? null : orderAddress(order.shippingAddress),
    shipping_lines: order.shippingLines.map((line) => shippingLine(order, line)),
    returns: order.returns.map((one) => ({
      id: digits(one.id),
      admin_graphql_api_id: gid('Return', one.id),
      name: `${order.name}-R${one.number}`,
      status: one.closedAtMs === null ? 'open' : 'closed',
    })),
    line_item_groups: [],
  };
}

/** Names the reverse fulfillment order and what became of its pieces, and neither return nor order. */
function disposePayload(order: Order, reverseId: string): Payload {
  const given = must(
    order.returns.find((one) => one.reverseId === reverseId),
    'reverse fulfillment order',
    reverseId,
  );
  const dispositions = given.lines.flatMap((line) =>
    line.dispositions.map((one) => ({
      reverse_fulfillment_order_line_item: {
        id: digits(line.id),
        admin_graphql_api_id: gid('ReverseFulfillmentOrderLineItem', line.id),
      },
      reverse_delivery_line_item: null,
      type: one.type.toLowerCase(),
      location:
        one.locationId === null
          ? null
          : { id: digits(one.locationId), admin_graphql_api_id: gid('Location', one.locationId) },
      quantity: one.quantity,
    })),
  );
  return {
    id: digits(reverseId),
    admin_graphql_api_id: gid('ReverseFulfillmentOrder', reverseId),
    dispositions,
    total_dispositions: dispositions.length,
  };
}

function refundPayload(shop: Shop, order: Order, refund: Refund): Payload {
  return {
    id: digits(refund.id),
    order_id: digits(order.id),
    created_at: restTime(shop, refund.createdAtMs),
    note: refund.note,
    user_id: null,
    processed_at: restTime(shop, refund.processedAtMs),
    duties: refund.duties.map((one) => ({
      duty_id: digits(one.dutyId),
      amount_set: moneySet(order, one.amount),
    })),
    total_duties_set: moneySet(order, add(...refund.duties.map((one) => one.amount))),
    return:
      refund.returnId === null
        ? null
        : { id: digits(refund.returnId), admin_graphql_api_id: gid('Return', refund.returnId) },
    refund_shipping_lines: refund.shipping.map((one) => refundShipping(order, one)),
    restock: refund.lines.some((one) => one.restockType !== 'NO_RESTOCK'),
    admin_graphql_api_id: gid('Refund', refund.id),
    order_adjustments: [
      ...refund.shipping.map((one) => shippingAdjustment(order, refund, one)),
      ...refund.adjustments.map((one) => adjustmentPayload(order, refund, one)),
    ],
    refund_line_items: refund.lines.map((one) => refundLine(shop, order, one)),
    transactions: order.transactions
      .filter((one) => refund.transactionIds.includes(one.id))
      .map((one) => transactionPayload(shop, order, one)),
  };
}

function customerPayload(shop: Shop, customer: Customer): Payload {
  const standard = customer.addresses.find((one) => one.id === customer.defaultAddressId);
  return {
    ...customerFacts(shop, customer),
    addresses: customer.addresses.map((one) => customerAddress(customer, one)),
    tax_exemptions: [],
    admin_graphql_api_id: gid('Customer', customer.id),
    // A customer without addresses has no such field at all.
    ...(standard === undefined ? {} : { default_address: customerAddress(customer, standard) }),
  };
}

function productPayload(shop: Shop, product: Product): Payload {
  const variants = product.variantIds.flatMap((id) => shop.variants.get(id) ?? []);
  return {
    admin_graphql_api_id: gid('Product', product.id),
    body_html: product.descriptionHtml,
    created_at: restTime(shop, product.createdAtMs),
    handle: product.handle,
    id: digits(product.id),
    product_type: product.productType,
    published_at: timeOrNull(shop, product.publishedAtMs),
    template_suffix: null,
    title: product.title,
    updated_at: restTime(shop, product.updatedAtMs),
    vendor: product.vendor,
    status: product.status.toLowerCase(),
    published_scope: 'web',
    tags: product.tags.join(', '),
    variants: variants.map((one) => variantPayload(shop, one)),
    options: [
      {
        name: product.optionName,
        id: digits(`1${product.id.slice(1)}`),
        product_id: digits(product.id),
        position: 1,
        values: variants.map((one) => one.title),
      },
    ],
    images: [],
    image: null,
    media: [],
    variant_gids: variants.map((one) => ({
      admin_graphql_api_id: gid('ProductVariant', one.id),
      updated_at: new Date(one.updatedAtMs).toISOString(),
    })),
    has_variants_that_requires_components: false,
    category: null,
  };
}

function variantPayload(shop: Shop, variant: Variant): Payload {
  const { currency } = shop.profile;
  const item = shop.items.get(variant.inventoryItemId);
  const quantity = Object.values(item?.levels ?? {}).reduce((all, level) => all + level.available, 0);
  return {
    admin_graphql_api_id: gid('ProductVariant', variant.id),
    barcode: variant.barcode,
    compare_at_price: variant.compareAtMinor === null ? null : fixed(variant.compareAtMinor, currency),
    created_at: restTime(shop, variant.createdAtMs),
    id: digits(variant.id),
    inventory_policy: variant.inventoryPolicy.toLowerCase(),
    position: variant.position,
    price: fixed(variant.priceMinor, currency),
    product_id: digits(variant.productId),
    sku: variant.sku,
    taxable: variant.taxable,
    title: variant.title,
    updated_at: restTime(shop, variant.updatedAtMs),
    option1: variant.title,
    option2: null,
    option3: null,
    image_id: null,
    inventory_item_id: digits(variant.inventoryItemId),
    inventory_quantity: quantity,
    old_inventory_quantity: quantity,
  };
}

function itemPayload(shop: Shop, item: InventoryItem): Payload {
  const variant = shop.variants.get(item.variantId);
  return {
    id: digits(item.id),
    sku: variant?.sku ?? null,
    created_at: restTime(shop, item.createdAtMs),
    updated_at: restTime(shop, item.updatedAtMs),
    requires_shipping: item.requiresShipping,
    cost: item.unitCostMinor === null ? null : fixed(item.unitCostMinor, shop.profile.currency),
    country_code_of_origin: null,
    province_code_of_origin: null,
    harmonized_system_code: null,
    tracked: item.tracked,
    country_harmonized_system_codes: [],
    weight_value: variant?.grams ?? 0,
    weight_unit: 'g',
    admin_graphql_api_id: gid('InventoryItem', item.id),
  };
}

function levelPayload(shop: Shop, subjectId: string): Payload {
  const [itemId = '', locationId = ''] = subjectId.split(':');
  const level = must(shop.level(itemId, locationId), 'inventory level', subjectId);
  return {
    inventory_item_id: digits(itemId),
    location_id: digits(locationId),
    available: level.available,
    updated_at: restTime(shop, level.updatedAtMs),
    admin_graphql_api_id: levelGid(level),
  };
}

function customerTopicPayload(shop: Shop, topic: string, id: string): Payload {
  if (topic === 'customers/delete')
    return { id: digits(id), tax_exemptions: [], admin_graphql_api_id: gid('Customer', id) };
  const customer = must(shop.customers.get(id), 'customer', id);
  if (topic !== 'customers/data_request' && topic !== 'customers/redact')
    return customerPayload(shop, customer);
  const orders = customer.orderIds.map(digits);
  return {
    shop_id: digits(shop.profile.id),
    shop_domain: shop.profile.domain,
    customer: { id: digits(customer.id), email: customer.email, phone: customer.phone },
    ...(topic === 'customers/redact'
      ? { orders_to_redact: orders }
      : { orders_requested: orders, data_request: { id: digits(shop.nextId('DataRequest')) } }),
  };
}

function shopPayload(shop: Shop): Payload {
  const { profile } = shop;
  const { address } = profile;
  const firstLocation = shop.locations.keys().next().value ?? null;
  return {
    id: digits(profile.id),
    name: profile.name,
    email: profile.email,
    domain: profile.domain,
    province: address.province,
    country: address.countryCode,
    address1: address.address1,
    zip: address.zip,
    city: address.city,
    source: null,
    phone: address.phone,
    latitude: null,
    longitude: null,
    primary_locale: 'en',
    address2: address.address2,
    created_at: restTime(shop, profile.createdAtMs),
    updated_at: restTime(shop, profile.createdAtMs),
    country_code: address.countryCode,
    country_name: address.country,
    currency: profile.currency,
    customer_email: profile.email,
    timezone: '(GMT-07:00) America/Phoenix',
    iana_timezone: profile.ianaTimezone,
    shop_owner: profile.owner,
    money_format: amountPlaceholder,
    money_with_currency_format: `${amountPlaceholder} ${profile.currency}`,
    weight_unit: 'kg',
    province_code: address.provinceCode,
    taxes_included: profile.taxesIncluded,
    auto_configure_tax_inclusivity: null,
    tax_shipping: profile.taxShipping,
    county_taxes: null,
    plan_display_name: profile.planName,
    plan_name: profile.planName.toLowerCase(),
    has_discounts: true,
    has_gift_cards: true,
    myshopify_domain: profile.domain,
    google_apps_domain: null,
    google_apps_login_enabled: null,
    money_in_emails_format: amountPlaceholder,
    money_with_currency_in_emails_format: `${amountPlaceholder} ${profile.currency}`,
    eligible_for_payments: true,
    requires_extra_payments_agreement: false,
    password_enabled: false,
    has_storefront: true,
    finances: true,
    primary_location_id: digitsOrNull(firstLocation),
    checkout_api_supported: true,
    multi_location_enabled: true,
    setup_required: false,
    pre_launch_enabled: false,
    enabled_presentment_currencies: profile.presentmentCurrencies,
    marketing_sms_consent_enabled_at_checkout: false,
    transactional_sms_disabled: false,
  };
}

/** What an edit did, kept in the event because the order itself does not tell. */
export interface OrderEditDetail {
  id: string;
  staffNote: string;
  additions: { id: string; delta: number }[];
  removals: { id: string; delta: number }[];
  atMs: number;
}

function orderEditPayload(shop: Shop, orderId: string, detail: unknown): Payload {
  const edit = (detail ?? {
    id: shop.nextId('OrderEdit'),
    staffNote: '',
    additions: [],
    removals: [],
    atMs: shop.nowMs(),
  }) as OrderEditDetail;
  const changes = (list: OrderEditDetail['additions']): Payload[] =>
    list.map((one) => ({ id: digits(one.id), delta: one.delta }));
  return {
    order_edit: {
      id: digits(edit.id),
      app_id: null,
      created_at: restTime(shop, edit.atMs),
      committed_at: restTime(shop, edit.atMs),
      notify_customer: false,
      order_id: digits(orderId),
      staff_note: edit.staffNote,
      user_id: null,
      line_items: { additions: changes(edit.additions), removals: changes(edit.removals) },
      discounts: { line_item: { additions: [], removals: [] } },
      shipping_lines: { additions: [], removals: [] },
    },
  };
}

/** A line within an order: the newer shape, with what is current. */
function orderLine(shop: Shop, order: Order, line: LineItem): Payload {
  return {
    id: digits(line.id),
    admin_graphql_api_id: gid('LineItem', line.id),
    attributed_staffs: [],
    current_quantity: currentQuantity(line),
    ...lineFacts(shop, order, line),
    sales_line_item_group_id: null,
  };
}

/** A line within a refund or fulfilment: the older shape. */
function nestedLine(shop: Shop, order: Order, line: LineItem, quantity = line.quantity): Payload {
  return {
    id: digits(line.id),
    admin_graphql_api_id: gid('LineItem', line.id),
    ...lineFacts(shop, order, line),
    quantity,
  };
}

function lineFacts(shop: Shop, order: Order, line: LineItem): Payload {
  const discount = lineDiscount(order, line);
  return {
    fulfillable_quantity: fulfillableQuantity(line),
    fulfillment_service: line.isGiftCard ? 'gift_card' : 'manual',
    fulfillment_status: lineFulfillmentStatus(line),
    gift_card: line.isGiftCard,
    grams: line.grams,
    name: line.variantTitle === null ? line.title : `${line.title} - ${line.variantTitle}`,
    price: fixed(line.unitPrice.shop, order.currency),
    price_set: moneySet(order, line.unitPrice),
    product_exists: line.productId !== null && shop.products.has(line.productId),
    product_id: digitsOrNull(line.productId),
    properties: line.customAttributes.map((one) => ({ name: one.key, value: one.value })),
    quantity: line.quantity,
    requires_shipping: line.requiresShipping,
    sku: line.sku,
    taxable: line.taxable,
    title: line.title,
    total_discount: fixed(discount.shop, order.currency),
    total_discount_set: moneySet(order, discount),
    variant_id: digitsOrNull(line.variantId),
    variant_inventory_management: line.inventoryItemId === null ? null : 'shopify',
    variant_title: line.variantTitle,
    vendor: line.vendor,
    tax_lines: line.taxLines.map((one) => taxLine(order, one)),
    duties: line.duties.map((one) => ({
      id: digits(one.id),
      harmonized_system_code: one.harmonizedSystemCode,
      country_code_of_origin: one.countryCodeOfOrigin,
      ...moneySet(order, one.price),
      tax_lines: [],
      admin_graphql_api_id: gid('Duty', one.id),
    })),
    discount_allocations: line.allocations.map((one) => discountAllocation(order, one)),
  };
}

/** The discounts that were given on this line; those of the whole order do not count here. */
function lineDiscount(order: Order, line: LineItem): Bag {
  return add(
    ...line.allocations
      .filter((one) => order.discountApplications[one.applicationIndex]?.selection === 'explicit')
      .map((one) => one.amount),
  );
}

function shippingLine(order: Order, line: ShippingLine): Payload {
  const gone = order.refunds
    .flatMap((refund) => refund.shipping)
    .filter((one) => one.shippingLineId === line.id)
    .map((one) => one.subtotal);
  const net = shippingNet(line);
  return {
    id: digits(line.id),
    carrier_identifier: null,
    code: line.code,
    current_discounted_price_set: moneySet(order, subtract(net, ...gone)),
    discounted_price: fixed(net.shop, order.currency),
    discounted_price_set: moneySet(order, net),
    is_removed: false,
    phone: null,
    price: fixed(line.price.shop, order.currency),
    price_set: moneySet(order, line.price),
    requested_fulfillment_service_id: null,
    source: 'shopify',
    title: line.title,
    tax_lines: line.taxLines.map((one) => taxLine(order, one)),
    discount_allocations: line.allocations.map((one) => discountAllocation(order, one)),
  };
}

function fulfillmentPayload(shop: Shop, order: Order, fulfillment: Fulfillment): Payload {
  return {
    id: digits(fulfillment.id),
    order_id: digits(order.id),
    status: fulfillment.status.toLowerCase(),
    created_at: restTime(shop, fulfillment.createdAtMs),
    service: 'manual',
    updated_at: restTime(shop, fulfillment.updatedAtMs),
    tracking_company: fulfillment.trackingCompany,
    shipment_status: null,
    location_id: digitsOrNull(fulfillment.locationId),
    origin_address: null,
    email: order.email,
    destination: order.shippingAddress === null ? null : orderAddress(order.shippingAddress),
    line_items: fulfillment.lines.flatMap((one) => {
      const line = order.lines.find((candidate) => candidate.id === one.lineId);
      return line === undefined ? [] : [nestedLine(shop, order, line, one.quantity)];
    }),
    tracking_number: fulfillment.trackingNumbers[0] ?? null,
    tracking_numbers: fulfillment.trackingNumbers,
    tracking_url: fulfillment.trackingUrls[0] ?? null,
    tracking_urls: fulfillment.trackingUrls,
    receipt: {},
    name: `${order.name}.${fulfillment.number}`,
    admin_graphql_api_id: gid('Fulfillment', fulfillment.id),
  };
}

function refundLine(shop: Shop, order: Order, one: RefundLine): Payload {
  const line = must(
    order.lines.find((candidate) => candidate.id === one.lineId),
    'line item',
    one.lineId,
  );
  const tax = add(...one.taxes);
  return {
    id: digits(one.id),
    quantity: one.quantity,
    line_item_id: digits(one.lineId),
    location_id: digitsOrNull(one.locationId),
    restock_type: one.restockType.toLowerCase(),
    // The only two amounts that the platform sends as JSON numbers.
    subtotal: digits(short(one.subtotal.shop, order.currency)),
    total_tax: digits(short(tax.shop, order.currency)),
    subtotal_set: moneySet(order, one.subtotal),
    total_tax_set: moneySet(order, tax),
    line_item: nestedLine(shop, order, line),
  };
}

function refundShipping(order: Order, one: RefundShipping): Payload {
  const line = order.shippingLines.find((candidate) => candidate.id === one.shippingLineId);
  return {
    id: digits(one.id),
    shipping_line_id: digits(one.shippingLineId),
    subtotal_amount_set: moneySet(order, one.subtotal),
    tax_amount_set: moneySet(order, add(...one.taxes)),
    shipping_line: line === undefined ? null : shippingLine(order, line),
  };
}

/** Shipping that went back shows twice in a payload: as a refund shipping line and as this older adjustment. */
function shippingAdjustment(order: Order, refund: Refund, one: RefundShipping): Payload {
  const tax = add(...one.taxes);
  const net = order.taxesIncluded ? subtract(one.subtotal, tax) : one.subtotal;
  return adjustment(
    order,
    refund,
    one.adjustmentId,
    'shipping_refund',
    'Shipping refund',
    negate(net),
    negate(tax),
  );
}

function adjustmentPayload(order: Order, refund: Refund, one: Adjustment): Payload {
  const words: Record<Adjustment['reason'], string> = {
    REFUND_DISCREPANCY: 'Refund discrepancy',
    PENDING_REFUND_DISCREPANCY: 'Pending refund discrepancy',
    RESTOCK: 'Restock',
    DAMAGE: 'Damage',
    CUSTOMER: 'Customer',
  };
  return adjustment(order, refund, one.id, 'refund_discrepancy', words[one.reason], one.amount, zeroBag);
}

function adjustment(
  order: Order,
  refund: Refund,
  id: string,
  kind: string,
  reason: string,
  amount: Bag,
  tax: Bag,
): Payload {
  return {
    id: digits(id),
    order_id: digits(order.id),
    refund_id: digits(refund.id),
    amount: fixed(amount.shop, order.currency),
    tax_amount: fixed(tax.shop, order.currency),
    kind,
    reason,
    amount_set: moneySet(order, amount),
    tax_amount_set: moneySet(order, tax),
  };
}

function transactionPayload(shop: Shop, order: Order, transaction: Transaction): Payload {
  const unsettled = (amount: number, currency: string): Payload => ({
    amount: short(amount, currency),
    currency,
  });
  return {
    id: digits(transaction.id),
    order_id: digits(order.id),
    kind: transaction.kind.toLowerCase(),
    gateway: transaction.gateway,
    status: transaction.status.toLowerCase(),
    message: transaction.message,
    created_at: restTime(shop, transaction.createdAtMs),
    test: order.test,
    authorization: null,
    location_id: digitsOrNull(transaction.locationId),
    user_id: null,
    parent_id: digitsOrNull(transaction.parentId),
    processed_at: restTime(shop, transaction.processedAtMs),
    device_id: null,
    error_code: null,
    source_name: order.channel === 'pos' ? 'pos' : 'web',
    receipt: {},
    amount: fixed(transaction.amount.shop, order.currency),
    currency: order.currency,
    payment_id: `${order.name}.${order.transactions.indexOf(transaction) + 1}`,
    total_unsettled_set: {
      presentment_money: unsettled(0, order.presentmentCurrency),
      shop_money: unsettled(0, order.currency),
    },
    manual_payment_gateway: transaction.gateway === 'manual' || transaction.gateway === 'cash',
    amount_rounding: transaction.rounding === null ? null : fixed(transaction.rounding.shop, order.currency),
    admin_graphql_api_id: gid('OrderTransaction', transaction.id),
  };
}

function paymentDetails(transaction: Transaction): Payload | null {
  if (transaction.gateway !== 'shopify_payments') return null;
  return {
    credit_card_bin: null,
    avs_result_code: null,
    cvv_result_code: null,
    credit_card_number: '•••• •••• •••• 4242',
    credit_card_company: 'Visa',
    buyer_action_info: null,
    credit_card_name: null,
    credit_card_wallet: null,
    credit_card_expiration_month: null,
    credit_card_expiration_year: null,
    payment_method_name: 'visa',
  };
}

function discountApplication(order: Order, one: DiscountApplication): Payload {
  return {
    target_type: one.target,
    type: one.type,
    value:
      one.value.kind === 'percentage'
        ? String(one.value.ppm / 10_000).replace(/^(\d+)$/, '$1.0')
        : short(one.value.minor.shop, order.currency),
    value_type: one.value.kind === 'percentage' ? 'percentage' : 'fixed_amount',
    allocation_method: one.method,
    target_selection: one.selection,
    ...(one.type === 'discount_code'
      ? { code: one.label }
      : { title: one.label, description: one.description }),
  };
}

function discountAllocation(order: Order, one: DiscountAllocation): Payload {
  return {
    amount: fixed(one.amount.shop, order.currency),
    amount_set: moneySet(order, one.amount),
    discount_application_index: one.applicationIndex,
  };
}

function discountCodes(order: Order): Payload[] {
  return order.discountApplications.flatMap((one, index) => {
    if (one.type !== 'discount_code') return [];
    const amount = add(
      ...[...order.lines, ...order.shippingLines]
        .flatMap((part) => part.allocations)
        .filter((allocation) => allocation.applicationIndex === index)
        .map((allocation) => allocation.amount),
    );
    const type =
      one.target === 'shipping_line'
        ? 'shipping'
        : one.value.kind === 'percentage'
          ? 'percentage'
          : 'fixed_amount';
    return [{ code: one.label, amount: fixed(amount.shop, order.currency), type }];
  });
}

function taxLine(order: Order, line: TaxLine): Payload {
  return {
    price: fixed(line.price.shop, order.currency),
    rate: line.ratePpm / 1_000_000,
    title: line.title,
    price_set: moneySet(order, line.price),
    channel_liable: line.channelLiable ?? false,
  };
}

function moneySet(order: Order, bag: Bag): Payload {
  return {
    shop_money: { amount: fixed(bag.shop, order.currency), currency_code: order.currency },
    presentment_money: {
      amount: fixed(bag.presentment, order.presentmentCurrency),
      currency_code: order.presentmentCurrency,
    },
  };
}

function customerFacts(shop: Shop, customer: Customer): Payload {
  return {
    id: digits(customer.id),
    created_at: restTime(shop, customer.createdAtMs),
    updated_at: restTime(shop, customer.updatedAtMs),
    first_name: customer.firstName,
    last_name: customer.lastName,
    state: 'disabled',
    note: customer.note,
    verified_email: customer.verifiedEmail,
    multipass_identifier: null,
    tax_exempt: customer.taxExempt,
    email: customer.email,
    phone: customer.phone,
    currency: shop.profile.currency,
  };
}

function customerInOrder(shop: Shop, customer: Customer): Payload {
  const { addresses: _addresses, ...rest } = customerPayload(shop, customer);
  return rest;
}

function customerAddress(customer: Customer, address: CustomerAddress): Payload {
  return {
    id: digits(address.id),
    customer_id: digits(customer.id),
    first_name: address.firstName,
    last_name: address.lastName,
    company: address.company,
    address1: address.address1,
    address2: address.address2,
    city: address.city,
    province: address.province,
    country: address.country,
    zip: address.zip,
    phone: address.phone,
    name: fullName(address),
    province_code: address.provinceCode,
    country_code: address.countryCode,
    country_name: address.country,
    default: address.id === customer.defaultAddressId,
  };
}

function orderAddress(address: Address): Payload {
  return {
    first_name: address.firstName,
    address1: address.address1,
    phone: address.phone,
    city: address.city,
    zip: address.zip,
    province: address.province,
    country: address.country,
    last_name: address.lastName,
    address2: address.address2,
    company: address.company,
    latitude: null,
    longitude: null,
    name: fullName(address),
    country_code: address.countryCode,
    province_code: address.provinceCode,
  };
}

export function fullName(address: { firstName: string | null; lastName: string | null }): string {
  return [address.firstName, address.lastName].filter(Boolean).join(' ');
}

export function statusUrl(shop: Shop, order: Order): string {
  return `https://${shop.profile.domain}/${shop.profile.id}/orders/${order.token}/authenticate?key=${order.token.slice(0, 12)}`;
}

export function gateways(order: Order): string[] {
  return [...new Set(order.transactions.filter((one) => one.kind !== 'REFUND').map((one) => one.gateway))];
}

function fulfillmentStatus(state: string): string | null {
  if (state === 'FULFILLED') return 'fulfilled';
  if (state === 'PARTIALLY_FULFILLED') return 'partial';
  return state === 'RESTOCKED' ? 'restocked' : null;
}

function lineFulfillmentStatus(line: LineItem): string | null {
  if (line.fulfilledQuantity === 0) return null;
  return fulfillableQuantity(line) > 0 ? 'partial' : 'fulfilled';
}

function timeOrNull(shop: Shop, atMs: number | null): string | null {
  return atMs === null ? null : restTime(shop, atMs);
}

function must<T>(found: T | undefined, kind: string, id: string): T {
  if (found === undefined) throw new ShopError(`no ${kind} ${id}`, ['id'], 404);
  return found;
}
