/*
 * Every document that is sent to the Admin GraphQL API. They stand in one record so that the contract test can hold
 * each against Shopify's published schema. Pages are sized by variables: the cost of a query grows with them.
 */

const money = 'shopMoney { amount currencyCode } presentmentMoney { amount currencyCode }';
const addressFields = 'firstName lastName company address1 address2 city province zip countryCodeV2 phone';
const taxLines = `title rate channelLiable priceSet { ${money} }`;
const allocations = `allocatedAmountSet { ${money} } discountApplication { index }`;
const pageInfo = 'pageInfo { hasNextPage endCursor }';

const transactionFields = `
  id kind status gateway processedAt
  amountSet { ${money} }
  amountRoundingSet { ${money} }
  parentTransaction { id }`;

const lineFields = `
  id title variantTitle sku vendor quantity currentQuantity taxable isGiftCard requiresShipping
  variant { id }
  originalUnitPriceSet { ${money} }
  customAttributes { key value }
  discountAllocations { ${allocations} }
  taxLines { ${taxLines} }
  duties { price { ${money} } }`;

const orderFields = `
  id name createdAt processedAt updatedAt closedAt cancelledAt cancelReason test
  taxExempt taxesIncluded dutiesIncluded currencyCode presentmentCurrencyCode
  email phone note tags sourceName displayFinancialStatus displayFulfillmentStatus
  customAttributes { key value }
  retailLocation { id }
  customer {
    id firstName lastName
    defaultEmailAddress { emailAddress }
    defaultPhoneNumber { phoneNumber }
  }
  billingAddress { ${addressFields} }
  shippingAddress { ${addressFields} }
  totalPriceSet { ${money} }
  totalTaxSet { ${money} }
  totalTipReceivedSet { ${money} }
  totalReceivedSet { ${money} }
  originalTotalDutiesSet { ${money} }
  originalTotalAdditionalFeesSet { ${money} }
  totalCashRoundingAdjustment { paymentSet { ${money} } }
  taxLines { ${taxLines} }
  discountApplications(first: 25) {
    nodes {
      __typename index allocationMethod targetType
      value { __typename ... on MoneyV2 { amount } ... on PricingPercentageValue { percentage } }
      ... on DiscountCodeApplication { code }
      ... on AutomaticDiscountApplication { title }
      ... on ManualDiscountApplication { title }
    }
  }
  lineItems(first: $lines) { nodes { ${lineFields} } ${pageInfo} }
  shippingLines(first: 10) {
    nodes {
      id title code
      originalPriceSet { ${money} }
      discountAllocations { ${allocations} }
      taxLines { ${taxLines} }
    }
  }
  transactions(first: 100) { ${transactionFields} }
  fulfillments(first: 100) { id }
  refunds(first: 100) { id }`;

const refundLineFields = `
  id quantity restockType
  lineItem { id }
  location { id }
  subtotalSet { ${money} }
  totalTaxSet { ${money} }`;

const reverseLineFields = `
  fulfillmentLineItem { lineItem { id } }
  dispositions { type quantity }`;

const customerFields = `
  id updatedAt firstName lastName note tags taxExempt
  defaultEmailAddress { emailAddress }
  defaultPhoneNumber { phoneNumber }
  defaultAddress { ${addressFields} }`;

const variantFields = `
  id sku barcode title position price taxable inventoryPolicy
  inventoryItem { id tracked unitCost { amount currencyCode } }`;

const productFields = `
  id updatedAt title vendor productType status handle tags
  variants(first: $variants) { nodes { ${variantFields} } ${pageInfo} }`;

const locationFields = `
  id updatedAt name isActive
  address { address1 address2 city province zip countryCode phone }`;

const levelFields = `
  updatedAt isActive
  item { id }
  location { id }
  quantities(names: ["available", "on_hand", "committed", "incoming"]) { name quantity }`;

const metafieldFields = 'namespace key type value updatedAt';

export const documents = {
  order: `query TributaryOrder($id: ID!, $lines: Int!) { order(id: $id) { ${orderFields} } }`,

  orders: `query TributaryOrders($first: Int!, $after: String, $query: String, $lines: Int!) {
    orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) { nodes { ${orderFields} } ${pageInfo} }
  }`,

  takings: `query TributaryTakings($first: Int!, $after: String, $query: String!) {
    orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
      nodes {
        id name processedAt updatedAt
        totalPriceSet { shopMoney { amount currencyCode } }
        refunds(first: 100) { id processedAt totalRefundedSet { shopMoney { amount currencyCode } } }
      }
      ${pageInfo}
    }
  }`,

  orderLines: `query TributaryOrderLines($id: ID!, $first: Int!, $after: String) {
    order(id: $id) { lineItems(first: $first, after: $after) { nodes { ${lineFields} } ${pageInfo} } }
  }`,

  orderParts: `query TributaryOrderParts($ids: [ID!]!, $lines: Int!) {
    nodes(ids: $ids) {
      __typename
      ... on Refund {
        id note processedAt
        refundLineItems(first: $lines) { nodes { ${refundLineFields} } ${pageInfo} }
        refundShippingLines(first: 10) {
          nodes { id subtotalAmountSet { ${money} } taxAmountSet { ${money} } }
        }
        orderAdjustments(first: 10) {
          nodes { id reason amountSet { ${money} } taxAmountSet { ${money} } }
        }
        duties { amountSet { ${money} } originalDuty { id } }
        transactions(first: 25) { nodes { ${transactionFields} } }
      }
      ... on Fulfillment {
        id status createdAt updatedAt
        location { id }
        trackingInfo(first: 25) { company number url }
        fulfillmentLineItems(first: $lines) { nodes { lineItem { id } quantity } ${pageInfo} }
      }
    }
  }`,

  returns: `query TributaryReturns($ids: [ID!]!, $lines: Int!) {
    nodes(ids: $ids) {
      __typename
      ... on Refund {
        id
        return {
          id
          reverseFulfillmentOrders(first: 5) {
            nodes { id lineItems(first: $lines) { nodes { ${reverseLineFields} } ${pageInfo} } }
          }
        }
      }
    }
  }`,

  reverseLines: `query TributaryReverseLines($id: ID!, $first: Int!, $after: String) {
    reverseFulfillmentOrder(id: $id) {
      lineItems(first: $first, after: $after) { nodes { ${reverseLineFields} } ${pageInfo} }
    }
  }`,

  orderOfReverse: `query TributaryOrderOfReverse($id: ID!) { reverseFulfillmentOrder(id: $id) { order { id } } }`,

  refundLines: `query TributaryRefundLines($id: ID!, $first: Int!, $after: String) {
    refund(id: $id) { refundLineItems(first: $first, after: $after) { nodes { ${refundLineFields} } ${pageInfo} } }
  }`,

  fulfillmentLines: `query TributaryFulfillmentLines($id: ID!, $first: Int!, $after: String) {
    fulfillment(id: $id) {
      fulfillmentLineItems(first: $first, after: $after) { nodes { lineItem { id } quantity } ${pageInfo} }
    }
  }`,

  customer: `query TributaryCustomer($id: ID!) { customer(id: $id) { ${customerFields} } }`,

  shopHome: `query TributaryShopHome { shop { ianaTimezone shopAddress { countryCodeV2 } } }`,

  counts: `query TributaryCounts {
    productsCount(limit: null) { count } productVariantsCount(limit: null) { count }
    customersCount(limit: null) { count } ordersCount(limit: null) { count }
  }`,

  customers: `query TributaryCustomers($first: Int!, $after: String, $query: String) {
    customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
      nodes { ${customerFields} } ${pageInfo}
    }
  }`,

  metafields: `query TributaryMetafields($ids: [ID!]!, $keys: [String!]!, $first: Int!) {
    nodes(ids: $ids) {
      __typename
      ... on Order { id updatedAt metafields(first: $first, keys: $keys) { nodes { ${metafieldFields} } } }
      ... on Customer { id updatedAt metafields(first: $first, keys: $keys) { nodes { ${metafieldFields} } } }
    }
  }`,

  product: `query TributaryProduct($id: ID!, $variants: Int!) {
    shop { currencyCode }
    product(id: $id) { ${productFields} }
  }`,

  products: `query TributaryProducts($first: Int!, $after: String, $query: String, $variants: Int!) {
    shop { currencyCode }
    products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
      nodes { ${productFields} } ${pageInfo}
    }
  }`,

  productVariants: `query TributaryProductVariants($id: ID!, $first: Int!, $after: String) {
    product(id: $id) { variants(first: $first, after: $after) { nodes { ${variantFields} } ${pageInfo} } }
  }`,

  productOfItem: `query TributaryProductOfItem($id: ID!) {
    inventoryItem(id: $id) { variant { product { id } } }
  }`,

  location: `query TributaryLocation($id: ID!) { location(id: $id) { ${locationFields} } }`,

  locations: `query TributaryLocations($first: Int!, $after: String) {
    locations(first: $first, after: $after, includeInactive: true, sortKey: ID) {
      nodes { ${locationFields} } ${pageInfo}
    }
  }`,

  level: `query TributaryLevel($itemId: ID!, $locationId: ID!) {
    inventoryItem(id: $itemId) { inventoryLevel(locationId: $locationId) { ${levelFields} } }
  }`,

  levels: `query TributaryLevels($locationId: ID!, $first: Int!, $after: String, $query: String) {
    location(id: $locationId) {
      inventoryLevels(first: $first, after: $after, query: $query) { nodes { ${levelFields} } ${pageInfo} }
    }
  }`,

  suggestedRefund: `query TributarySuggestedRefund($id: ID!, $lines: [RefundLineItemInput!], $shipping: Boolean) {
    order(id: $id) {
      suggestedRefund(refundLineItems: $lines, refundShipping: $shipping) {
        amountSet { ${money} }
        maximumRefundableSet { ${money} }
        suggestedTransactions { gateway parentTransaction { id } maximumRefundableSet { ${money} } }
      }
    }
  }`,

  refundCreate: `mutation TributaryRefundCreate($input: RefundInput!, $key: String!) {
    refundCreate(input: $input) @idempotent(key: $key) {
      refund { id totalRefundedSet { ${money} } } userErrors { field message }
    }
  }`,

  payouts: `query TributaryPayouts($first: Int!, $after: String, $query: String) {
    shopifyPaymentsAccount {
      payouts(first: $first, after: $after, query: $query, sortKey: ISSUED_AT) {
        nodes { id issuedAt status externalTraceId net { amount currencyCode } } ${pageInfo}
      }
    }
  }`,

  payoutParts: `query TributaryPayoutParts($first: Int!, $after: String, $query: String) {
    shopifyPaymentsAccount {
      balanceTransactions(first: $first, after: $after, query: $query, hideTransfers: true) {
        nodes {
          id type transactionDate adjustmentReason sourceOrderTransactionId
          amount { amount currencyCode } fee { amount currencyCode } associatedOrder { id }
        }
        ${pageInfo}
      }
    }
  }`,

  subscriptions: `query TributarySubscriptions($after: String) {
    webhookSubscriptions(first: 100, after: $after) {
      nodes { id topic uri format includeFields metafieldNamespaces filter } ${pageInfo}
    }
  }`,

  installation: 'query TributaryInstallation { currentAppInstallation { accessScopes { handle } } }',

  /** Answered only to an app that was approved for customers' data. */
  customerAccess: 'query TributaryCustomerAccess { customers(first: 1) { nodes { id } } }',

  subscriptionCreate: `mutation TributarySubscriptionCreate(
    $topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!
  ) {
    webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
      webhookSubscription { id } userErrors { field message }
    }
  }`,

  subscriptionUpdate: `mutation TributarySubscriptionUpdate($id: ID!, $subscription: WebhookSubscriptionInput!) {
    webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) {
      webhookSubscription { id } userErrors { field message }
    }
  }`,

  subscriptionDelete: `mutation TributarySubscriptionDelete($id: ID!) {
    webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
  }`,

  customerUpdate: `mutation TributaryCustomerUpdate($input: CustomerInput!) {
    customerUpdate(input: $input) { customer { ${customerFields} } userErrors { field message } }
  }`,

  tagsAdd: `mutation TributaryTagsAdd($id: ID!, $tags: [String!]!) {
    tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } }
  }`,

  metafieldsSet: `mutation TributaryMetafieldsSet($metafields: [MetafieldsSetInput!]!) {
    metafieldsSet(metafields: $metafields) { metafields { key } userErrors { field message code } }
  }`,

  metafieldsDelete: `mutation TributaryMetafieldsDelete($metafields: [MetafieldIdentifierInput!]!) {
    metafieldsDelete(metafields: $metafields) { deletedMetafields { key } userErrors { field message } }
  }`,

  orderUpdate: `mutation TributaryOrderUpdate($input: OrderInput!) {
    orderUpdate(input: $input) { order { id updatedAt note tags } userErrors { field message } }
  }`,

  inventorySet: `mutation TributaryInventorySet($input: InventorySetQuantitiesInput!, $key: String!) {
    inventorySetQuantities(input: $input) @idempotent(key: $key) {
      inventoryAdjustmentGroup { id createdAt changes(quantityNames: ["available"]) { name quantityAfterChange item { id } location { id } } }
      userErrors { code field message }
    }
  }`,

  inventoryAdjust: `mutation TributaryInventoryAdjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
    inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
      inventoryAdjustmentGroup { id createdAt changes(quantityNames: ["available"]) { name quantityAfterChange item { id } location { id } } }
      userErrors { code field message }
    }
  }`,

  inventoryActivate: `mutation TributaryInventoryActivate($inventoryItemId: ID!, $locationId: ID!, $key: String!) {
    inventoryActivate(inventoryItemId: $inventoryItemId, locationId: $locationId) @idempotent(key: $key) {
      inventoryLevel { id }
      userErrors { field message }
    }
  }`,
} as const;

export type DocumentName = keyof typeof documents;
