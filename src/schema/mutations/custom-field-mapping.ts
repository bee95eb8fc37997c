import type { NewEvent } from '../../model/event.ts';
import { deleteCustomField, upsertCustomField } from '../../sync/custom-fields/fields.ts';
import { appendEvents } from '../../sync/events/append-events.ts';
import { builder } from '../builder.ts';
import { CustomFieldMappingInput, declarationOf } from '../custom-field-input.ts';
import { CustomFieldOwnerEnum } from '../nodes/custom-field.ts';
import { CustomField } from '../refs.ts';
import { mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, userErrorsField } from './payload.ts';

const CustomFieldMappingUpsertPayload = builder
  .objectRef<PayloadValue>('CustomFieldMappingUpsertPayload')
  .implement({
    description: 'What declaring a custom field has done.',
    fields: (t) => ({
      customField: t.field({
        type: CustomField,
        nullable: true,
        description: 'The field, with the progress of its backfill.',
        authScopes: { can: 'read:sync' },
        resolve: (payload) => payload.subjectId,
      }),
      cursor: t.string({
        nullable: true,
        description: 'Cursor of the event it caused; null where nothing changed.',
        resolve: (payload) => payload.cursor,
      }),
      ...userErrorsField(t),
    }),
  });

const CustomFieldMappingDeleteInput = builder.inputType('CustomFieldMappingDeleteInput', {
  description: 'Which custom field to forget.',
  fields: (t) => ({
    owner: t.field({ type: CustomFieldOwnerEnum, required: true, description: 'What it belongs to.' }),
    key: t.string({ required: true, description: 'Its name within its owner.' }),
    ...idempotencyField(t),
  }),
});

const CustomFieldMappingDeletePayload = builder
  .objectRef<PayloadValue>('CustomFieldMappingDeletePayload')
  .implement({
    description: 'What forgetting a custom field has done.',
    fields: (t) => ({
      deleted: t.boolean({
        description: 'It is forgotten here; what was written at the platforms stays there.',
        resolve: (payload) => payload.subjectId !== null,
      }),
      ...userErrorsField(t),
    }),
  });

builder.mutationFields((t) => ({
  customFieldMappingUpsert: t.field({
    type: CustomFieldMappingUpsertPayload,
    description:
      'Declares a custom field, or declares it otherwise: platforms learn of it, and it is filled in for everybody who was there before. Try it with `customFieldPreview` first.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: CustomFieldMappingInput, required: true, description: 'The declaration.' }),
    },
    resolve: (_root, { input }, context) =>
      mutate(context, { name: 'customFieldMappingUpsert', input, facts: input }, async (tx) => {
        const declaration = declarationOf(input);
        const { id, changed } = await upsertCustomField(tx, declaration, 'api');
        const { owner, key, type } = declaration;
        const event = fieldEvent('custom_field.declared', id, { owner, key, type });
        const cursor = changed ? await appendEvents(tx, [event]) : null;
        return { subjectId: id.toString(), pushIds: [], cursor: cursor?.toString() ?? null };
      }),
  }),
  customFieldMappingDelete: t.field({
    type: CustomFieldMappingDeletePayload,
    description: 'Forgets a custom field and its values here. What was written at the platforms stays there.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: CustomFieldMappingDeleteInput, required: true, description: 'Which one.' }),
    },
    resolve: (_root, { input }, context) => {
      const { owner, key } = input;
      return mutate(context, { name: 'customFieldMappingDelete', input, facts: [owner, key] }, async (tx) => {
        const id = await deleteCustomField(tx, { owner, key }, 'api');
        const cursor = await appendEvents(tx, [fieldEvent('custom_field.deleted', id, { owner, key })]);
        return { subjectId: id.toString(), pushIds: [], cursor: cursor?.toString() ?? null };
      });
    },
  }),
}));

function fieldEvent(
  type: 'custom_field.declared' | 'custom_field.deleted',
  subjectId: bigint,
  payload: Record<string, unknown>,
): NewEvent {
  return { type, subjectType: 'CustomField', subjectId, payload, source: 'tributary' };
}
