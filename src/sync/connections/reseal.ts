import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import { credentialsAad, openCredentials, sealCredentials } from './credentials.ts';
import { digestsOf } from './supplied.ts';

/**
 * Seals with the new key what the previous one has sealed, all accounts or none. What the new key opens already stays as it
 * is. `supplied` are the credentials that the environment states: they were told apart under the previous key.
 * @returns how many were sealed anew. @throws AppError CREDENTIALS_UNREADABLE where neither key fits.
 */
export async function resealCredentials(
  pool: Pool,
  options: {
    key: Buffer;
    previousKey: Buffer;
    supplied: readonly { platform: string; credentials: Readonly<Record<string, string>> }[];
  },
): Promise<number> {
  const { key, previousKey, supplied } = options;
  return transaction(pool, async (tx) => {
    const { rows } = await tx.query<Row>(
      `select id, platform, account_id as "accountId", credentials as sealed, settings->'suppliedCredentials' as told
       from connection where status <> 'disconnected' order by id for update`,
    );
    let count = 0;
    for (const { id, platform, accountId, sealed, told } of rows) {
      const aad = credentialsAad(platform, accountId);
      if (opens(key, sealed, aad)) continue;
      const credentials = openCredentials(previousKey, sealed, aad);
      const digests: Record<string, string> = { ...told };
      for (const one of supplied.filter((candidate) => candidate.platform === platform)) {
        const before = digestsOf(previousKey, one.credentials);
        const now = digestsOf(key, one.credentials);
        for (const [field, digest] of Object.entries(before))
          if (told?.[field] === digest) digests[field] = now[field] ?? digest;
      }
      await tx.query(
        `update connection set credentials = $2, settings = settings || jsonb_build_object('suppliedCredentials', $3::jsonb),
           updated_at = clock_timestamp() where id = $1`,
        [id, sealCredentials(key, credentials, aad), JSON.stringify(digests)],
      );
      count += 1;
    }
    return count;
  });
}

interface Row {
  id: bigint;
  platform: string;
  accountId: string;
  sealed: Buffer;
  told: Record<string, string> | null;
}

function opens(key: Buffer, sealed: Buffer, aad: string): boolean {
  try {
    openCredentials(key, sealed, aad);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'CREDENTIALS_UNREADABLE') return false;
    throw error;
  }
}
