import { FulfilmentRuleKindEnum, FulfilmentRuleStatusEnum, NoteReaderEnum } from '../enums.ts';
import { FulfilmentRule, Order } from '../refs.ts';

FulfilmentRule.implement({
  description: 'What a note asks of whoever packs and sends the order, and the words that prove it.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      description: 'Whose note says so.',
      authScopes: { can: 'read:orders' },
      resolve: (rule) => rule.orderId,
    }),
    kind: t.expose('kind' as never, { type: FulfilmentRuleKindEnum, description: 'What is asked for.' }),
    value: t.exposeString('value', {
      nullable: true,
      description:
        'A day (`2026-12-24`), a place, words for the card, an allergen, or `yes` and `no`; null where the kind says all.',
    }),
    quote: t.exposeString('quote', { description: 'The words of the note that prove it, letter by letter.' }),
    confidence: t.float({
      description: 'How sure the reader is, from 0 to 1.',
      resolve: (rule) => Number(rule.confidence),
    }),
    status: t.expose('status' as never, {
      type: FulfilmentRuleStatusEnum,
      description: 'Whether it is acted on.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why a person must decide.' }),
    reader: t.expose('reader' as never, { type: NoteReaderEnum, description: 'Who read the note.' }),
    decidedBy: t.exposeString('decidedBy', {
      nullable: true,
      description: 'Name of the key that decided; `automatic` where nobody had to.',
    }),
    decidedAt: t.expose('decidedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was decided.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first read.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
  }),
});
