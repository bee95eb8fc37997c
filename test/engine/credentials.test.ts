import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encryptionKeyFrom,
  openCredentials,
  sealCredentials,
} from '../../src/sync/connections/credentials.ts';

const key = randomBytes(32);

test('what is sealed opens again with the same key and name', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.string(), (value, aad) => {
      expect(openCredentials(key, sealCredentials(key, value, aad), aad)).toEqual({ ...value });
    }),
  );
});

test('sealing the same twice gives different bytes, and neither contains the secret', () => {
  const first = sealCredentials(key, { token: 'shpat_secret' }, 'shopify:a');
  const second = sealCredentials(key, { token: 'shpat_secret' }, 'shopify:a');
  expect(first.equals(second)).toBe(false);
  expect(first.includes('shpat_secret')).toBe(false);
});

test('it does not open with another key, under another name, or with any byte changed', () => {
  const sealed = sealCredentials(key, { token: 't' }, 'shopify:a');
  expect(() => openCredentials(randomBytes(32), sealed, 'shopify:a')).toThrow('CREDENTIALS_UNREADABLE');
  expect(() => openCredentials(key, sealed, 'shopify:b')).toThrow('CREDENTIALS_UNREADABLE');
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => openCredentials(key, changed, 'shopify:a')).toThrow('CREDENTIALS_UNREADABLE');
  }
  for (let length = 0; length < sealed.length; length += 1)
    expect(() => openCredentials(key, sealed.subarray(0, length), 'shopify:a')).toThrow(
      'CREDENTIALS_UNREADABLE',
    );
});

test('a key is read as hexadecimal or base64 of exactly 32 bytes', () => {
  expect(encryptionKeyFrom(key.toString('hex')).equals(key)).toBe(true);
  expect(encryptionKeyFrom(` ${key.toString('base64')}\n`).equals(key)).toBe(true);
  for (const bad of ['', 'password', 'ab'.repeat(31), randomBytes(31).toString('base64'), 'g'.repeat(64)])
    expect(() => encryptionKeyFrom(bad)).toThrow('ENCRYPTION_KEY_INVALID');
});
