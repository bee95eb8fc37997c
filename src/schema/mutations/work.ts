import { replayDelivery } from '../../sync/operations.ts';
import { builder } from '../builder.ts';
import { Delivery, Push } from '../nodes/sync.ts';
import { applyEdit, effectOn, mutate, type PayloadValue } from './mutation.ts';
import { inputOn, pushFields, reasonField, shownField, userErrorsField, waitFields } from './payload.ts';

// What a person does about work that is stuck. All of it is for admins.

const DeliveryReplayInput = inputOn(
  'DeliveryReplayInput',
  Delivery,
  'Which delivery to process again.',
  waitFields,
);

const DeliveryReplayPayload = builder.objectRef<PayloadValue>('DeliveryReplayPayload').implement({
  description: 'What asking for a replay has done.',
  fields: (t) => ({
    ...shownField(
      t,
      'delivery',
      Delivery,
      'The delivery: waiting for its turn, or with `wait` what became of it.',
    ),
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

const PushRetryInput = inputOn('PushRetryInput', Push, 'Which push to try again.', waitFields);

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

const closing =
  'Why it may be closed, in words, for example what was done instead; at most 1,000 characters. Kept and shown.';

const DeliveryDismissInput = inputOn(
  'DeliveryDismissInput',
  Delivery,
  'Which dead delivery to close, and why.',
  (t) => reasonField(t, closing),
);

const DeliveryDismissPayload = builder.objectRef<PayloadValue>('DeliveryDismissPayload').implement({
  description: 'What closing a delivery has done.',
  fields: (t) => ({
    ...shownField(t, 'delivery', Delivery, 'The delivery, closed; what it failed of stays.'),
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

const PushDismissInput = inputOn('PushDismissInput', Push, 'Which dead push to close, and why.', (t) => ({
  ...reasonField(t, closing),
  ...waitFields(t),
}));

const PushDismissPayload = builder.objectRef<PayloadValue>('PushDismissPayload').implement({
  description: 'What closing a push has done.',
  fields: (t) => ({
    ...shownField(t, 'push', Push, 'The push, closed; what it failed of stays.'),
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
