import type { Queryable } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Finding, Platform, Session } from '../platforms/platform.ts';
import type { ConnectionFacts } from './connections.ts';
import { connectAgain } from './disconnect.ts';

/**
 * Looks at what an account needs: whether it may be called and written, whether its webhooks arrive, and all that the
 * platform can tell of it. Changes nothing there; a platform that does not answer is a finding like others.
 */
export async function examineConnection(
  connection: ConnectionFacts,
  options: {
    db: Queryable;
    platform: Platform;
    session: () => Promise<Session<unknown>>;
    webhookUrl: string;
  },
): Promise<Finding[]> {
  if (connection.status !== 'active') return [await standing(options.db, connection)];
  return [
    ...(await askPlatform(connection, options)),
    await webhooksHeard(options.db, connection, options.webhookUrl),
    writing(connection),
  ];
}

/** Keeps what was found with the connection, for whoever asks the API. */
export async function storeFindings(db: Queryable, id: bigint, findings: readonly Finding[]): Promise<void> {
  await db.query(
    'update connection set findings = $2::jsonb, examined_at = clock_timestamp() where id = $1',
    [id, JSON.stringify(findings)],
  );
}

async function askPlatform(
  connection: ConnectionFacts,
  {
    platform,
    session,
    webhookUrl,
  }: { platform: Platform; session: () => Promise<Session<unknown>>; webhookUrl: string },
): Promise<Finding[]> {
  try {
    const { writeCapabilities } = connection;
    return await platform.examine(await session(), { webhookUrl, writeCapabilities });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return [refusalAs('Access', error)];
  }
}

/** A refusal in the form of a finding; what passes by itself is not broken until somebody acts. */
export function refusalAs(subject: string, { retryable, publicMessage, remedy }: AppError): Finding {
  return { subject, state: retryable ? 'limited' : 'broken', message: publicMessage, remedy };
}

async function standing(db: Queryable, { id, status }: ConnectionFacts): Promise<Finding> {
  const { rows } = await db.query<{ reason: string | null }>(
    'select status_reason as reason from connection where id = $1',
    [id],
  );
  const reason = rows[0]?.reason ?? 'no reason was given';
  if (status === 'disconnected')
    return {
      subject: 'Connection',
      state: 'limited',
      message: `It is disconnected: ${reason}`,
      remedy: `Nothing is read or written there. ${connectAgain}`,
    };
  return status === 'paused'
    ? {
        subject: 'Connection',
        state: 'limited',
        message: `It is paused: ${reason}`,
        remedy: 'Nothing is read or written there until somebody calls connectionResume.',
      }
    : {
        subject: 'Connection',
        state: 'broken',
        message: `It is revoked: ${reason}`,
        remedy:
          'Start with credentials that the platform accepts, or correct the app there and call connectionResume.',
      };
}

async function webhooksHeard(db: Queryable, { id }: ConnectionFacts, webhookUrl: string): Promise<Finding> {
  const subject = 'Webhooks heard';
  const { rows } = await db.query<{ at: Date | null }>(
    'select last_delivery_at as at from connection where id = $1',
    [id],
  );
  const at = rows[0]?.at ?? null;
  return at === null
    ? {
        subject,
        state: 'limited',
        message: 'None has come yet; until one does, only sweeps find what changes there.',
        remedy: `Change something there. If nothing comes, let the platform send its webhooks to ${webhookUrl}.`,
      }
    : { subject, state: 'good', message: `The latest came at ${at.toISOString()}.`, remedy: null };
}

function writing({ writeCapabilities }: ConnectionFacts): Finding {
  const subject = 'Writing';
  if (writeCapabilities.length === 0)
    return {
      subject,
      state: 'limited',
      message: 'Nothing is written there: what it would be is kept as plans.',
      remedy: 'Read the plans, then unlock kinds of writes with connectionWriteUnlock.',
    };
  const what = writeCapabilities.includes('*') ? 'everything' : writeCapabilities.join(', ');
  return { subject, state: 'good', message: `Unlocked: ${what}.`, remedy: null };
}
