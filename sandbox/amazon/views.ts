import type { Account, AmazonOrder, Inventory, Listing, OrderItem } from './account.ts';

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function decimal(minor: number): string {
  return `${minor < 0 ? '-' : ''}${Math.floor(Math.abs(minor) / 100)}.${String(Math.abs(minor) % 100).padStart(2, '0')}`;
}

/** An order as Orders 2026-01-01 shows it: the data sets that were asked for, as far as Amazon tells them by now. */
export function orderView(account: Account, order: AmazonOrder, includedData: ReadonlySet<string>): object {
  const has = (name: string) => includedData.has(name);
  // Until a payment is authorised, and once an order is cancelled, Amazon tells neither price nor buyer.
  const isOpen = order.status !== 'PENDING' && order.status !== 'CANCELLED';
  const ownsBuyer = order.fulfilledBy === 'MERCHANT' && order.buyer !== null && isOpen;
  return {
    orderId: order.id,
    createdTime: iso(order.createdMs),
    lastUpdatedTime: iso(order.updatedMs),
    programs: order.programs,
    ...(order.replacementOf === null
      ? {}
      : { associatedOrders: [{ orderId: order.replacementOf, associationType: 'REPLACEMENT_ORIGINAL_ID' }] }),
    salesChannel: {
      channelName: order.salesChannel,
      marketplaceId: account.profile.marketplaceId,
      marketplaceName: account.profile.marketplaceName,
    },
    ...(has('BUYER') && ownsBuyer && order.buyer !== null
      ? {
          buyer: {
            buyerName: order.buyer.name,
            buyerEmail: order.buyer.email,
            ...(order.buyer.company === null ? {} : { buyerCompanyName: order.buyer.company }),
          },
        }
      : {}),
    ...(has('RECIPIENT') && isOpen && order.address !== null ? { recipient: recipientOf(order) } : {}),
    ...(has('PROCEEDS') && isOpen ? { proceeds: proceedsOf(order) } : {}),
    ...(has('FULFILLMENT')
      ? {
          fulfillment: {
            fulfillmentStatus: order.status,
            fulfilledBy: order.fulfilledBy,
            fulfillmentServiceLevel: order.serviceLevel,
            shipByWindow: {
              earliestDateTime: iso(order.createdMs),
              latestDateTime: iso(order.createdMs + 2 * 86_400_000),
            },
          },
        }
      : {}),
    orderItems: order.items.map((item) => itemView(order, item, includedData, isOpen)),
    ...(has('PACKAGES') && order.packages.length > 0
      ? {
          packages: order.packages.map((one) => ({
            packageReferenceId: one.id,
            createdTime: iso(one.createdMs),
            packageStatus: { status: 'SHIPPED' },
            carrier: one.carrier,
            shipTime: iso(one.shippedMs),
            trackingNumber: one.trackingNumber,
            packageItems: one.items.map(({ itemId, quantity }) => ({ orderItemId: itemId, quantity })),
          })),
        }
      : {}),
  };
}

/** Of what Amazon sends itself, the seller learns the region and no more. */
function recipientOf(order: AmazonOrder): object {
  const { address } = order;
  if (address === null) return {};
  if (order.fulfilledBy === 'MERCHANT') return { deliveryAddress: address };
  const { city, stateOrRegion, postalCode, countryCode } = address;
  return { deliveryAddress: { city, stateOrRegion, postalCode, countryCode } };
}

function itemView(
  order: AmazonOrder,
  item: OrderItem,
  includedData: ReadonlySet<string>,
  isOpen: boolean,
): object {
  const { currency } = order;
  const money = (minor: number) => ({ amount: decimal(minor), currencyCode: currency });
  const has = (name: string) => includedData.has(name);
  const isGift = item.giftMessage !== null || item.giftWrapLevel !== null;
  const left = item.cancelled === null ? item.quantity - item.fulfilled : 0;
  return {
    orderItemId: item.id,
    quantityOrdered: item.quantity,
    product: {
      asin: item.asin,
      title: item.title,
      sellerSku: item.sku,
      condition: { conditionType: 'NEW', conditionSubtype: 'NEW' },
      ...(isOpen ? { price: { unitPrice: money(item.unitMinor) } } : {}),
    },
    ...(has('PROCEEDS') && isOpen && item.cancelled === null ? { proceeds: itemProceeds(order, item) } : {}),
    ...(has('PROMOTION') && item.promotionIds.length > 0
      ? { promotion: { breakdowns: item.promotionIds.map((promotionId) => ({ promotionId })) } }
      : {}),
    ...(has('CANCELLATION') && (item.cancelled !== null || item.cancelRequest !== null)
      ? {
          cancellation: {
            ...(item.cancelRequest === null
              ? {}
              : { cancellationRequest: { requester: 'BUYER', cancelReason: item.cancelRequest } }),
            ...(item.cancelled === null
              ? {}
              : {
                  cancellationExecution: {
                    cancelledBy: item.cancelled.by,
                    cancelReason: item.cancelled.reason,
                  },
                }),
          },
        }
      : {}),
    ...(has('FULFILLMENT')
      ? {
          fulfillment: {
            quantityFulfilled: item.fulfilled,
            quantityUnfulfilled: left,
            ...(isGift
              ? {
                  packing: {
                    giftOption: {
                      ...(item.giftMessage === null ? {} : { giftMessage: item.giftMessage }),
                      ...(item.giftWrapLevel === null ? {} : { giftWrapLevel: item.giftWrapLevel }),
                    },
                  },
                }
              : {}),
          },
        }
      : {}),
    ...(has('TAX') && order.marketplaceTax && taxOf(item) > 0
      ? {
          tax: {
            taxCollections: [{ model: 'MARKETPLACE_FACILITATOR', responsibleParty: 'Amazon Services, Inc.' }],
          },
        }
      : {}),
  };
}

function taxOf(item: OrderItem): number {
  return item.taxMinor + item.shippingTaxMinor + item.wrapTaxMinor;
}

/** What the item comes to; prices that contain the tax are not raised by it. */
function totalOf(order: AmazonOrder, item: OrderItem): number {
  const priced =
    item.unitMinor * item.quantity -
    item.discountMinor +
    item.shippingMinor -
    item.shippingDiscountMinor +
    item.wrapMinor;
  return order.taxesIncluded ? priced : priced + taxOf(item);
}

function itemProceeds(order: AmazonOrder, item: OrderItem): object {
  const money = (minor: number) => ({ amount: decimal(minor), currencyCode: order.currency });
  const detailed = (parts: readonly (readonly [string, number])[]) =>
    parts.filter(([, minor]) => minor !== 0).map(([subtype, minor]) => ({ subtype, value: money(minor) }));
  const discount = item.discountMinor + item.shippingDiscountMinor;
  return {
    proceedsTotal: money(totalOf(order, item)),
    breakdowns: [
      { type: 'ITEM', subtotal: money(item.unitMinor * item.quantity) },
      ...(item.shippingMinor === 0 ? [] : [{ type: 'SHIPPING', subtotal: money(item.shippingMinor) }]),
      ...(item.wrapMinor === 0 ? [] : [{ type: 'GIFT_WRAP', subtotal: money(item.wrapMinor) }]),
      ...(discount === 0
        ? []
        : [
            {
              type: 'DISCOUNT',
              subtotal: money(-discount),
              detailedBreakdowns: detailed([
                ['ITEM', -item.discountMinor],
                ['SHIPPING', -item.shippingDiscountMinor],
              ]),
            },
          ]),
      ...(taxOf(item) === 0
        ? []
        : [
            {
              type: 'TAX',
              subtotal: money(taxOf(item)),
              detailedBreakdowns: detailed([
                ['ITEM', item.taxMinor],
                ['SHIPPING', item.shippingTaxMinor],
                ['GIFT_WRAP', item.wrapTaxMinor],
              ]),
            },
          ]),
    ],
  };
}

function proceedsOf(order: AmazonOrder): object {
  const total = order.items
    .filter((item) => item.cancelled === null)
    .reduce((sum, item) => sum + totalOf(order, item), 0);
  return { grandTotal: { amount: decimal(total), currencyCode: order.currency } };
}

export function listingView(account: Account, listing: Listing, includedData: ReadonlySet<string>): object {
  const has = (name: string) => includedData.has(name);
  const { marketplaceId } = account.profile;
  const isBuyable = listing.fulfilledBy === 'AMAZON' || listing.quantity > 0;
  return {
    sku: listing.sku,
    ...(has('summaries')
      ? {
          summaries: [
            {
              marketplaceId,
              asin: listing.asin,
              productType: listing.productType,
              conditionType: 'new_new',
              status: isBuyable ? ['BUYABLE', 'DISCOVERABLE'] : ['DISCOVERABLE'],
              itemName: listing.title,
              createdDate: iso(listing.createdMs),
              lastUpdatedDate: iso(listing.updatedMs),
            },
          ],
        }
      : {}),
    ...(has('offers')
      ? {
          offers: [
            {
              marketplaceId,
              offerType: 'B2C',
              price: { currencyCode: listing.currency, amount: decimal(listing.priceMinor) },
            },
          ],
        }
      : {}),
    ...(has('fulfillmentAvailability')
      ? {
          fulfillmentAvailability: [
            listing.fulfilledBy === 'AMAZON'
              ? { fulfillmentChannelCode: account.profile.countryCode === 'US' ? 'AMAZON_NA' : 'AMAZON_EU' }
              : { fulfillmentChannelCode: 'DEFAULT', quantity: listing.quantity },
          ],
        }
      : {}),
    ...(has('issues')
      ? { issues: listing.issues.map((issue) => ({ ...issue, marketplaceIds: [marketplaceId] })) }
      : {}),
  };
}

export function inventoryView(account: Account, level: Inventory, details: boolean): object {
  const listing = account.state.listings[level.sku];
  return {
    asin: listing?.asin ?? '',
    fnSku: `X00${level.sku}`.slice(0, 10),
    sellerSku: level.sku,
    condition: 'NewItem',
    ...(details
      ? {
          inventoryDetails: {
            fulfillableQuantity: level.fulfillable,
            inboundWorkingQuantity: 0,
            inboundShippedQuantity: level.inbound,
            inboundReceivingQuantity: 0,
            reservedQuantity: {
              totalReservedQuantity: level.reserved,
              pendingCustomerOrderQuantity: level.reserved,
              pendingTransshipmentQuantity: 0,
              fcProcessingQuantity: 0,
            },
          },
        }
      : {}),
    lastUpdatedTime: iso(level.updatedMs),
    productName: listing?.title ?? level.sku,
    totalQuantity: level.fulfillable + level.reserved + level.inbound,
  };
}
