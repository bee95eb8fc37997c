import { createHmac } from 'node:crypto';
import type { ConnectionConfig } from './config.ts';
import type { AppContext } from './context.ts';
import { transaction } from './db/transaction.ts';
import { AppError } from './errors.ts';
import { type ConnectionFacts, readSealed, upsertConnection } from './sync/connections/connections.ts';
import { credentialsAad, openCredentials } from './sync/connections/credentials.ts';
import {
  type Digests,
  digestsOf,
  type Fields,
  isUnchanged,
  withWhatChanged,
} from './sync/connections/supplied.ts';
import { platformNamed } from './sync/platforms/index.ts';
import type { Platform } from './sync/platforms/platform.ts';

/**
 * Registers the accounts whose credentials the environment holds. A new one only observes until writing is unlocked. One that
 * a person has disconnected stays so, whatever the environment says, until a person asks for it (`again`).
 * @returns the names of the accounts that were connected again
 */
export async function connectAccounts(
  context: AppContext,
  connections: readonly ConnectionConfig[],
  { again = context.config.demo }: { again?: boolean } = {},
): Promise<string[]> {
  const connected: string[] = [];
  const known = await context.connections();
  for (const connection of connections) {
    const platform = platformNamed(connection.platform);
    if (platform === undefined) continue;
    const name = await connect(context, platform, connection, {
      known: known.filter((one) => one.platform === platform.name),
      again,
    });
    if (name !== null) connected.push(name);
  }
  return connected;
}

/** @returns the account's name where it was off and is connected again */
async function connect(
  context: AppContext,
  platform: Platform,
  { accountId, credentials: supplied }: ConnectionConfig,
  { known, again }: { known: readonly ConnectionFacts[]; again: boolean },
): Promise<string | null> {
  const { encryptionKey, pool, config } = context;
  const digests = digestsOf(encryptionKey, supplied);
  const same = known.find(({ settings }) =>
    isKnown(settings.suppliedCredentials, digests, supplied, encryptionKey),
  );
  if (same !== undefined && same.status !== 'disconnected') return null;
  if (same !== undefined && !again) return staysOff(context, same);
  const account =
    accountId !== null
      ? { accountId, name: accountId }
      : await identify(platform, supplied, config.baseUrls[platform.name]);
  const before = known.find((one) => one.accountId === account.accountId);
  const isOff = before?.status === 'disconnected';
  if (before !== undefined && isOff && !again) return staysOff(context, before);
  const stored = before === undefined || isOff ? null : await storedFields(context, before);
  const told = before?.settings.suppliedCredentials;
  const credentials = platform.credentials.parse(
    stored === null ? supplied : succeed(platform, stored, withWhatChanged(stored, supplied, told, digests)),
  );
  await transaction(pool, (tx) =>
    upsertConnection(tx, {
      platform: platform.name,
      accountId: account.accountId,
      name: before?.name ?? account.name,
      credentials,
      encryptionKey,
      settings: {
        // Orders from before the connection belong to whoever kept the books then.
        ordersFrom: new Date().toISOString(),
        ...before?.settings,
        suppliedCredentials: digests,
      },
      ...(config.demo ? { writeCapabilities: ['*'] } : {}),
    }),
  );
  return isOff ? account.name : null;
}

function staysOff({ log }: AppContext, { platform, name }: ConnectionFacts): null {
  log.warn(
    { platform, account: name },
    `This account is disconnected and stays so. npx tributary connection connect ${platform} connects it again; else take its credentials out of the environment`,
  );
  return null;
}

/** Connections that were made before fields were told apart hold one digest of all. */
function isKnown(told: unknown, digests: Digests, supplied: Fields, encryptionKey: Buffer): boolean {
  if (typeof told !== 'string') return isUnchanged(told, digests);
  return told === createHmac('sha256', encryptionKey).update(JSON.stringify(supplied)).digest('hex');
}

function succeed(platform: Platform, stored: Fields, next: Fields): unknown {
  return platform.succeed?.(stored, next, Date.now()) ?? next;
}

/** Null where they cannot be opened: those of the environment count. */
async function storedFields(
  { pool, encryptionKey }: AppContext,
  { id, platform, accountId }: ConnectionFacts,
): Promise<Fields | null> {
  try {
    const sealed = await readSealed(pool, id);
    return openCredentials(encryptionKey, sealed, credentialsAad(platform, accountId)) as Fields;
  } catch (error) {
    if (error instanceof AppError && error.code === 'CREDENTIALS_UNREADABLE') return null;
    throw error;
  }
}

async function identify(
  platform: Platform,
  supplied: Fields,
  baseUrl: string,
): Promise<{ accountId: string; name: string }> {
  const account = await platform
    .identify?.(platform.credentials.parse(supplied), { baseUrl, timeoutMs: 10_000 })
    .catch((error: unknown) => {
      throw withWayOut(error, platform);
    });
  if (account !== undefined) return account;
  throw new AppError({
    code: 'ACCOUNT_UNKNOWN',
    retryable: false,
    publicMessage: `${platform.name} does not tell which account the credentials belong to.`,
  });
}

/** Nobody can be connected whose name is not known: without the platform there is no first start. */
function withWayOut(error: unknown, { name }: Platform): unknown {
  if (!(error instanceof AppError) || error.remedy !== null) return error;
  return new AppError({
    code: error.code,
    retryable: error.retryable,
    publicMessage: error.publicMessage,
    remedy: `${name} is asked once whose credentials these are: look at ${name.toUpperCase()}_API_URL and the network, then start again.`,
    cause: error,
  });
}
