import { builder } from '../builder.ts';
import { PrivacyRequest } from '../nodes/privacy-request.ts';
import { Customer } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, userErrorsField, waitFields } from './payload.ts';

// What the law asks for. All of it is for admins.

const CustomerEraseInput = builder.inputType('CustomerEraseInput', {
  description: 'Whom to erase.',
  fields: (t) => ({
    id: t.globalID({ for: Customer, required: true, description: 'Id of the customer to erase.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const CustomerErasePayload = builder.objectRef<PayloadValue>('CustomerErasePayload').implement({
  description: 'What erasing a person has done.',
  fields: (t) => ({
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'What is left: amounts and dates.',
      authScopes: { can: 'admin' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'admin'),
  }),
});

const PrivacyRequestCompleteInput = builder.inputType('PrivacyRequestCompleteInput', {
  description: 'Which request was answered.',
  fields: (t) => ({
    id: t.globalID({
      for: PrivacyRequest,
      required: true,
      description: 'Id of the request that was answered, from `privacyRequests`.',
    }),
    ...idempotencyField(t),
  }),
});

const PrivacyRequestPayload = builder.objectRef<PayloadValue>('PrivacyRequestPayload').implement({
  description: 'What noting it has done.',
  fields: (t) => ({
    privacyRequest: t.prismaField({
      type: PrivacyRequest,
      nullable: true,
      description: 'The request as it stands now.',
      authScopes: { can: 'admin' },
      resolve: (query, payload, _args, context) =>
        payload.subjectId === null
          ? null
          : (context.services.prisma.privacyRequest.findUnique({
              ...query,
              where: { id: BigInt(payload.subjectId) },
            }) as never),
    }),
    ...userErrorsField(t),
  }),
});

builder.mutationFields((t) => ({
  customerErase: t.field({
    type: CustomerErasePayload,
    description:
      'Erases everything personal of a person, here at once and at the platforms that may be written to. Orders and amounts stay for the books. It cannot be undone.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: CustomerEraseInput, required: true, description: 'Whom.' }) },
    resolve: (_root, { input }, context) => {
      const { id } = input.id;
      return mutate(context, { name: 'customerErase', input, facts: [id] }, (tx) =>
        applyEdit(
          tx,
          context,
          {
            kind: 'customerErase',
            customerId: BigInt(id),
            orderIds: [],
            by: context.actor.name,
            requestId: null,
            atPlatforms: true,
          },
          'Customer',
        ),
      );
    },
  }),
  privacyRequestComplete: t.field({
    type: PrivacyRequestPayload,
    description:
      'Notes that what a person asked to know has been handed over. Erasures complete by themselves.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: PrivacyRequestCompleteInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => {
      const { id } = input.id;
      return mutate(context, { name: 'privacyRequestComplete', input, facts: [id] }, async (tx) => {
        const edit = {
          kind: 'privacyRequestComplete',
          requestId: BigInt(id),
          by: context.actor.name,
        } as const;
        return { ...(await applyEdit(tx, context, edit, 'Customer')), subjectId: id };
      });
    },
  }),
}));
