import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../../errors.ts';

// Layout: version (1) | nonce (12) | tag (16) | ciphertext. The version lets a later layout or key be told apart.
const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + nonceBytes + tagBytes;

/**
 * Seals credentials with AES-256-GCM. `aad` names the connection (`platform:accountId`), so that a sealed value
 * copied to another connection's row does not open there.
 */
export function sealCredentials(key: Buffer, value: unknown, aad: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Opens what `sealCredentials` has sealed. @throws AppError CREDENTIALS_UNREADABLE */
export function openCredentials(key: Buffer, sealed: Buffer, aad: string): unknown {
  if (sealed.length < headerBytes || sealed[0] !== version)
    throw unreadable('They are not in a known format.');
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const tag = sealed.subarray(1 + nonceBytes, headerBytes);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(aad))
      .setAuthTag(tag);
    const text = Buffer.concat([decipher.update(sealed.subarray(headerBytes)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw unreadable('The key does not fit, or they were changed.', error);
  }
}

/** Reads ENCRYPTION_KEY: 32 bytes as 64 hexadecimal digits or as base64. @throws AppError ENCRYPTION_KEY_INVALID */
export function encryptionKeyFrom(text: string): Buffer {
  const key = keyIn(text);
  if (key !== null) return key;
  throw new AppError({
    code: 'ENCRYPTION_KEY_INVALID',
    retryable: false,
    publicMessage:
      'ENCRYPTION_KEY must be 32 bytes, written as 64 hexadecimal digits or as base64 (for example: openssl rand -hex 32).',
  });
}

/** Whether `encryptionKeyFrom` can read it. */
export function isEncryptionKey(text: string): boolean {
  return keyIn(text) !== null;
}

function keyIn(text: string): Buffer | null {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return null;
  const key = Buffer.from(trimmed, 'base64');
  return key.length === 32 ? key : null;
}

/** What binds sealed credentials to their connection. */
export function credentialsAad(platform: string, accountId: string): string {
  return `${platform}:${accountId}`;
}

function unreadable(why: string, cause?: unknown): AppError {
  return new AppError({
    code: 'CREDENTIALS_UNREADABLE',
    retryable: false,
    publicMessage: `The stored credentials of a connection cannot be opened. ${why}`,
    remedy: 'Start with the ENCRYPTION_KEY they were stored with, or connect the account again.',
    cause,
  });
}
