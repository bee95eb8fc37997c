import { AppError } from '../../errors.ts';
import { checkSettings, type GivenSetting, settingsMisfit } from '../../sync/connections/settings.ts';
import { InvalidInput } from '../../sync/graph/write-context.ts';
import { renameConnection, setSettings } from '../../sync/operations.ts';
import { unknown } from '../../sync/unknown.ts';
import { builder } from '../builder.ts';
import { Connection } from '../nodes/sync.ts';
import type { OperationContext } from '../services.ts';
import { ConnectionPayload } from './connection.ts';
import { effectOn, mutate } from './mutation.ts';
import { idempotencyField } from './payload.ts';

const SettingInput = builder.inputType('ConnectionSettingInput', {
  description: 'One choice for an account.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'One of `Connection.settings`.' }),
    value: t.field({
      type: 'JSON',
      description:
        'What is chosen. Left out: what holds where nobody has chosen. What null means, the setting says.',
    }),
  }),
});

const ConnectionUpdateInput = builder.inputType('ConnectionUpdateInput', {
  description: 'What to change of a connection. Fields and settings left out stay.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Id of the connection to change.' }),
    name: t.string({ description: 'What people call it; 1 to 100 characters.' }),
    settings: t.field({ type: [SettingInput], description: 'Choices to change.' }),
    ...idempotencyField(t),
  }),
});

builder.mutationField('connectionUpdate', (t) =>
  t.field({
    type: ConnectionPayload,
    description:
      'Names an account, and chooses what may be chosen for it (`Connection.settings`). What it is owed is planned anew in the background: records of orders that it was not owed before are written, and those that are there follow. How orders are posted in books is chosen with `postingPolicyUpdate`.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: ConnectionUpdateInput, required: true, description: 'Which one, and what.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = BigInt(input.id.id);
      const { name, settings } = input;
      const checked = await check(context, id, settings ?? []);
      const facts = [input.id.id, name, settings];
      return mutate(context, { name: 'connectionUpdate', input, facts }, async (tx) => {
        if (checked instanceof AppError) throw checked;
        if (name != null) await renameConnection(tx, id, nameOf(name));
        const { chosen, ...rest } = checked;
        await setSettings(tx, id, chosen, rest);
        return effectOn(input.id.id);
      });
    },
  }),
);

/** In form, then against the account itself: it is asked before the transaction begins, since nothing waits for a network inside one. */
async function check(
  { services }: OperationContext,
  id: bigint,
  given: readonly GivenSetting[],
): Promise<ReturnType<typeof checkSettings> | AppError> {
  const connection = await services.prisma.connection.findUnique({ where: { id } });
  if (connection === null) return unknown('Connection', id);
  const platform = services.platforms[connection.platform];
  try {
    const checked = checkSettings(platform, given);
    const { session } = services;
    const misfit = session && (await settingsMisfit(platform, given, () => session(id)));
    return misfit ?? checked;
  } catch (error) {
    if (error instanceof AppError && !error.retryable) return error;
    throw error;
  }
}

function nameOf(given: string): string {
  const name = given.trim();
  if (name.length === 0 || name.length > 100)
    throw new InvalidInput('name', 'must have 1 to 100 characters.');
  return name;
}
