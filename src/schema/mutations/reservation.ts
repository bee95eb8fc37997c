import { InvalidInput } from '../../sync/graph/write-context.ts';
import { builder } from '../builder.ts';
import { Location, Reservation, Variant } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const ReservationCreateInput = builder.inputType('ReservationCreateInput', {
  description: 'Goods to set aside.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant whose units are set aside.',
    }),
    locationId: t.globalID({
      for: Location,
      required: true,
      description: 'Id of the location whose stock they are taken from.',
    }),
    quantity: t.int({ required: true, description: 'How many; no more than are available.' }),
    reason: t.string({ required: true, description: 'What for, in words.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When to free them by itself.' }),
    expiresInSeconds: t.int({ description: 'The same, from now: 1 to 31,536,000.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const ReservationReleaseInput = builder.inputType('ReservationReleaseInput', {
  description: 'A reservation to free.',
  fields: (t) => ({
    id: t.globalID({ for: Reservation, required: true, description: 'Id of the reservation to free.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

function reservationPayload(name: string, description: string) {
  return builder.objectRef<PayloadValue>(name).implement({
    description,
    fields: (t) => ({
      reservation: t.field({
        type: Reservation,
        nullable: true,
        description: 'The reservation as it is now.',
        authScopes: { can: 'read:stock' },
        resolve: (payload) => payload.subjectId,
      }),
      ...pushFields(t, 'write:stock'),
    }),
  });
}

const ReservationCreatePayload = reservationPayload(
  'ReservationCreatePayload',
  'What setting goods aside has done.',
);
const ReservationReleasePayload = reservationPayload(
  'ReservationReleasePayload',
  'What freeing goods has done.',
);

builder.mutationFields((t) => ({
  reservationCreate: t.field({
    type: ReservationCreatePayload,
    description: 'Sets goods aside: no channel can sell them until they are released or their time is over.',
    authScopes: { can: 'write:stock' },
    args: {
      input: t.arg({ type: ReservationCreateInput, required: true, description: 'What to set aside.' }),
    },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'reservationCreate' as const,
        variantId: BigInt(input.variantId.id),
        locationId: BigInt(input.locationId.id),
        quantity: input.quantity,
        reason: input.reason.trim(),
      };
      // An expiry from now differs at each try: what was asked for is what is compared.
      const facts = [
        input.variantId.id,
        input.locationId.id,
        edit.quantity,
        edit.reason,
        input.expiresAt ?? null,
        input.expiresInSeconds ?? null,
      ];
      return mutate(context, { name: 'reservationCreate', input, facts }, (tx) =>
        applyEdit(tx, context, { ...edit, expiresAt: expiryOf(input) }, 'Reservation'),
      );
    },
  }),
  reservationRelease: t.field({
    type: ReservationReleasePayload,
    description: 'Frees goods that were set aside. Doing so again changes nothing.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: ReservationReleaseInput, required: true, description: 'What to free.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'reservationRelease' as const,
        reservationId: BigInt(input.id.id),
        outcome: 'released' as const,
      };
      return mutate(context, { name: 'reservationRelease', input, facts: [input.id.id] }, (tx) =>
        applyEdit(tx, context, edit, 'Reservation'),
      );
    },
  }),
}));

function expiryOf(input: {
  expiresAt?: string | null | undefined;
  expiresInSeconds?: number | null | undefined;
}): Date | null {
  if (input.expiresAt != null && input.expiresInSeconds != null)
    throw new InvalidInput('expiresAt', 'give it or `expiresInSeconds`, not both.');
  if (input.expiresAt != null) return new Date(input.expiresAt);
  if (input.expiresInSeconds == null) return null;
  if (input.expiresInSeconds < 1 || input.expiresInSeconds > 31_536_000)
    throw new InvalidInput('expiresInSeconds', 'must lie between 1 and 31,536,000.');
  return new Date(Date.now() + input.expiresInSeconds * 1_000);
}
