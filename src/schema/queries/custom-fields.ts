import { read, sql } from '../../loaders/sql.ts';
import { type PreviewRow, previewCustomField } from '../../sync/custom-fields/preview.ts';
import { builder } from '../builder.ts';
import { CustomFieldMappingInput, declarationOf } from '../custom-field-input.ts';
import { badInput } from '../failures.ts';
import { encodeGlobalId } from '../global-id.ts';
import { CustomField } from '../refs.ts';

const PreviewOwner = builder.objectRef<PreviewRow & { owner: 'Customer' | 'Order' }>(
  'CustomFieldPreviewOwner',
);
PreviewOwner.implement({
  description: 'What the field would be for one customer or order.',
  fields: (t) => ({
    ownerId: t.id({
      description: 'Which one: an id for `node(id:)`.',
      resolve: (row) => encodeGlobalId(row.owner, row.ownerId),
    }),
    raw: t.exposeString('raw', { nullable: true, description: 'What is told; null where nothing is.' }),
    value: t.exposeString('value', { nullable: true, description: 'What it would become.' }),
    problem: t.exposeString('problem', { nullable: true, description: 'Why it would become nothing.' }),
  }),
});

interface PreviewValue {
  owner: 'Customer' | 'Order';
  rows: PreviewRow[];
}

const Preview = builder.objectRef<PreviewValue>('CustomFieldPreview').implement({
  description: 'What a declaration would make of those that were there last. Nothing is written.',
  fields: (t) => ({
    checked: t.int({ description: 'How many were looked at.', resolve: ({ rows }) => rows.length }),
    filled: t.int({
      description: 'How many would have a value.',
      resolve: ({ rows }) => rows.filter((row) => row.value !== null).length,
    }),
    problems: t.int({
      description: 'Of how many the value could not be understood.',
      resolve: ({ rows }) => rows.filter((row) => row.problem !== null).length,
    }),
    owners: t.field({
      type: [PreviewOwner],
      description: 'Each of them, newest first.',
      resolve: ({ owner, rows }) => rows.map((row) => ({ ...row, owner })),
    }),
  }),
});

builder.queryFields((t) => ({
  customFields: t.field({
    type: [CustomField],
    description: 'Every custom field that is declared, with the progress of its backfill.',
    authScopes: { can: 'read:sync' },
    resolve: async (_root, _args, context) => {
      const rows = await read<{ id: string }>(
        context.db,
        sql`select id::text as id from custom_field order by owner, key`,
      );
      return rows.map((row) => row.id);
    },
  }),
  customFieldPreview: t.field({
    type: Preview,
    description:
      'Dry run: what a declaration would make of the orders placed, or the customers changed, last. Metafields are read from Shopify as they are now.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: CustomFieldMappingInput, required: true, description: 'The declaration.' }),
      first: t.arg.int({ defaultValue: 20, description: 'How many to look at; at most 50.' }),
    },
    resolve: async (_root, { input, first }, context) => {
      const count = first ?? 20;
      if (count < 1 || count > 50) throw badInput('first: must lie between 1 and 50.', ['first']);
      const declaration = declarationOf(input);
      const rows = await previewCustomField(declaration, count, {
        db: context.db,
        platforms: context.services.platforms,
        session: context.services.session,
      });
      return { owner: declaration.owner, rows };
    },
  }),
}));
