import { AppError } from '../../errors.ts';
import {
  disconnectConnection,
  endWebhooks,
  type WebhooksEnded as WebhooksEndedValue,
} from '../../sync/connections/disconnect.ts';
import type { FactField } from '../../sync/identity/facts.ts';
import type { FieldAuthority } from '../../sync/identity/golden-record.ts';
import {
  pauseConnection,
  resumeConnection,
  type Switched,
  setFieldAuthority,
  setWriteCapabilities,
} from '../../sync/operations.ts';
import { isReason } from '../../sync/reason.ts';
import { requestSweep } from '../../sync/reconcile/request-sweep.ts';
import { builder } from '../builder.ts';
import { CustomerFieldEnum, FieldAuthorityEnum } from '../enums.ts';
import { Connection } from '../nodes/sync.ts';
import type { OperationContext } from '../services.ts';
import { type Effect, effectOn, mutate, type PayloadValue } from './mutation.ts';
import {
  inputOn,
  mostPushes,
  pushFields,
  reasonField,
  shownField,
  userErrorsField,
  waitFields,
} from './payload.ts';
import { policyMisfit } from './policy-fit.ts';

// What a person does with an account. All of it is for admins.

export const ConnectionPayload = builder.objectRef<PayloadValue>('ConnectionPayload').implement({
  description: 'What switching a connection has done.',
  fields: (t) => ({
    ...shownField(t, 'connection', Connection, 'The connection as it is now.'),
    ...pushFields(t, 'admin'),
  }),
});

const ConnectionPauseInput = inputOn(
  'ConnectionPauseInput',
  Connection,
  'Which connection to pause, and why.',
  (t) => ({ ...reasonField(t, 'Why, in words; shown wherever work waits for it.'), ...waitFields(t) }),
);

builder.mutationField('connectionPause', (t) =>
  t.field({
    type: ConnectionPayload,
    description:
      'Stops writing to an account. What it tells us is still received and processed; pushes wait. `pushes` are those under way at that moment, which are not interrupted; `wait` waits for them.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: ConnectionPauseInput, required: true, description: 'Which one, and why.' }),
    },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      const reason = input.reason.trim();
      return mutate(context, { name: 'connectionPause', input, facts: [id, reason] }, async (tx) => {
        return switched(id, await pauseConnection(tx, BigInt(id), reason, 'tributary'), 'notRunning');
      });
    },
  }),
);

const WebhooksEnded = builder.objectRef<WebhooksEndedValue>('WebhooksEnded').implement({
  description: 'What became of the webhooks of an account that was disconnected.',
  fields: (t) => ({
    removedCount: t.exposeInt('removedCount', {
      description: 'Subscriptions that were removed at the platform.',
    }),
    message: t.exposeString('message', { description: 'What was done, or why it could not be, in words.' }),
    remedy: t.exposeString('remedy', {
      nullable: true,
      description: 'What a person has to do at the platform; null: nothing.',
    }),
  }),
});

const ConnectionDisconnectPayload = builder.objectRef<PayloadValue>('ConnectionDisconnectPayload').implement({
  description: 'What disconnecting an account has done, and what it has left.',
  fields: (t) => ({
    ...shownField(t, 'connection', Connection, 'The connection as it is now.'),
    plannedCount: t.int({
      nullable: true,
      description:
        'Writes that waited and are kept as plans: `pushes(filter: { connectionId, statuses: [PLAN] })` lists them.',
      resolve: ({ leftBehind }) => leftBehind?.plannedCount ?? null,
    }),
    waitingDeliveryCount: t.int({
      nullable: true,
      description:
        'Deliveries that are stored and not processed yet: they are, as far as the platform need not be asked.',
      resolve: ({ leftBehind }) => leftBehind?.waitingDeliveryCount ?? null,
    }),
    webhooks: t.field({
      type: WebhooksEnded,
      nullable: true,
      description: 'What became of its webhooks.',
      resolve: ({ leftBehind }) => leftBehind?.webhooks ?? null,
    }),
    ...pushFields(t, 'admin'),
  }),
});

const ConnectionDisconnectInput = inputOn(
  'ConnectionDisconnectInput',
  Connection,
  'Which connection to take off, and why.',
  (t) => ({
    ...reasonField(t, 'Why, in words; at most 1,000 characters. Kept and shown.'),
    ...waitFields(t),
  }),
);

builder.mutationField('connectionDisconnect', (t) =>
  t.field({
    type: ConnectionDisconnectPayload,
    description:
      'Takes an account off: nothing more is read from it or written to it, its webhooks are ended where the platform allows it, and its credentials are forgotten. Everything it brought stays, with its history; what was to be written to it is kept as plans. `pushes` are those under way at that moment, which are not interrupted; `wait` waits for them. Connected again, with credentials in the environment and `npx tributary connection connect`, it goes on where it was, observing until writing is unlocked.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: ConnectionDisconnectInput, required: true, description: 'Which one, and why.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = input.id.id;
      const reason = input.reason.trim();
      // The platform is asked while there are credentials, and never inside a transaction.
      const webhooks = !isReason(reason) ? null : await webhooksEnded(context, BigInt(id));
      return mutate(context, { name: 'connectionDisconnect', input, facts: [id, reason] }, async (tx) => {
        const { plannedCount, waitingDeliveryCount, ...left } = await disconnectConnection(
          tx,
          BigInt(id),
          reason,
        );
        return {
          ...switched(id, left, 'notRunning'),
          leftBehind: { plannedCount, waitingDeliveryCount, webhooks: webhooks ?? unasked },
        };
      });
    },
  }),
);

const unasked: WebhooksEndedValue = { removedCount: 0, message: 'The platform was not asked.', remedy: null };

/** Null where there is no such connection, which the mutation says. */
async function webhooksEnded(context: OperationContext, id: bigint): Promise<WebhooksEndedValue | null> {
  const { prisma, platforms, session, log } = context.services;
  const connection = await prisma.connection.findUnique({ where: { id } });
  if (connection === null || session === undefined) return null;
  return endWebhooks(connection, { platform: platforms[connection.platform], session, log });
}

const FieldAuthorityInput = inputOn(
  'ConnectionFieldAuthorityInput',
  Connection,
  'How far an account is believed about a field of customers.',
  (t) => ({
    field: t.field({
      type: CustomerFieldEnum,
      required: true,
      description: 'Field of customers that the choice is about.',
    }),
    authority: t.field({
      type: FieldAuthorityEnum,
      required: true,
      description: 'How far this account is believed about it.',
    }),
  }),
  'Which account.',
);

builder.mutationField('connectionFieldAuthoritySet', (t) =>
  t.field({
    type: ConnectionPayload,
    description:
      'Chooses who wins where accounts say different things about a field of a customer. Holds at once for what is told from now on; the account’s customers are worked out anew, whose progress `Connection.fieldAuthorityReview` tells.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: FieldAuthorityInput, required: true, description: 'Which, and how far.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      const { field, authority } = input;
      return mutate(
        context,
        { name: 'connectionFieldAuthoritySet', input, facts: [id, field, authority] },
        async (tx) => {
          await setFieldAuthority(tx, BigInt(id), field as FactField, authority as FieldAuthority);
          return effectOn(id);
        },
      );
    },
  }),
);

const ConnectionResumeInput = inputOn(
  'ConnectionResumeInput',
  Connection,
  'Which connection to resume.',
  waitFields,
);

builder.mutationField('connectionResume', (t) =>
  t.field({
    type: ConnectionPayload,
    description:
      'Writes to a paused or revoked account again; everything that waits is tried at once. Where the platform still refuses the credentials, the first call revokes it again.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: ConnectionResumeInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      return mutate(context, { name: 'connectionResume', input, facts: [id] }, async (tx) => {
        return switched(id, await resumeConnection(tx, BigInt(id)), 'ended');
      });
    },
  }),
);

const ConnectionSweepInput = inputOn('ConnectionSweepInput', Connection, 'Which account to read.', (t) => ({
  full: t.boolean({
    defaultValue: false,
    description: 'Everything there is, instead of what has changed since the last sweep; may take long.',
  }),
}));

const ConnectionSweepPayload = builder.objectRef<PayloadValue>('ConnectionSweepPayload').implement({
  description: 'What asking for a sweep has done.',
  fields: (t) => ({
    ...shownField(t, 'connection', Connection, 'The connection as it is now.'),
    ...userErrorsField(t),
  }),
});

builder.mutationField('connectionSweep', (t) =>
  t.field({
    type: ConnectionSweepPayload,
    description:
      'Reads an account for what its deliveries did not tell, now and not in its time. How far it is: `syncStatus { connections { sweep } }`. Harmless: what the graph knows already changes nothing.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: ConnectionSweepInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      const full = input.full ?? false;
      return mutate(context, { name: 'connectionSweep', input, facts: [id, full] }, async (tx) => {
        await requestSweep(tx, BigInt(id), full);
        return effectOn(id);
      });
    },
  }),
);

const ConnectionWriteUnlockInput = inputOn(
  'ConnectionWriteUnlockInput',
  Connection,
  'What may be written to which connection.',
  (t) => ({
    capabilities: t.stringList({
      required: true,
      description:
        'Exactly what may be written from now on, out of `Connection.availableCapabilities`; `*` is everything, an empty list nothing.',
    }),
    ...waitFields(t),
  }),
);

builder.mutationField('connectionWriteUnlock', (t) =>
  t.field({
    type: ConnectionPayload,
    description:
      'Says what may be written to an account. Plans of what is unlocked are carried out; what is locked becomes a plan. Books are asked first whether the posting policy fits them: nothing is unlocked where it does not.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: ConnectionWriteUnlockInput, required: true, description: 'What, and where.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = input.id.id;
      const capabilities = [...new Set(input.capabilities)].sort();
      // Asked before the transaction begins: nothing waits for a network inside one.
      const misfit = capabilities.length === 0 ? null : await policyMisfit(context, BigInt(id));
      return mutate(
        context,
        { name: 'connectionWriteUnlock', input, facts: [id, capabilities] },
        async (tx) => {
          if (misfit !== null) throw misfit;
          await refuseUnknownCapabilities(context, id, capabilities);
          return switched(id, await setWriteCapabilities(tx, BigInt(id), capabilities), 'ended');
        },
      );
    },
  }),
);

async function refuseUnknownCapabilities(
  context: OperationContext,
  id: string,
  capabilities: readonly string[],
): Promise<void> {
  const connection = await context.services.prisma.connection.findUnique({ where: { id: BigInt(id) } });
  const known = connection === null ? undefined : context.services.platforms[connection.platform]?.pushKinds;
  if (known === undefined) return;
  const unknown = capabilities.filter((name) => name !== '*' && !known.includes(name));
  if (unknown.length === 0) return;
  throw new AppError({
    code: 'CAPABILITY_UNKNOWN',
    retryable: false,
    publicMessage: `Nothing called ${unknown.join(', ')} can be written there. Known are: ${known.join(', ')}.`,
  });
}

/** Of a backlog the first pushes are shown, all are counted and waited for. */
function switched(id: string, { position, pushIds }: Switched, until: 'ended' | 'notRunning'): Effect {
  return {
    subjectId: id,
    pushIds: pushIds.slice(0, mostPushes).map(String),
    cursor: position?.toString() ?? null,
    backlog: { connectionId: id, count: pushIds.length, last: (pushIds.at(-1) ?? 0n).toString(), until },
  };
}
