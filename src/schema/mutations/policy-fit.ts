import { AppError } from '../../errors.ts';
import { unknown } from '../../sync/unknown.ts';
import { deskOf, type PolicyValue } from '../nodes/posting-policy.ts';
import type { OperationContext } from '../services.ts';

/**
 * Holds a connection's choices, with changes, against the account itself. Asks the account: never inside a transaction.
 * @returns null where they fit, and where the account has no such choices; else what is wrong first, with the remedy
 */
export async function policyMisfit(
  context: OperationContext,
  id: bigint,
  patch: Readonly<Record<string, unknown>> = {},
): Promise<AppError | null> {
  const connection = await context.services.prisma.connection.findUnique({ where: { id } });
  const desk = connection === null ? undefined : deskOf(context, connection.platform);
  if (connection === null || desk === undefined) return null;
  const session = await context.services.session?.(id);
  if (session === undefined) return null;
  const settings = desk.read(connection.settings as Record<string, unknown>);
  const problems = await desk.check({ ...settings, ...patch }, session);
  const problem = problems.find((one) => one.severity === 'refuse');
  if (problem === undefined) return null;
  return new AppError({
    code: 'POLICY_DOES_NOT_FIT',
    retryable: false,
    publicMessage: `${problem.field}: ${problem.message}`,
  });
}

/** @throws AppError CONNECTION_UNKNOWN, NO_BOOKS */
export async function policyOf(context: OperationContext, id: bigint): Promise<PolicyValue> {
  const connection = await context.services.prisma.connection.findUnique({ where: { id } });
  if (connection === null) throw unknown('Connection', id);
  const desk = deskOf(context, connection.platform);
  if (desk === undefined)
    throw new AppError({
      code: 'NO_BOOKS',
      retryable: false,
      publicMessage: 'This connection keeps no books.',
    });
  return {
    connectionId: id,
    platform: connection.platform,
    settings: desk.read(connection.settings as Record<string, unknown>),
  };
}
