import { createHash } from 'node:crypto';
import type { WebhookSender } from '../kit/webhooks.ts';
import type { Account, AmazonOrder, Happening } from './account.ts';
import { iso } from './views.ts';

/** What carries a notification on to an address of the application's own. */
export type Envelope = 'eventbridge' | 'sqs';

export interface NotifierOptions {
  sender: WebhookSender;
  url: string | null;
  envelope: Envelope;
  secret: string;
}

const applicationId = 'amzn1.sellerapps.app.sandbox';

/**
 * Announces what happens, as far as it is subscribed to. Amazon itself only fills a queue or an event bus; an EventBridge
 * rule with an API destination, or a pipe out of an SQS queue, brings it to the application and shows a secret.
 */
export class Notifier {
  url: string | null;
  envelope: Envelope;
  readonly #options: NotifierOptions;
  #sent = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.url = options.url;
    this.envelope = options.envelope;
  }

  get sent(): number {
    return this.#sent;
  }

  announce(account: Account, happening: Happening): void {
    const [type, payload, atMs] = contentOf(account, happening);
    const subscription = account.state.subscriptions.find((one) => one.notificationType === type);
    if (this.url === null || subscription === undefined) return;
    this.#sent += 1;
    const id = uuidFrom(`${account.profile.sellerId}:${account.next('notification')}`);
    const notification = {
      NotificationVersion: '1.0',
      NotificationType: type,
      PayloadVersion: subscription.payloadVersion,
      EventTime: iso(atMs),
      Payload: payload,
      NotificationMetadata: {
        ApplicationId: applicationId,
        SubscriptionId: subscription.subscriptionId,
        PublishTime: iso(account.now()),
        NotificationId: id,
      },
    };
    const secret = this.#options.secret;
    this.#options.sender.send({
      id,
      url: this.url,
      topic: type,
      body: Buffer.from(JSON.stringify(wrapped(this.envelope, notification, id))),
      headers: () => ({ 'x-tributary-secret': secret, 'user-agent': 'Amazon/EventBridge/ApiDestinations' }),
    });
  }
}

function wrapped(
  envelope: Envelope,
  notification: { NotificationType: string; EventTime: string },
  id: string,
): unknown {
  if (envelope === 'sqs')
    return [
      {
        messageId: id,
        receiptHandle: `handle-${id}`,
        body: JSON.stringify(notification),
        attributes: { ApproximateReceiveCount: '1' },
        messageAttributes: {},
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:tributary',
        awsRegion: 'us-east-1',
      },
    ];
  return {
    version: '0',
    id,
    'detail-type': notification.NotificationType,
    source: `aws.partner/sellingpartnerapi.amazon.com/123456789012/${applicationId}`,
    account: '123456789012',
    time: notification.EventTime,
    region: 'us-east-1',
    resources: [],
    detail: notification,
  };
}

function contentOf(account: Account, happening: Happening): [type: string, payload: object, atMs: number] {
  const { state, profile } = account;
  switch (happening.kind) {
    case 'order':
      return [
        'ORDER_CHANGE',
        { OrderChangeNotification: orderChange(account, account.order(happening.orderId), happening) },
        happening.atMs,
      ];
    case 'transaction': {
      const one = state.transactions.find(({ id }) => id === happening.transactionId);
      if (one === undefined) throw new Error(`no transaction ${happening.transactionId}`);
      const total = one.lines.flatMap((line) => line.amounts).reduce((sum, amount) => sum + amount.minor, 0);
      return [
        'TRANSACTION_UPDATE',
        {
          TransactionUpdateNotification: {
            SellingPartnerMetadata: {
              SellingPartnerId: profile.sellerId,
              MarketplaceId: profile.marketplaceId,
              AccountType: 'Standard Orders',
            },
            RelatedIdentifiers: [{ RelatedIdentifierName: 'OrderId', RelatedIdentifierValue: one.orderId }],
            TransactionType: one.type,
            PostedDate: iso(one.postedMs),
            TotalAmount: { CurrencyAmount: total / 100, CurrencyCode: one.currency },
          },
        },
        one.postedMs,
      ];
    }
    case 'quantity': {
      const listing = account.listing(happening.sku);
      return [
        'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
        {
          SellerId: profile.sellerId,
          FulfillmentChannelCode: 'DEFAULT',
          Sku: listing.sku,
          Quantity: listing.quantity,
        },
        listing.updatedMs,
      ];
    }
    case 'inventory':
      return ['FBA_INVENTORY_AVAILABILITY_CHANGES', availability(account, happening.sku), account.now()];
  }
}

const orderStatuses = {
  PENDING: 'Pending',
  UNSHIPPED: 'Unshipped',
  PARTIALLY_SHIPPED: 'PartiallyShipped',
  SHIPPED: 'Shipped',
  CANCELLED: 'Canceled',
  UNFULFILLABLE: 'Unfulfillable',
} as const;

/** Thin: who, what and which status, but no price and no buyer. */
function orderChange(
  account: Account,
  order: AmazonOrder,
  happening: { reason: string; atMs: number },
): object {
  const pieces = order.items.filter((item) => item.cancelled === null);
  const shipped = pieces.reduce((sum, item) => sum + item.fulfilled, 0);
  return {
    NotificationLevel: 'OrderLevel',
    SellerId: account.profile.sellerId,
    AmazonOrderId: order.id,
    OrderChangeType: happening.reason.startsWith('Buyer Requested')
      ? 'BuyerRequestedChange'
      : 'OrderStatusChange',
    OrderChangeTrigger: { TimeOfOrderChange: iso(happening.atMs), ChangeReason: happening.reason },
    Summary: {
      MarketplaceId: account.profile.marketplaceId,
      OrderStatus: orderStatuses[order.status],
      PurchaseDate: iso(order.createdMs),
      DestinationPostalCode: order.address?.postalCode ?? null,
      FulfillmentType: order.fulfilledBy === 'AMAZON' ? 'AFN' : 'MFN',
      OrderType: 'StandardOrder',
      NumberOfItemsShipped: shipped,
      NumberOfItemsUnshipped: pieces.reduce((sum, item) => sum + item.quantity, 0) - shipped,
      OrderItems: order.items.map((item) => ({
        OrderItemId: item.id,
        SellerSKU: item.sku,
        SupplySourceId: null,
        Quantity: item.quantity,
        QuantityShipped: item.fulfilled,
      })),
    },
  };
}

function availability(account: Account, sku: string): object {
  const level = account.state.inventory[sku];
  const listing = account.state.listings[sku];
  return {
    SellerId: account.profile.sellerId,
    FNSKU: `X00${sku}`.slice(0, 10),
    ASIN: listing?.asin ?? '',
    SKU: sku,
    FulfillmentInventoryByMarketplace: [
      {
        MarketplaceId: account.profile.marketplaceId,
        ItemName: listing?.title ?? sku,
        FulfillmentInventory: {
          InboundQuantityBreakdown: { Working: 0, Shipped: level?.inbound ?? 0, Receiving: 0 },
          Fulfillable: level?.fulfillable ?? 0,
          Unfulfillable: 0,
          Researching: 0,
          ReservedQuantityBreakdown: {
            WarehouseProcessing: 0,
            WarehouseTransfer: 0,
            PendingCustomerOrder: level?.reserved ?? 0,
          },
          FutureSupplyBuyable: 0,
          PendingCustomerOrderInTransit: 0,
        },
      },
    ],
  };
}

/** As deterministic as everything else here. */
function uuidFrom(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
