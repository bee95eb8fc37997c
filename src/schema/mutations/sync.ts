import { AppError } from '../../errors.ts';
import type { FactField } from '../../sync/identity/facts.ts';
import type { FieldAuthority } from '../../sync/identity/golden-record.ts';
import {
  pauseConnection,
  replayDelivery,
  resumeConnection,
  type Switched,
  setFieldAuthority,
  setWriteCapabilities,
} from '../../sync/operations.ts';
import { requestSweep } from '../../sync/reconcile/request-sweep.ts';
import { builder } from '../builder.ts';
import { CustomerFieldEnum, FieldAuthorityEnum } from '../enums.ts';
import { Connection, Delivery, Push } from '../nodes/sync.ts';
import type { OperationContext } from '../services.ts';
import { applyEdit, type Effect, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, mostPushes, pushFields, userErrorsField, waitFields } from './payload.ts';
import { policyMisfit } from './policy-fit.ts';

// What a person does about work that is stuck, and with accounts. All of it is for admins.

export const ConnectionPayload = builder.objectRef<PayloadValue>('ConnectionPayload').implement({
  description: 'What switching a connection has done.',
  fields: (t) => ({
    connection: t.prismaField({
      type: Connection,
      nullable: true,
      description: 'The connection as it is now.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.connection.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
    ...pushFields(t, 'admin'),
  }),
});

const DeliveryReplayInput = builder.inputType('DeliveryReplayInput', {
  description: 'Which delivery to process again.',
  fields: (t) => ({
    id: t.globalID({ for: Delivery, required: true, description: 'Which one.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const DeliveryReplayPayload = builder.objectRef<PayloadValue>('DeliveryReplayPayload').implement({
  description: 'What asking for a replay has done.',
  fields: (t) => ({
    delivery: t.prismaField({
      type: Delivery,
      nullable: true,
      description: 'The delivery: waiting for its turn, or with `wait` what became of it.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.delivery.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
    ...pushFields(t, 'admin'),
  }),
});

builder.mutationField('deliveryReplay', (t) =>
  t.field({
    type: DeliveryReplayPayload,
    description:
      'Processes a delivery once more, also one that was dismissed. Harmless: what the graph knows already changes nothing. What it is pushed for is known once it was processed: ask with `wait`.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: DeliveryReplayInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      return mutate(context, { name: 'deliveryReplay', input, facts: [id] }, async (tx) => {
        const { rows } = await tx.query<{ after: bigint }>(
          'select coalesce(max(id), 0) as after from push where delivery_id = $1',
          [id],
        );
        await replayDelivery(tx, BigInt(id));
        return { ...effectOn(id), replay: { deliveryId: id, after: (rows[0]?.after ?? 0n).toString() } };
      });
    },
  }),
);

const PushRetryInput = builder.inputType('PushRetryInput', {
  description: 'Which push to try again.',
  fields: (t) => ({
    id: t.globalID({ for: Push, required: true, description: 'Which one.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const PushRetryPayload = builder.objectRef<PayloadValue>('PushRetryPayload').implement({
  description: 'What trying a push again has done.',
  fields: (t) => pushFields(t, 'admin'),
});

builder.mutationField('pushRetry', (t) =>
  t.field({
    type: PushRetryPayload,
    description:
      'Tries a push again at once, also one that was dismissed. It is planned anew from the graph as it is now: what comes to the same goes with the same idempotency key and is harmless; where something was mended since, `pushes` names the one that takes its place, and the old one is superseded. A change of stock stays what it is.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: PushRetryInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      return mutate(context, { name: 'pushRetry', input, facts: [id] }, async (tx) => {
        const effect = await applyEdit(tx, context, { kind: 'pushRetry', pushId: BigInt(id) }, 'Push');
        return { ...effect, pushIds: [id, ...effect.pushIds] };
      });
    },
  }),
);

const reasonText =
  'Why it may be closed, in words, for example what was done instead; at most 1,000 characters. Kept and shown.';

const DeliveryDismissInput = builder.inputType('DeliveryDismissInput', {
  description: 'Which dead delivery to close, and why.',
  fields: (t) => ({
    id: t.globalID({ for: Delivery, required: true, description: 'Which one.' }),
    reason: t.string({ required: true, description: reasonText }),
    ...idempotencyField(t),
  }),
});

const DeliveryDismissPayload = builder.objectRef<PayloadValue>('DeliveryDismissPayload').implement({
  description: 'What closing a delivery has done.',
  fields: (t) => ({
    delivery: t.prismaField({
      type: Delivery,
      nullable: true,
      description: 'The delivery, closed; what it failed of stays.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.delivery.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
    cursor: t.string({
      nullable: true,
      description: 'Cursor of the event that tells of it.',
      resolve: (payload) => payload.cursor,
    }),
    ...userErrorsField(t),
  }),
});

builder.mutationField('deliveryDismiss', (t) =>
  t.field({
    type: DeliveryDismissPayload,
    description:
      'Closes a delivery that could not be processed: it needs nobody any more. Its error, its remedy and your reason stay, an event tells of it, and it can still be replayed.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: DeliveryDismissInput, required: true, description: 'Which one, and why.' }),
    },
    resolve: (_root, { input }, context) => {
      const { id, reason } = { id: input.id.id, reason: input.reason };
      return mutate(context, { name: 'deliveryDismiss', input, facts: [id, reason] }, (tx) =>
        applyEdit(
          tx,
          context,
          { kind: 'deliveryDismiss', dismissedId: BigInt(id), reason, by: context.actor.name },
          'Delivery',
        ),
      );
    },
  }),
);

const PushDismissInput = builder.inputType('PushDismissInput', {
  description: 'Which dead push to close, and why.',
  fields: (t) => ({
    id: t.globalID({ for: Push, required: true, description: 'Which one.' }),
    reason: t.string({ required: true, description: reasonText }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const PushDismissPayload = builder.objectRef<PayloadValue>('PushDismissPayload').implement({
  description: 'What closing a push has done.',
  fields: (t) => ({
    push: t.prismaField({
      type: Push,
      nullable: true,
      description: 'The push, closed; what it failed of stays.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.push.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
    ...pushFields(t, 'admin'),
  }),
});

builder.mutationField('pushDismiss', (t) =>
  t.field({
    type: PushDismissPayload,
    description:
      'Closes a write that failed for good: it needs nobody any more. Its error, its remedy and your reason stay, and an event tells of it. The same write does not come back by itself; a change of what it says is pushed as ever. A change of stock is given up: the level follows its platform again, by a movement of the cause `DISMISSAL`, and `pushes` are what other channels are told of that. Ask for it after all with `pushRetry`, of a document with `postingRepost`, of stock with `stockAdjust`.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: PushDismissInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_root, { input }, context) => {
      const { id, reason } = { id: input.id.id, reason: input.reason };
      return mutate(context, { name: 'pushDismiss', input, facts: [id, reason] }, (tx) =>
        applyEdit(
          tx,
          context,
          { kind: 'pushDismiss', pushId: BigInt(id), reason, by: context.actor.name },
          'Push',
        ),
      );
    },
  }),
);

const ConnectionPauseInput = builder.inputType('ConnectionPauseInput', {
  description: 'Which connection to pause, and why.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Which one.' }),
    reason: t.string({ required: true, description: 'Why, in words; shown wherever work waits for it.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

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

const FieldAuthorityInput = builder.inputType('ConnectionFieldAuthorityInput', {
  description: 'How far an account is believed about a field of customers.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Which account.' }),
    field: t.field({ type: CustomerFieldEnum, required: true, description: 'Which field.' }),
    authority: t.field({ type: FieldAuthorityEnum, required: true, description: 'How far.' }),
    ...idempotencyField(t),
  }),
});

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

const ConnectionResumeInput = builder.inputType('ConnectionResumeInput', {
  description: 'Which connection to resume.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Which one.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

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

const ConnectionSweepInput = builder.inputType('ConnectionSweepInput', {
  description: 'Which account to read.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Which one.' }),
    full: t.boolean({
      defaultValue: false,
      description: 'Everything there is, instead of what has changed since the last sweep; may take long.',
    }),
    ...idempotencyField(t),
  }),
});

const ConnectionSweepPayload = builder.objectRef<PayloadValue>('ConnectionSweepPayload').implement({
  description: 'What asking for a sweep has done.',
  fields: (t) => ({
    connection: t.prismaField({
      type: Connection,
      nullable: true,
      description: 'The connection as it is now.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.connection.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
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

const ConnectionWriteUnlockInput = builder.inputType('ConnectionWriteUnlockInput', {
  description: 'What may be written to which connection.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Which one.' }),
    capabilities: t.stringList({
      required: true,
      description:
        'Exactly what may be written from now on, out of `Connection.availableCapabilities`; `*` is everything, an empty list nothing.',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

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

export function effectOn(id: string): Effect {
  return { subjectId: id, pushIds: [], cursor: null };
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
