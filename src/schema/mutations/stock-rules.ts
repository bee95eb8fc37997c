import { builder } from '../builder.ts';
import { Connection } from '../nodes/sync.ts';
import { Variant } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const StockRuleSetInput = builder.inputType('StockRuleSetInput', {
  description:
    'How allocation treats a channel, a variant, or a variant on a channel. Of each setting the most particular rule that makes it counts; without any setting the rule is removed.',
  fields: (t) => ({
    connectionId: t.globalID({ for: Connection, description: 'On this account; absent: on every one.' }),
    variantId: t.globalID({ for: Variant, description: 'Of this variant; absent: of every one.' }),
    minBuffer: t.int({ description: 'Keep back at least this many.' }),
    maxQuantity: t.int({ description: 'Offer at most this many.' }),
    sharePercent: t.int({ description: 'Offer at most this share of what is available: 0 to 100.' }),
    lastUnits: t.int({
      description:
        'Offer nothing once no more than this many are available; 1 unless told: the last one belongs to the shop.',
    }),
    paused: t.boolean({ description: 'Offer nothing.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const BundleSetInput = builder.inputType('BundleSetInput', {
  description: 'What a variant that is sold as a set is made of.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant that is sold as a set.',
    }),
    components: t.field({
      type: [BundleComponentInput],
      required: true,
      description: 'Its parts; none: it is no set.',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const BundleComponentInput = builder.inputType('BundleComponentInput', {
  description: 'A part of a set.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant that is one of its parts.',
    }),
    quantity: t.int({ required: true, description: 'How many of it a set takes.' }),
  }),
});

function rulePayload(name: string, description: string) {
  return builder.objectRef<PayloadValue>(name).implement({
    description,
    fields: (t) => ({
      variant: t.field({
        type: Variant,
        nullable: true,
        description: 'The variant concerned, where it is one.',
        authScopes: { can: 'read:stock' },
        resolve: (payload) => payload.subjectId,
      }),
      ...pushFields(t, 'write:stock'),
    }),
  });
}

const StockRuleSetPayload = rulePayload('StockRuleSetPayload', 'What setting a rule has done.');
const BundleSetPayload = rulePayload('BundleSetPayload', 'What defining a set has done.');

builder.mutationFields((t) => ({
  stockRuleSet: t.field({
    type: StockRuleSetPayload,
    description:
      'Sets how much a channel may sell: buffers, limits, shares, the last units, or nothing at all.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: StockRuleSetInput, required: true, description: 'The rule.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'stockRuleSet' as const,
        connectionId: input.connectionId == null ? null : BigInt(input.connectionId.id),
        variantId: input.variantId == null ? null : BigInt(input.variantId.id),
        minBuffer: input.minBuffer ?? null,
        maxQuantity: input.maxQuantity ?? null,
        sharePercent: input.sharePercent ?? null,
        lastUnits: input.lastUnits ?? null,
        paused: input.paused ?? null,
      };
      const facts = Object.values(edit).map(String);
      return mutate(context, { name: 'stockRuleSet', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'Variant'),
      );
    },
  }),
  bundleSet: t.field({
    type: BundleSetPayload,
    description:
      'Says what a set is made of, so that it is offered as often as its scarcest part allows and takes its parts when sold.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: BundleSetInput, required: true, description: 'The set and its parts.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'bundleSet' as const,
        variantId: BigInt(input.variantId.id),
        components: input.components.map((one) => ({
          variantId: BigInt(one.variantId.id),
          quantity: one.quantity,
        })),
      };
      const facts = [
        input.variantId.id,
        ...input.components.map((one) => `${one.variantId.id}:${one.quantity}`),
      ];
      return mutate(context, { name: 'bundleSet', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'Variant'),
      );
    },
  }),
}));
