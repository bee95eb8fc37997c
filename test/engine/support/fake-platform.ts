import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../src/errors.ts';
import type { PlatformName } from '../../../src/model/platform-name.ts';
import type { Platform, RateLimit } from '../../../src/sync/platforms/platform.ts';

export interface FakeCredentials {
  secret: string;
  token: string;
}

const message = z.object({
  account: z.string(),
  id: z.string(),
  event: z.string().nullable().default(null),
  topic: z.string(),
  subject: z.string(),
  data: z.unknown().default({}),
});
const outcome = z.object({ id: z.string(), version: z.string(), adopted: z.boolean() });

export function sign(secret: string, body: Buffer | string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** The smallest platform that behaves: signed webhooks, one kind of write over HTTP with an idempotency key. */
export function fakePlatform(
  name: PlatformName,
  options: { accountInHeader?: boolean; rateLimit?: RateLimit } = {},
): Platform<FakeCredentials> {
  return {
    name,
    credentials: z.object({ secret: z.string(), token: z.string() }),
    door: {
      accountIdOf: (request) =>
        options.accountInHeader === false ? null : (request.headers['x-fake-account'] ?? null),
      isSigned: (request) => request.headers['x-fake-signature'] !== undefined,
      verify: (request, credentials) => {
        const expected = Buffer.from(sign(credentials.secret, request.rawBody));
        const given = Buffer.from(request.headers['x-fake-signature'] ?? '');
        return expected.length === given.length && timingSafeEqual(expected, given);
      },
      split: (request) => {
        const parsed = z
          .union([message, z.array(message)])
          .parse(JSON.parse(request.rawBody.toString('utf8')));
        return [parsed].flat().map((one) => ({
          accountId: one.account,
          externalId: one.id,
          eventId: one.event,
          topic: one.topic,
          subject: one.subject,
          triggeredAt: null,
          body: Buffer.from(JSON.stringify(one.data)),
          ...(one.topic.startsWith('ignored/') ? { ignored: true } : {}),
        }));
      },
    },
    pushKinds: ['thing', 'other'],
    rateLimit: options.rateLimit ?? { requests: 1_000, windowMs: 1_000, concurrent: 50 },
    linkTypes: { Customer: 'thing' },
    interpret: async (delivery, _session, { fresh }) => {
      if (delivery.topic.startsWith('unknown/')) return { kind: 'ignored', reason: 'No use for it.' };
      if (delivery.topic.startsWith('person/'))
        return { kind: 'person', reason: 'A customer asks for their data.', remedy: 'Answer them.' };
      const data = z
        .object({ name: z.string(), lines: z.array(z.object({ price: z.string() })).default([]) })
        .parse(JSON.parse(delivery.body.toString('utf8')));
      return {
        kind: 'changes',
        changes: [
          {
            kind: 'location',
            remoteId: delivery.subject,
            version: {
              sourceUpdatedAt: delivery.receivedAt,
              observedAt: fresh ? new Date() : null,
            },
            location: { name: data.name, active: true, address: null },
          },
        ],
      };
    },
    plan: () => [],
    perform: (push, session) =>
      session.limited(async () => {
        const response = await fetch(`${session.baseUrl}/write`, {
          method: 'POST',
          headers: { 'idempotency-key': push.idempotencyKey },
          body: JSON.stringify({ ...push.body, subjectId: push.subjectId.toString(), attempt: push.attempt }),
        });
        const text = await response.text();
        if (response.status === 429 || response.status >= 500) {
          const after = response.headers.get('retry-after');
          throw new AppError({
            code: `FAKE_${response.status}`,
            retryable: true,
            publicMessage: `The platform answered ${response.status}.`,
            ...(after === null ? {} : { retryAfterMs: Number(after) * 1000 }),
          });
        }
        if (response.status === 401)
          throw new AppError({
            code: 'FAKE_UNAUTHORIZED',
            retryable: false,
            publicMessage: 'The platform does not accept our access.',
            remedy: 'Connect the account again.',
          });
        if (!response.ok)
          throw new AppError({
            code: 'FAKE_REFUSED',
            retryable: false,
            publicMessage: 'The platform refused it.',
            remedy: 'Correct the name, then retry.',
          });
        const row = outcome.parse(JSON.parse(text));
        return {
          remoteType: 'thing',
          remoteId: row.id,
          remoteVersion: row.version,
          state: { ...push.body },
          adopted: row.adopted,
          detail: {},
        };
      }),
    prepare: async () => undefined,
    examine: async () => [],
    sweep: async function* () {},
  };
}
