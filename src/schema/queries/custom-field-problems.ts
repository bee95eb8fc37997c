import { page, type Sort } from '../../loaders/page.ts';
import { type CustomFieldProblemRow, customFieldProblems } from '../../loaders/tables.ts';
import { builder, pageComplexity } from '../builder.ts';
import { connectionOf } from '../connections.ts';
import { Customer, CustomField, Order } from '../refs.ts';

const CustomFieldProblem = builder.objectRef<CustomFieldProblemRow>('CustomFieldProblem').implement({
  description: 'That what was told of one customer or order is no value of a custom field.',
  fields: (t) => ({
    customField: t.field({
      type: CustomField,
      description: 'Of which field.',
      authScopes: { can: 'read:sync' },
      resolve: (row) => row.fieldId,
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order, where the field belongs to orders.',
      authScopes: { can: 'read:orders' },
      resolve: (row) => (row.owner === 'Order' ? row.entityId : null),
    }),
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'The customer, where the field belongs to customers.',
      authScopes: { can: 'read:customers' },
      resolve: (row) => (row.owner === 'Customer' ? row.entityId : null),
    }),
    problem: t.exposeString('problem', { description: 'Why it is no value, in words.' }),
    raw: t.exposeString('raw', {
      nullable: true,
      description: 'What was told, as far as it is kept.',
      authScopes: (row) => ({ can: row.owner === 'Order' ? 'read:orders' : 'read:customers' }),
    }),
    toldAt: t.expose('toldAt', { type: 'DateTime', description: 'Since when it has been told.' }),
  }),
});

builder.queryField('customFieldProblems', (t) =>
  t.connection(
    {
      type: CustomFieldProblem,
      description:
        'What was told and could not be understood, over all custom fields, the latest first. Correct it where it was written, or declare the field otherwise.',
      authScopes: { can: 'read:sync' },
      complexity: pageComplexity,
      resolve: (_root, args, context) =>
        page(context.db, customFieldProblems, { where: [], sort: latestFirst, args }),
    },
    ...connectionOf(CustomFieldProblem, 'CustomFieldProblem', 'values that could not be understood'),
  ),
);

const latestFirst: Sort = {
  name: 'latest',
  direction: 'desc',
  keys: [
    { expression: 't.told_at', type: 'timestamptz' },
    { expression: 't.field_id', type: 'bigint' },
    { expression: 't.entity_id', type: 'bigint' },
  ],
};
