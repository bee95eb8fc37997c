import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { Door, IncomingDelivery, WebhookRequest } from '../platform.ts';
import type { AmazonCredentials } from './credentials.ts';
import {
  fbaAvailabilityChange,
  mfnQuantityChange,
  type NotificationPayload,
  notification,
  orderChange,
  transactionUpdate,
} from './payloads.ts';

/** The header that the EventBridge connection sends along; `Authorization: Bearer …` is taken as well. */
const secretHeader = 'x-tributary-secret';

/**
 * Amazon sends notifications to queues and event buses of AWS, never to an address of ours. What carries them on, an
 * EventBridge API destination or a pipe out of an SQS queue, shows a secret that both sides know.
 */
export const door: Door<AmazonCredentials> = {
  accountIdOf: () => null,

  isSigned: (request) => givenSecret(request) !== null,

  verify(request, credentials) {
    const given = givenSecret(request);
    if (given === null || credentials.webhookSecret === undefined) return false;
    // Digests have one length, so that nothing about the secret's own can be measured.
    return timingSafeEqual(digest(given), digest(credentials.webhookSecret));
  },

  split: (request) => notificationsIn(parse(request.rawBody.toString('utf8'))).map(deliveryOf),
};

function givenSecret({ headers }: WebhookRequest): string | null {
  const own = headers[secretHeader];
  if (own !== undefined && own !== '') return own;
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const eventBridgeEvent = z.object({ 'detail-type': z.string(), detail: z.unknown() });
const sqsRecord = z.object({ messageId: z.string(), body: z.string() });
const sqsBatch = z.object({ Records: z.array(sqsRecord).min(1) });
const snsMessage = z.object({ Type: z.literal('Notification'), Message: z.string() });

/** Takes the envelopes off: EventBridge's, SQS's (one or many records, alone or from a pipe), SNS's within it. */
function notificationsIn(body: unknown): NotificationPayload[] {
  if (Array.isArray(body)) {
    if (body.length === 0) throw malformed('is an empty list');
    return body.flatMap(notificationsIn);
  }
  const batch = sqsBatch.safeParse(body);
  if (batch.success) return batch.data.Records.flatMap((record) => notificationsIn(parse(record.body)));
  const record = sqsRecord.safeParse(body);
  if (record.success) return notificationsIn(parse(record.data.body));
  const message = snsMessage.safeParse(body);
  if (message.success) return notificationsIn(parse(message.data.Message));
  const event = eventBridgeEvent.safeParse(body);
  if (event.success) return notificationsIn(event.data.detail);
  const known = notification.safeParse(body);
  if (!known.success)
    throw malformed(
      `is no notification: ${known.error.issues[0]?.path.join('.') || 'its shape'} is not as known`,
    );
  return [known.data];
}

/** What a notification speaks of. The kinds that the graph has no use for are kept, and cost no work. */
function deliveryOf(told: NotificationPayload): IncomingDelivery {
  const { accountId, subject, at } = aboutWhat(told);
  const triggeredAt = new Date(at ?? told.EventTime);
  return {
    accountId,
    externalId: told.NotificationMetadata.NotificationId,
    eventId: null,
    topic: told.NotificationType,
    subject: subject ?? `notification:${told.NotificationType}`,
    triggeredAt: Number.isNaN(triggeredAt.getTime()) ? null : triggeredAt,
    body: Buffer.from(JSON.stringify(told)),
    ...(subject === null ? { ignored: true } : {}),
  };
}

function aboutWhat(told: NotificationPayload): {
  accountId: string;
  subject: string | null;
  at?: string | null | undefined;
} {
  switch (told.NotificationType) {
    case 'ORDER_CHANGE': {
      const change = read(orderChange, told).OrderChangeNotification;
      return {
        accountId: change.SellerId,
        subject: `order:${change.AmazonOrderId}`,
        at: change.OrderChangeTrigger?.TimeOfOrderChange,
      };
    }
    case 'TRANSACTION_UPDATE': {
      const update = read(transactionUpdate, told).TransactionUpdateNotification;
      const orderId = update.RelatedIdentifiers?.find((one) =>
        /^order_?id$/i.test(one.RelatedIdentifierName ?? ''),
      )?.RelatedIdentifierValue;
      return {
        accountId: update.SellingPartnerMetadata.SellingPartnerId,
        subject: orderId == null ? null : `order:${orderId}`,
      };
    }
    case 'LISTINGS_ITEM_MFN_QUANTITY_CHANGE': {
      const change = read(mfnQuantityChange, told);
      return { accountId: change.SellerId, subject: `listing:${change.Sku}` };
    }
    case 'FBA_INVENTORY_AVAILABILITY_CHANGES': {
      const change = read(fbaAvailabilityChange, told);
      return { accountId: change.SellerId, subject: `stock:${change.SKU}` };
    }
    default: {
      const seller = z.object({ SellerId: z.string() }).safeParse(told.Payload);
      return { accountId: seller.success ? seller.data.SellerId : '', subject: null };
    }
  }
}

function read<T>(shape: z.ZodType<T>, told: NotificationPayload): T {
  const parsed = shape.safeParse(told.Payload);
  if (parsed.success) return parsed.data;
  throw malformed(
    `of kind ${told.NotificationType.slice(0, 60)} lacks ${parsed.error.issues[0]?.path.join('.') || 'fields'}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('is not JSON');
  }
}

function malformed(why: string): AppError {
  return new AppError({
    code: 'MALFORMED_WEBHOOK',
    retryable: false,
    publicMessage: `The body of this Amazon notification ${why}.`,
    remedy: 'Send on what Amazon put into the queue or the event bus, without an input transformer.',
  });
}
