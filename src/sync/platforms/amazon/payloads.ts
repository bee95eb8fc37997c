import { z } from 'zod';

/** What we read of Amazon's answers. Anything may be missing: data sets come by role, programme and state of the order. */

const text = z.string().nullish();
const instant = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const money = z.object({ amount: z.string(), currencyCode: z.string().length(3) });
export type MoneyPayload = z.infer<typeof money>;

const itemBreakdown = z.object({
  type: z.string(),
  subtotal: money,
  detailedBreakdowns: z.array(z.object({ subtype: z.string().nullish(), value: money.nullish() })).nullish(),
});

export const orderItem = z.object({
  orderItemId: z.string().min(1),
  quantityOrdered: z.number().int().nonnegative(),
  product: z.object({
    asin: text,
    title: text,
    sellerSku: text,
    price: z.object({ unitPrice: money.nullish() }).nullish(),
    customization: z.object({ customizedUrl: text }).nullish(),
  }),
  proceeds: z
    .object({ proceedsTotal: money.nullish(), breakdowns: z.array(itemBreakdown).nullish() })
    .nullish(),
  promotion: z.object({ breakdowns: z.array(z.object({ promotionId: text })).nullish() }).nullish(),
  cancellation: z
    .object({
      cancellationRequest: z.object({ requester: text, cancelReason: text }).nullish(),
      cancellationExecution: z.object({ cancelledBy: text, cancelReason: text }).nullish(),
    })
    .nullish(),
  fulfillment: z
    .object({
      quantityFulfilled: z.number().int().nullish(),
      quantityUnfulfilled: z.number().int().nullish(),
      packing: z
        .object({ giftOption: z.object({ giftMessage: text, giftWrapLevel: text }).nullish() })
        .nullish(),
    })
    .nullish(),
  tax: z
    .object({
      taxCollections: z.array(z.object({ model: text, responsibleParty: text })).nullish(),
    })
    .nullish(),
});
export type OrderItemPayload = z.infer<typeof orderItem>;

const deliveryAddress = z.object({
  name: text,
  companyName: text,
  addressLine1: text,
  addressLine2: text,
  addressLine3: text,
  city: text,
  districtOrCounty: text,
  stateOrRegion: text,
  postalCode: text,
  countryCode: text,
  phone: text,
});
export type AddressPayload = z.infer<typeof deliveryAddress>;

const orderPackage = z.object({
  packageReferenceId: z.string().min(1),
  createdTime: instant.nullish(),
  packageStatus: z.object({ status: z.string() }).nullish(),
  carrier: text,
  shipTime: instant.nullish(),
  trackingNumber: text,
  packageItems: z
    .array(z.object({ orderItemId: z.string(), quantity: z.number().int().nonnegative() }))
    .nullish(),
});
export type PackagePayload = z.infer<typeof orderPackage>;

export const orderPayload = z.object({
  orderId: z.string().min(1),
  createdTime: instant,
  lastUpdatedTime: instant,
  programs: z.array(z.string()).nullish(),
  associatedOrders: z.array(z.object({ orderId: text, associationType: text })).nullish(),
  salesChannel: z.object({ channelName: z.string(), marketplaceId: text, marketplaceName: text }),
  buyer: z
    .object({
      buyerName: text,
      buyerEmail: text,
      buyerCompanyName: text,
      buyerPurchaseOrderNumber: text,
    })
    .nullish(),
  recipient: z.object({ deliveryAddress: deliveryAddress.nullish() }).nullish(),
  proceeds: z
    .object({
      grandTotal: money.nullish(),
      breakdowns: z.array(z.object({ type: z.string(), status: text, subtotal: money })).nullish(),
    })
    .nullish(),
  fulfillment: z
    .object({
      fulfillmentStatus: z.string(),
      fulfilledBy: text,
      fulfillmentServiceLevel: text,
    })
    .nullish(),
  orderItems: z.array(orderItem),
  packages: z.array(orderPackage).nullish(),
});
export type OrderPayload = z.infer<typeof orderPayload>;

export const searchOrdersAnswer = z.object({
  orders: z.array(orderPayload),
  pagination: z.object({ nextToken: text }).nullish(),
});
export const getOrderAnswer = z.object({ order: orderPayload });

// ── finances ──

const amount = z.object({ currencyAmount: z.string(), currencyCode: z.string().length(3) });

export interface BreakdownPayload {
  breakdownType?: string | null | undefined;
  breakdownAmount?: z.infer<typeof amount> | null | undefined;
  breakdowns?: BreakdownPayload[] | null | undefined;
}
const breakdown: z.ZodType<BreakdownPayload> = z.lazy(() =>
  z.object({
    breakdownType: text,
    breakdownAmount: amount.nullish(),
    breakdowns: z.array(breakdown).nullish(),
  }),
);

export const transactionPayload = z.object({
  transactionId: text,
  transactionType: text,
  transactionStatus: text,
  description: text,
  postedDate: instant,
  totalAmount: amount.nullish(),
  relatedIdentifiers: z
    .array(z.object({ relatedIdentifierName: text, relatedIdentifierValue: text }))
    .nullish(),
  items: z
    .array(
      z.object({
        description: text,
        totalAmount: amount.nullish(),
        relatedIdentifiers: z
          .array(z.object({ itemRelatedIdentifierName: text, itemRelatedIdentifierValue: text }))
          .nullish(),
        breakdowns: z.array(breakdown).nullish(),
        contexts: z
          .array(z.object({ contextType: text, sku: text, quantityShipped: z.number().nullish() }))
          .nullish(),
      }),
    )
    .nullish(),
  breakdowns: z.array(breakdown).nullish(),
});
export type TransactionPayload = z.infer<typeof transactionPayload>;

export const listTransactionsAnswer = z.object({
  payload: z.object({ nextToken: text, transactions: z.array(transactionPayload).nullish() }).nullish(),
});

// ── listings and stock ──

const issue = z.object({
  code: z.string(),
  message: z.string(),
  severity: z.string(),
  attributeNames: z.array(z.string()).nullish(),
});
export type IssuePayload = z.infer<typeof issue>;

export const listingPayload = z.object({
  sku: z.string().min(1),
  summaries: z
    .array(
      z.object({
        marketplaceId: z.string(),
        asin: text,
        itemName: text,
        status: z.array(z.string()).nullish(),
        createdDate: instant.nullish(),
        lastUpdatedDate: instant.nullish(),
      }),
    )
    .nullish(),
  offers: z.array(z.object({ marketplaceId: z.string(), offerType: text, price: money })).nullish(),
  fulfillmentAvailability: z
    .array(z.object({ fulfillmentChannelCode: z.string(), quantity: z.number().int().nullish() }))
    .nullish(),
  issues: z.array(issue).nullish(),
});
export type ListingPayload = z.infer<typeof listingPayload>;

export const searchListingsAnswer = z.object({
  numberOfResults: z.number().int(),
  items: z.array(listingPayload),
  pagination: z.object({ nextToken: text }).nullish(),
});

export const submissionAnswer = z.object({
  sku: z.string(),
  status: z.string(),
  submissionId: z.string(),
  issues: z.array(issue).nullish(),
});

const count = z.number().int().nullish();
export const inventorySummary = z.object({
  sellerSku: z.string().min(1),
  lastUpdatedTime: z.union([instant, z.literal('').transform(() => null)]).nullish(),
  totalQuantity: count,
  inventoryDetails: z
    .object({
      fulfillableQuantity: count,
      inboundWorkingQuantity: count,
      inboundShippedQuantity: count,
      inboundReceivingQuantity: count,
      reservedQuantity: z
        .object({ totalReservedQuantity: count, pendingCustomerOrderQuantity: count })
        .nullish(),
    })
    .nullish(),
});
export type InventorySummaryPayload = z.infer<typeof inventorySummary>;

export const inventorySummariesAnswer = z.object({
  payload: z.object({ inventorySummaries: z.array(inventorySummary) }).nullish(),
  pagination: z.object({ nextToken: text }).nullish(),
});

// ── notifications ──

/** The part that all kinds share; the rest is kept as it came. */
export const notification = z.looseObject({
  NotificationType: z.string().min(1),
  EventTime: z.string(),
  Payload: z.record(z.string(), z.unknown()),
  NotificationMetadata: z.looseObject({ NotificationId: z.string().min(1), PublishTime: text }),
});
export type NotificationPayload = z.infer<typeof notification>;

export const orderChange = z.object({
  OrderChangeNotification: z.object({
    SellerId: z.string().min(1),
    AmazonOrderId: z.string().min(1),
    OrderChangeTrigger: z.object({ TimeOfOrderChange: text }).nullish(),
  }),
});
export const transactionUpdate = z.object({
  TransactionUpdateNotification: z.object({
    SellingPartnerMetadata: z.object({ SellingPartnerId: z.string().min(1) }),
    RelatedIdentifiers: z
      .array(z.object({ RelatedIdentifierName: text, RelatedIdentifierValue: text }))
      .nullish(),
    TransactionType: text,
  }),
});
export const mfnQuantityChange = z.object({ SellerId: z.string().min(1), Sku: z.string().min(1) });
export const fbaAvailabilityChange = z.object({ SellerId: z.string().min(1), SKU: z.string().min(1) });
