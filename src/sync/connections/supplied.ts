import { createHmac } from 'node:crypto';

/** Credentials as the environment states them, or as they are stored: field to value. */
export type Fields = Readonly<Record<string, string>>;

/** What the environment said last time, field by field, so that it can be told what somebody has changed since. */
export type Digests = Readonly<Record<string, string>>;

/** Digests under the key that seals credentials: they give nothing away of what they were made of. */
export function digestsOf(encryptionKey: Buffer, supplied: Fields): Digests {
  return Object.fromEntries(
    Object.entries(supplied).map(([field, value]) => [
      field,
      createHmac('sha256', encryptionKey).update(`${field}\0${value}`).digest('hex'),
    ]),
  );
}

/** Whether the environment says what it said before. */
export function isUnchanged(before: unknown, now: Digests): boolean {
  const known = digestsIn(before);
  return (
    Object.keys(known).length === Object.keys(now).length &&
    Object.entries(now).every(([field, digest]) => known[field] === digest)
  );
}

/**
 * Stored credentials rotate, those of the environment stay as they were typed: field by field, what somebody has changed
 * there counts, and of all else what is stored. A new secret for webhooks brings no refresh token back that was spent
 * long ago.
 */
export function withWhatChanged(stored: Fields, supplied: Fields, before: unknown, now: Digests): Fields {
  const known = digestsIn(before);
  return Object.fromEntries(
    Object.entries(supplied).map(([field, value]) => [
      field,
      known[field] === now[field] ? (stored[field] ?? value) : value,
    ]),
  );
}

function digestsIn(setting: unknown): Digests {
  return typeof setting === 'object' && setting !== null ? (setting as Digests) : {};
}
