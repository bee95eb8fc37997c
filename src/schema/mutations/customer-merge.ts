import { builder } from '../builder.ts';
import { PlatformEnum } from '../enums.ts';
import { Customer, MergeCandidate } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, userErrorsField, waitFields } from './payload.ts';

const CustomerMergeInput = builder.inputType('CustomerMergeInput', {
  description: 'Which two customers are one.',
  fields: (t) => ({
    survivorId: t.globalID({ for: Customer, required: true, description: 'The one that stays.' }),
    absorbedId: t.globalID({
      for: Customer,
      required: true,
      description: 'The one that becomes part of it. `customerUnmerge` brings it back.',
    }),
    approvePlatforms: t.field({
      type: [PlatformEnum],
      description:
        'Where the two records shall be merged as well. That cannot be undone there, so nothing is merged at a platform that is not named here. Name it later by repeating the mutation.',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const CustomerMergePayload = builder.objectRef<PayloadValue>('CustomerMergePayload').implement({
  description: 'What merging two customers has done.',
  fields: (t) => ({
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'The one customer as it is now.',
      authScopes: { can: 'read:customers' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'write:customers'),
  }),
});

builder.mutationField('customerMerge', (t) =>
  t.field({
    type: CustomerMergePayload,
    description:
      'Makes two customers one: orders, identities and everything that is written to platforms follow the survivor. Can be undone.',
    authScopes: { can: 'write:customers' },
    args: { input: t.arg({ type: CustomerMergeInput, required: true, description: 'Which two.' }) },
    resolve: (_root, { input }, context) => {
      const survivorId = input.survivorId.id;
      const absorbedId = input.absorbedId.id;
      const approvedPlatforms = [...new Set(input.approvePlatforms ?? [])].sort();
      const facts = [survivorId, absorbedId, approvedPlatforms];
      return mutate(context, { name: 'customerMerge', input, facts }, async (tx) => ({
        ...(await applyEdit(
          tx,
          context,
          {
            kind: 'customerMerge',
            survivorId: BigInt(survivorId),
            absorbedId: BigInt(absorbedId),
            actor: context.actor.name,
            approvedPlatforms,
          },
          'Customer',
        )),
        subjectId: survivorId,
      }));
    },
  }),
);

const CustomerUnmergeInput = builder.inputType('CustomerUnmergeInput', {
  description: 'Which merge to undo.',
  fields: (t) => ({
    absorbedId: t.globalID({
      for: Customer,
      required: true,
      description: 'The customer that became part of another (`CustomerMerge.absorbed`).',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const CustomerUnmergePayload = builder.objectRef<PayloadValue>('CustomerUnmergePayload').implement({
  description: 'What undoing a merge has done.',
  fields: (t) => ({
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'The customer that is one of its own again.',
      authScopes: { can: 'read:customers' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'write:customers'),
  }),
});

builder.mutationField('customerUnmerge', (t) =>
  t.field({
    type: CustomerUnmergePayload,
    description:
      'Undoes a merge: both customers are what they were, brought up to date by what happened since. The two are not suggested again.',
    authScopes: { can: 'write:customers' },
    args: { input: t.arg({ type: CustomerUnmergeInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const absorbedId = input.absorbedId.id;
      return mutate(context, { name: 'customerUnmerge', input, facts: [absorbedId] }, async (tx) => ({
        ...(await applyEdit(
          tx,
          context,
          { kind: 'customerUnmerge', absorbedId: BigInt(absorbedId), actor: context.actor.name },
          'Customer',
        )),
        subjectId: absorbedId,
      }));
    },
  }),
);

const MergeRejectInput = builder.inputType('MergeRejectInput', {
  description: 'Which two customers are not one.',
  fields: (t) => ({
    id: t.globalID({
      for: MergeCandidate,
      required: true,
      description: 'Id of the pair, from `mergeCandidates`.',
    }),
    ...idempotencyField(t),
  }),
});

const MergeRejectPayload = builder.objectRef<PayloadValue>('MergeRejectPayload').implement({
  description: 'What rejecting a merge has done.',
  fields: (t) => ({
    candidate: t.field({
      type: MergeCandidate,
      nullable: true,
      description: 'The pair as it is now.',
      authScopes: { can: 'read:customers' },
      resolve: (payload) => payload.subjectId,
    }),
    ...userErrorsField(t),
  }),
});

builder.mutationField('mergeReject', (t) =>
  t.field({
    type: MergeRejectPayload,
    description:
      'Says that two customers are two people: they are neither suggested nor merged again. `mergeReopen` takes it back.',
    authScopes: { can: 'write:customers' },
    args: { input: t.arg({ type: MergeRejectInput, required: true, description: 'Which pair.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      return mutate(context, { name: 'mergeReject', input, facts: [id] }, async (tx) => ({
        ...(await applyEdit(
          tx,
          context,
          { kind: 'mergeReject', candidateId: BigInt(id), actor: context.actor.name },
          'Customer',
        )),
        subjectId: id,
      }));
    },
  }),
);

const MergeReopenInput = builder.inputType('MergeReopenInput', {
  description: 'Which pair shall be a question again.',
  fields: (t) => ({
    id: t.globalID({ for: MergeCandidate, required: true, description: 'The pair that was rejected.' }),
    ...idempotencyField(t),
  }),
});

const MergeReopenPayload = builder.objectRef<PayloadValue>('MergeReopenPayload').implement({
  description: 'What taking back a rejection has done.',
  fields: (t) => ({
    candidate: t.field({
      type: MergeCandidate,
      nullable: true,
      description: 'The pair as it is now, with the evidence of now.',
      authScopes: { can: 'read:customers' },
      resolve: (payload) => payload.subjectId,
    }),
    ...userErrorsField(t),
  }),
});

builder.mutationField('mergeReopen', (t) =>
  t.field({
    type: MergeReopenPayload,
    description:
      'Takes back that two customers are two people: the pair is a question again, and may be merged by itself once what arrives is beyond doubt.',
    authScopes: { can: 'write:customers' },
    args: { input: t.arg({ type: MergeReopenInput, required: true, description: 'Which pair.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      return mutate(context, { name: 'mergeReopen', input, facts: [id] }, async (tx) => ({
        ...(await applyEdit(tx, context, { kind: 'mergeReopen', candidateId: BigInt(id) }, 'Customer')),
        subjectId: id,
      }));
    },
  }),
);
