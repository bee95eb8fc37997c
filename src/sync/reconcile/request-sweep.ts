import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { ConnectionStatus } from '../connections/connections.ts';
import { refuseDisconnected } from '../connections/disconnect.ts';
import { unknown } from '../unknown.ts';

/** Name of the job that sweeps one account because a person asked for it. */
export const sweepTask = 'sweep';

/**
 * Asks for a sweep after the commit, beside those that come by themselves. Asked again before it has begun, the later request
 * counts; one that is under way is waited for. @throws AppError CONNECTION_UNKNOWN, CONNECTION_DISCONNECTED, CONNECTION_NOT_ACTIVE
 */
export async function requestSweep(tx: Tx, connectionId: bigint, full: boolean): Promise<void> {
  const { rows } = await tx.query<{ status: ConnectionStatus }>(
    'select status from connection where id = $1 for key share',
    [connectionId],
  );
  const status = rows[0]?.status;
  if (status === undefined) throw unknown('Connection', connectionId);
  refuseDisconnected(connectionId, status);
  if (status !== 'active')
    throw new AppError({
      code: 'CONNECTION_NOT_ACTIVE',
      retryable: false,
      publicMessage: `The connection ${connectionId} is ${status}: it is not read.`,
      remedy: 'Resume it with `connectionResume`, then ask again.',
    });
  await tx.query(
    `select graphile_worker.add_job('${sweepTask}', json_build_object('id', $1::text, 'full', $2::boolean),
       job_key => '${sweepTask}:' || $1::text)`,
    [connectionId, full],
  );
}
