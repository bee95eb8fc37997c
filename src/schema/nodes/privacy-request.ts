import { builder } from '../builder.ts';
import { PrivacyRequestKindEnum } from '../enums.ts';
import { Customer } from '../refs.ts';

export const PrivacyRequest = builder.prismaNode('PrivacyRequest', {
  // What is not there is null, as with every other node.
  nullable: true,
  id: { field: 'id', description: 'Globally unique and stable; opaque.' },
  description: 'What somebody asked for about personal data, and when it was done. Holds none itself.',
  fields: (t) => ({
    kind: t.expose('kind', { type: PrivacyRequestKindEnum, description: 'What is asked for.' }),
    requestedBy: t.exposeString('requestedBy', {
      description: 'The platform, or the name of the key, that asked.',
    }),
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'About whom, where they are known here.',
      authScopes: { can: 'read:customers' },
      resolve: (request) => request.customerId?.toString() ?? null,
    }),
    requestedAt: t.expose('requestedAt', { type: 'DateTime', description: 'When it was asked.' }),
    dueAt: t.expose('dueAt', { type: 'DateTime', description: 'By when it must be done.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was done; null while it is open.',
    }),
    completedBy: t.exposeString('completedBy', {
      nullable: true,
      description: 'Who did it: name of a key, or `tributary`.',
    }),
    counts: t.field({
      type: 'JSON',
      description: 'How many rows were erased, by table.',
      resolve: (request) => request.counts,
    }),
  }),
});
