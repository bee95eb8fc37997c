import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import type { Door, IncomingDelivery } from '../platform.ts';
import type { QuickBooksCredentials } from './settings.ts';

const id = z.union([z.string().min(1).max(64), z.number().int().nonnegative()]).transform(String);

const cloudEvent = z.object({
  specversion: z.string(),
  id: z.string().min(1).max(300),
  type: z.string().regex(/^qbo\.[a-z]+\.[a-z]+\.v\d+$/),
  time: z.string(),
  intuitentityid: id,
  intuitaccountid: id,
});

const classicBody = z.object({
  eventNotifications: z
    .array(
      z.object({
        realmId: id,
        dataChangeEvent: z
          .object({
            entities: z.array(
              z.object({
                name: z.string().regex(/^[A-Za-z]+$/),
                id,
                operation: z.string().regex(/^[A-Za-z]+$/),
                lastUpdated: z.string(),
                deletedId: id.optional(),
              }),
            ),
          })
          .optional(),
      }),
    )
    .min(1),
});

/** One change, whichever format told it. */
export const quickBooksEvent = z.object({
  /** Lower case: `salesreceipt`. */
  entity: z.string(),
  id: z.string(),
  /** created, updated, deleted, voided, merged, emailed. */
  operation: z.string(),
  at: z.string(),
  /** The record that was merged into this one. */
  mergedId: z.string().nullable(),
});
export type QuickBooksEvent = z.infer<typeof quickBooksEvent>;

export const door: Door<QuickBooksCredentials> = {
  accountIdOf: () => null,
  isSigned: ({ headers }) => headers['intuit-signature'] !== undefined,
  verify(request, credentials) {
    const given = Buffer.from(request.headers['intuit-signature'] ?? '', 'base64');
    const wanted = createHmac('sha256', credentials.verifierToken).update(request.rawBody).digest();
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  },
  split(request) {
    const body = parse(request.rawBody);
    return Array.isArray(body) ? fromCloudEvents(body) : fromClassic(body);
  },
};

function fromCloudEvents(body: unknown[]): IncomingDelivery[] {
  if (body.length === 0) throw malformed('is an empty list');
  return body.map((raw) => {
    const event = cloudEvent.safeParse(raw);
    if (!event.success)
      throw malformed(`has an event without ${event.error.issues[0]?.path.join('.') || 'fields'}`);
    const { type, time, intuitentityid, intuitaccountid } = event.data;
    const [, entity = '', operation = ''] = type.split('.');
    return deliveryOf(
      intuitaccountid,
      event.data.id,
      { entity, id: intuitentityid, operation, at: time, mergedId: null },
      event.data.id,
    );
  });
}

const operations: Readonly<Record<string, string>> = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  void: 'voided',
  merge: 'merged',
  emailed: 'emailed',
};

function fromClassic(body: unknown): IncomingDelivery[] {
  const classic = classicBody.safeParse(body);
  if (!classic.success) throw malformed('is neither a list of cloud events nor eventNotifications');
  return classic.data.eventNotifications.flatMap(({ realmId, dataChangeEvent }) =>
    (dataChangeEvent?.entities ?? []).map((one) => {
      const operation = operations[one.operation.toLowerCase()] ?? one.operation.toLowerCase();
      const externalId = [realmId, one.name, one.id, one.operation, one.lastUpdated].join(':');
      return deliveryOf(
        realmId,
        externalId,
        {
          entity: one.name.toLowerCase(),
          id: one.id,
          operation,
          at: one.lastUpdated,
          mergedId: one.deletedId ?? null,
        },
        null,
      );
    }),
  );
}

function deliveryOf(
  accountId: string,
  externalId: string,
  event: QuickBooksEvent,
  eventId: string | null,
): IncomingDelivery {
  const at = new Date(event.at);
  return {
    accountId,
    externalId,
    eventId,
    topic: `${event.entity}.${event.operation}`,
    subject: `${event.entity}:${event.id}`,
    triggeredAt: Number.isNaN(at.getTime()) ? null : at,
    body: Buffer.from(JSON.stringify(event)),
  };
}

function parse(rawBody: Buffer): unknown {
  try {
    return parseLosslessJson(rawBody.toString('utf8'));
  } catch {
    throw malformed('is not JSON');
  }
}

function malformed(why: string): AppError {
  return new AppError({
    code: 'MALFORMED_WEBHOOK',
    retryable: false,
    publicMessage: `The body of this QuickBooks webhook ${why}.`,
  });
}
