import { z } from 'zod';

/* Answers of the Admin GraphQL API to the documents in documents.ts, checked before they are used. */

const money = z.object({ amount: z.string(), currencyCode: z.string().length(3) });
export const moneyBag = z.object({ shopMoney: money, presentmentMoney: money });
export type MoneyBag = z.infer<typeof moneyBag>;

const text = z
  .string()
  .nullable()
  .transform((value) => (value === '' ? null : value));
const instant = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const reference = z.object({ id: z.string() });
const nodes = <T extends z.ZodType>(node: T) => z.object({ nodes: z.array(node) });
const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });
export const page = <T extends z.ZodType>(node: T) => z.object({ nodes: z.array(node), pageInfo });

const address = z
  .object({
    firstName: text,
    lastName: text,
    company: text,
    address1: text,
    address2: text,
    city: text,
    province: text,
    zip: text,
    countryCodeV2: text,
    phone: text,
  })
  .nullable();
export type AddressAnswer = NonNullable<z.infer<typeof address>>;

const taxLine = z.object({
  title: z.string(),
  rate: z.number().nullable(),
  channelLiable: z.boolean().nullable(),
  priceSet: moneyBag,
});
export type TaxLineAnswer = z.infer<typeof taxLine>;

const allocation = z.object({
  allocatedAmountSet: moneyBag,
  discountApplication: z.object({ index: z.number().int() }),
});
export type AllocationAnswer = z.infer<typeof allocation>;

const attribute = z.object({ key: z.string(), value: z.string().nullable() });

export const lineAnswer = z.object({
  id: z.string(),
  variant: reference.nullable(),
  title: z.string(),
  variantTitle: text,
  sku: text,
  vendor: text,
  quantity: z.number().int(),
  currentQuantity: z.number().int(),
  originalUnitPriceSet: moneyBag,
  taxable: z.boolean(),
  isGiftCard: z.boolean(),
  requiresShipping: z.boolean(),
  customAttributes: z.array(attribute),
  discountAllocations: z.array(allocation),
  taxLines: z.array(taxLine),
  duties: z.array(z.object({ price: moneyBag })),
});
export type LineAnswer = z.infer<typeof lineAnswer>;

const shippingLine = z.object({
  id: z.string().nullable(),
  title: z.string(),
  code: text,
  originalPriceSet: moneyBag,
  discountAllocations: z.array(allocation),
  taxLines: z.array(taxLine),
});
export type ShippingLineAnswer = z.infer<typeof shippingLine>;

const transaction = z.object({
  id: z.string(),
  kind: z.string(),
  status: z.string(),
  gateway: text,
  amountSet: moneyBag,
  amountRoundingSet: moneyBag.nullable(),
  parentTransaction: reference.nullable(),
  processedAt: instant.nullable(),
});
export type TransactionAnswer = z.infer<typeof transaction>;

const discountApplication = z.object({
  __typename: z.string(),
  index: z.number().int(),
  allocationMethod: z.enum(['ACROSS', 'EACH', 'ONE']),
  targetType: z.enum(['LINE_ITEM', 'SHIPPING_LINE']),
  value: z.object({ amount: z.string().optional(), percentage: z.number().optional() }),
  code: z.string().optional(),
  title: z.string().nullable().optional(),
});
export type DiscountApplicationAnswer = z.infer<typeof discountApplication>;

export const orderAnswer = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: instant,
  processedAt: instant,
  updatedAt: instant,
  closedAt: instant.nullable(),
  cancelledAt: instant.nullable(),
  cancelReason: text,
  test: z.boolean(),
  taxExempt: z.boolean(),
  taxesIncluded: z.boolean(),
  dutiesIncluded: z.boolean(),
  currencyCode: z.string().length(3),
  presentmentCurrencyCode: z.string().length(3),
  email: text,
  phone: text,
  note: text,
  tags: z.array(z.string()),
  customAttributes: z.array(attribute),
  sourceName: text,
  retailLocation: reference.nullable(),
  displayFinancialStatus: z.string().nullable(),
  displayFulfillmentStatus: z.string(),
  customer: z
    .object({
      id: z.string(),
      firstName: text,
      lastName: text,
      defaultEmailAddress: z.object({ emailAddress: z.string() }).nullable(),
      defaultPhoneNumber: z.object({ phoneNumber: z.string() }).nullable(),
    })
    .nullable(),
  billingAddress: address,
  shippingAddress: address,
  totalPriceSet: moneyBag,
  totalTaxSet: moneyBag.nullable(),
  totalTipReceivedSet: moneyBag,
  totalReceivedSet: moneyBag,
  originalTotalDutiesSet: moneyBag.nullable(),
  originalTotalAdditionalFeesSet: moneyBag.nullable(),
  totalCashRoundingAdjustment: z.object({ paymentSet: moneyBag }),
  taxLines: z.array(taxLine),
  discountApplications: nodes(discountApplication),
  lineItems: page(lineAnswer),
  shippingLines: nodes(shippingLine),
  transactions: z.array(transaction),
  fulfillments: z.array(reference),
  refunds: z.array(reference),
});
export type OrderAnswer = z.infer<typeof orderAnswer>;

export const refundLineAnswer = z.object({
  id: z.string().nullable(),
  lineItem: reference,
  location: reference.nullable(),
  quantity: z.number().int(),
  restockType: z.string(),
  subtotalSet: moneyBag,
  totalTaxSet: moneyBag,
});

export const refundAnswer = z.object({
  __typename: z.literal('Refund'),
  id: z.string(),
  note: text,
  processedAt: instant,
  refundLineItems: page(refundLineAnswer),
  refundShippingLines: nodes(
    z.object({ id: z.string(), subtotalAmountSet: moneyBag, taxAmountSet: moneyBag }),
  ),
  orderAdjustments: nodes(
    z.object({ id: z.string(), reason: text, amountSet: moneyBag, taxAmountSet: moneyBag }),
  ),
  duties: z.array(z.object({ amountSet: moneyBag, originalDuty: reference.nullable() })).nullable(),
  transactions: nodes(transaction),
});
export type RefundAnswer = z.infer<typeof refundAnswer>;

export const reverseLineAnswer = z.object({
  fulfillmentLineItem: z.object({ lineItem: reference }).nullable(),
  dispositions: z.array(z.object({ type: z.string(), quantity: z.number().int() })),
});
export type ReverseLineAnswer = z.infer<typeof reverseLineAnswer>;

export const returnsAnswer = z.object({
  nodes: z.array(
    z
      .object({
        id: z.string(),
        return: z
          .object({
            id: z.string(),
            reverseFulfillmentOrders: nodes(z.object({ id: z.string(), lineItems: page(reverseLineAnswer) })),
          })
          .nullable(),
      })
      .nullable(),
  ),
});

export const fulfillmentLineAnswer = z.object({
  lineItem: reference,
  quantity: z.number().int().nullable(),
});

export const fulfillmentAnswer = z.object({
  __typename: z.literal('Fulfillment'),
  id: z.string(),
  status: z.string(),
  createdAt: instant,
  updatedAt: instant,
  location: reference.nullable(),
  trackingInfo: z.array(z.object({ company: text, number: text, url: text })),
  fulfillmentLineItems: page(fulfillmentLineAnswer),
});
export type FulfillmentAnswer = z.infer<typeof fulfillmentAnswer>;

export const customerAnswer = z.object({
  id: z.string(),
  updatedAt: instant,
  firstName: text,
  lastName: text,
  defaultEmailAddress: z.object({ emailAddress: z.string() }).nullable(),
  defaultPhoneNumber: z.object({ phoneNumber: z.string() }).nullable(),
  note: text,
  tags: z.array(z.string()),
  taxExempt: z.boolean(),
  defaultAddress: address,
});
export type CustomerAnswer = z.infer<typeof customerAnswer>;

export const variantAnswer = z.object({
  id: z.string(),
  sku: text,
  barcode: text,
  title: z.string(),
  position: z.number().int(),
  price: z.string(),
  taxable: z.boolean(),
  inventoryPolicy: z.string(),
  inventoryItem: z.object({
    id: z.string(),
    tracked: z.boolean(),
    unitCost: money.nullable(),
  }),
});
export type VariantAnswer = z.infer<typeof variantAnswer>;

export const productAnswer = z.object({
  id: z.string(),
  updatedAt: instant,
  title: z.string(),
  vendor: text,
  productType: text,
  status: z.string(),
  handle: text,
  tags: z.array(z.string()),
  variants: page(variantAnswer),
});
export type ProductAnswer = z.infer<typeof productAnswer>;

export const locationAnswer = z.object({
  id: z.string(),
  updatedAt: instant,
  name: z.string(),
  isActive: z.boolean(),
  address: z.object({
    address1: text,
    address2: text,
    city: text,
    province: text,
    zip: text,
    countryCode: text,
    phone: text,
  }),
});
export type LocationAnswer = z.infer<typeof locationAnswer>;

export const levelAnswer = z.object({
  updatedAt: instant,
  isActive: z.boolean(),
  item: reference,
  location: reference,
  quantities: z.array(z.object({ name: z.string(), quantity: z.number().int() })),
});
export type LevelAnswer = z.infer<typeof levelAnswer>;
