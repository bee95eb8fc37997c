import { rowsOfParents } from '../../loaders/rows.ts';
import { type CustomerMergeRow, customerMerges, type MergeCandidateRow } from '../../loaders/tables.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { builder } from '../builder.ts';
import { MergeCandidateStatusEnum, MergeDeciderEnum, PlatformEnum } from '../enums.ts';
import { Customer, MergeCandidate } from '../refs.ts';

interface EvidenceValue {
  field: string;
  level: string;
  bits: number;
  words: string;
}

const MatchEvidence = builder.objectRef<EvidenceValue>('MatchEvidence').implement({
  description: 'What one field contributes to the question whether two customers are one.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Which field was compared.' }),
    agreement: t.exposeString('level', {
      description: 'How far the two agree, for example `same` or `close`.',
    }),
    bits: t.exposeFloat('bits', {
      description: 'Its weight: one bit more doubles the odds that they are one, one less halves them.',
    }),
    explanation: t.exposeString('words', { description: 'The same in words.' }),
  }),
});

MergeCandidate.implement({
  description: 'Two customers who may be one person.',
  fields: (t) => ({
    customers: t.field({
      type: [Customer],
      description: 'The two, the older first.',
      resolve: (pair) => [pair.customerAId, pair.customerBId],
    }),
    status: t.field({
      type: MergeCandidateStatusEnum,
      description: 'What became of it.',
      resolve: (pair) => pair.status as 'open',
    }),
    bits: t.float({
      description:
        'Weight of all evidence. A pair with ten bits is a thousand times likelier one person than not.',
      resolve: (pair) => Number(pair.bits),
    }),
    probability: t.float({
      description: 'The chance that they are one person, by the evidence alone.',
      resolve: (pair) => Number(pair.probability),
    }),
    evidence: t.field({
      type: [MatchEvidence],
      description: 'What speaks for and against it, field by field.',
      resolve: (pair) => evidenceOf(pair).contributions ?? [],
    }),
    caution: t.string({
      nullable: true,
      description: 'Why a person is asked although the evidence may weigh enough.',
      resolve: (pair) => evidenceOf(pair).caution ?? null,
    }),
    decidedBy: t.exposeString('decidedBy', { nullable: true, description: 'Who decided.' }),
    decidedAt: t.expose('decidedAt', { type: 'DateTime', nullable: true, description: 'When that was.' }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the two were first found alike.',
    }),
  }),
});

const CustomerMerge = builder.objectRef<CustomerMergeRow>('CustomerMerge').implement({
  description: 'That a record became part of a customer: who decided, why, and whether it was undone.',
  fields: (t) => ({
    absorbed: t.field({
      type: Customer,
      description: 'The record that became part of the customer. `customerUnmerge` takes its id.',
      authScopes: { can: 'read:customers' },
      resolve: (merge) => merge.absorbedId,
    }),
    decidedBy: t.field({
      type: MergeDeciderEnum,
      description: 'Who decided.',
      resolve: (merge) => merge.decidedBy as 'person',
    }),
    actor: t.exposeString('actor', { nullable: true, description: 'Whose key asked for it, where one did.' }),
    evidence: t.field({
      type: [MatchEvidence],
      description: 'What spoke for and against it, field by field.',
      resolve: (merge) => evidenceOf(merge).contributions ?? [],
    }),
    approvedPlatforms: t.field({
      type: [PlatformEnum],
      description: 'Where a person approved that the two records are merged as well, for good.',
      resolve: (merge) => merge.approvedPlatforms as PlatformName[],
    }),
    mergedAt: t.expose('mergedAt', { type: 'DateTime', description: 'When it was merged.' }),
    undoneAt: t.expose('undoneAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When that was undone.',
    }),
    undoneBy: t.exposeString('undoneBy', { nullable: true, description: 'Who undid it.' }),
  }),
});

builder.objectField(Customer, 'merges', (t) =>
  t.loadableGroup({
    type: CustomerMerge,
    description: 'Records that became part of this one, those that left it again included; the latest first.',
    load: (ids: string[], context) =>
      rowsOfParents(context.db, customerMerges, 'survivorId', ids, { orderBy: 't.id desc' }),
    group: (merge) => (merge as CustomerMergeRow).survivorId,
    resolve: (customer) => customer.id,
  }),
);

function evidenceOf(row: Pick<MergeCandidateRow | CustomerMergeRow, 'evidence'>): {
  contributions?: EvidenceValue[];
  caution?: string | null;
} {
  return JSON.parse(row.evidence) as ReturnType<typeof evidenceOf>;
}
