import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createPool } from '../../src/db/pool.ts';
import { AppError } from '../../src/errors.ts';
import { backoffMs, judgeFailure, withoutSecrets } from '../../src/sync/retry.ts';

const transient = (options: { code?: string; retryAfterMs?: number } = {}) =>
  new AppError({ code: 'DOWN', retryable: true, publicMessage: 'It is down.', ...options });

test('the delay is anywhere between nothing and a bound that doubles up to an hour', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, r) => {
        const delay = backoffMs(attempt, () => r);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(3_600_000, 1_000 * 2 ** (attempt - 1)));
      },
    ),
  );
  expect([1, 2, 3, 4, 20].map((attempt) => backoffMs(attempt, () => 1))).toEqual([
    1_000, 2_000, 4_000, 8_000, 3_600_000,
  ]);
});

test('what the platform wishes is a lower bound of the delay', () => {
  expect(judgeFailure(transient({ retryAfterMs: 86_400_000 }), 1, () => 0).retryInMs).toBe(86_400_000);
  expect(judgeFailure(transient({ retryAfterMs: 10 }), 3, () => 0.5).retryInMs).toBe(2_000);
});

test('the twelfth failure is for a person, and so is every twelfth after a retry by hand', () => {
  const fates = Array.from(
    { length: 24 },
    (_, index) => judgeFailure(transient(), index + 1, () => 0).retryInMs,
  );
  expect(fates.flatMap((fate, index) => (fate === null ? [index + 1] : []))).toEqual([12, 24]);
  expect(judgeFailure(transient(), 12, () => 0)).toMatchObject({
    code: 'DOWN',
    remedy: 'It was tried 12 times. Look at the platform and the connection. Then retry it.',
  });
});

test('a payload that is not as expected is never tried again and its field is named', () => {
  const parsed = z
    .object({ lines: z.array(z.object({ price: z.string() })) })
    .safeParse({ lines: [{ price: 5 }] });
  expect(judgeFailure(parsed.error, 1, () => 0)).toMatchObject({
    retryInMs: null,
    code: 'PAYLOAD_UNREADABLE',
    message: 'The field "lines.0.price" is not as expected: Invalid input: expected string, received number',
    platformTrouble: false,
  });
  let syntax: unknown;
  try {
    JSON.parse('{');
  } catch (error) {
    syntax = error;
  }
  expect(judgeFailure(syntax, 1, () => 0)).toMatchObject({ retryInMs: null, code: 'PAYLOAD_UNREADABLE' });
});

test('waiting for another push says nothing about the platform; a broken connection does', () => {
  expect(judgeFailure(transient({ code: 'LINK_PENDING' }), 1, () => 0).platformTrouble).toBe(false);
  expect(judgeFailure(transient(), 1, () => 0).platformTrouble).toBe(true);
  const network = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  expect(judgeFailure(network, 1, () => 0)).toMatchObject({
    code: 'UNEXPECTED',
    message: 'TypeError: fetch failed (connect ECONNREFUSED)',
    platformTrouble: true,
  });
});

test('a database that is lost is no trouble of the platform, whose circuit stays closed', async () => {
  const nowhere = createPool({
    connectionString: 'postgresql://nobody@127.0.0.1:1/none',
    max: 1,
    applicationName: 'x',
  });
  await nowhere.end();
  const closed = await nowhere.query('select 1').catch((error: unknown) => error);
  for (const error of [
    closed,
    new Error('Query read timeout'),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
  ])
    expect(judgeFailure(error, 1, () => 0)).toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      platformTrouble: false,
      retryInMs: expect.any(Number),
    });
  expect(judgeFailure(new Error('The query timed out'), 1, () => 0).code).toBe('UNEXPECTED');
});

test('a message that is cut within an emoji, or holds what Postgres does not, can still be stored', () => {
  expect(withoutSecrets(`${'no '.repeat(166)}n\u{1f600}`)).toBe(`${'no '.repeat(166)}n\ufffd`);
  expect(withoutSecrets('a\0b')).toBe('ab');
});

test('stored failures carry no secrets', () => {
  expect(withoutSecrets('Authorization: Bearer abc.def')).toBe('Authorization: Bearer [removed]');
  expect(withoutSecrets(`token shpat_${'0123456789abcdef'.repeat(2)} refused`)).toBe(
    'token [removed] refused',
  );
  expect(withoutSecrets('at postgresql://user:pass@host/db')).toBe('at postgresql://[removed]@host/db');
});
