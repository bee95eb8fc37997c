import { read, sql } from '../../loaders/sql.ts';
import type { CustomFieldRow } from '../../loaders/tables.ts';
import type {
  CustomFieldAuthority,
  CustomFieldOwner,
  CustomFieldSource,
  CustomFieldType,
} from '../../model/custom-field.ts';
import { parseMinor } from '../../model/money.ts';
import type { Source } from '../../model/platform-name.ts';
import { builder } from '../builder.ts';
import { Money, money } from '../common.ts';
import { enumOf, SourceEnum } from '../enums.ts';
import { Customer, CustomField, Order } from '../refs.ts';
import type { OperationContext } from '../services.ts';

export const CustomFieldOwnerEnum = enumOf('CustomFieldOwner', 'What a custom field belongs to.', {
  Customer: 'Customers.',
  Order: 'Orders.',
});

export const CustomFieldTypeEnum = enumOf('CustomFieldType', 'What kind of value a custom field holds.', {
  text: 'Any text.',
  number: 'A decimal number, in one unit.',
  money: 'An amount with its currency.',
  date: 'A day.',
  boolean: 'Yes or no.',
  enumeration: 'One of its options.',
});

export const CustomFieldAuthorityEnum = enumOf(
  'CustomFieldAuthority',
  'Who has the last word where people change the property in HubSpot.',
  {
    source: 'Where the field comes from: a change in HubSpot is written over.',
    hubspot: 'HubSpot: what people write there stays, whatever the source says later.',
    latest: 'Whoever spoke last.',
  },
);

const CustomFieldDeclarerEnum = enumOf('CustomFieldDeclarer', 'Where a custom field is declared.', {
  api: 'By a mutation.',
  file: 'In the file CUSTOM_FIELDS_FILE; only there can it be changed.',
});

const BackfillStatusEnum = enumOf('CustomFieldBackfillStatus', 'How far a backfill has come.', {
  waiting: 'Its turn comes.',
  running: 'Under way.',
  finished: 'Everybody who was there before the field has it.',
  failed: 'It ended early; declare the field again, changed or not, once the reason is gone.',
});

interface BackfillRow {
  fieldId: string;
  status: 'waiting' | 'running' | 'finished' | 'failed';
  total: number;
  done: number;
  filled: number;
  problems: number;
  error: string | null;
  startedAt: string | null;
  finishedAt: string | null;
}

const Backfill = builder.objectRef<BackfillRow>('CustomFieldBackfill').implement({
  description: 'The filling of a custom field for customers or orders that were there before it.',
  fields: (t) => ({
    status: t.expose('status', { type: BackfillStatusEnum, description: 'How far it has come.' }),
    total: t.exposeInt('total', { description: 'Owners that there were when it began.' }),
    done: t.exposeInt('done', { description: 'Owners looked at so far.' }),
    filled: t.exposeInt('filled', { description: 'Owners that have a value now, new ones included.' }),
    problems: t.exposeInt('problems', { description: 'Owners whose value could not be understood.' }),
    error: t.exposeString('error', { nullable: true, description: 'What holds it up, in words.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
  }),
});

interface OptionValue {
  value: string;
  label: string;
  aliases: string[];
}

const CustomFieldOption = builder.objectRef<OptionValue>('CustomFieldOption').implement({
  description: 'One option of an enumeration.',
  fields: (t) => ({
    value: t.exposeString('value', { description: 'Stable; what is stored and sent.' }),
    label: t.exposeString('label', { description: 'What people read.' }),
    aliases: t.exposeStringList('aliases', { description: 'Other spellings that mean it.' }),
  }),
});

CustomField.implement({
  description:
    'A field that the retailer added to customers or orders: where its value comes from and where it goes.',
  fields: (t) => ({
    owner: t.field({
      type: CustomFieldOwnerEnum,
      description: 'What it belongs to.',
      resolve: (field) => field.owner as CustomFieldOwner,
    }),
    key: t.exposeString('key', { description: 'Stable name within its owner.' }),
    name: t.exposeString('name', { description: 'What people call it.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is about.' }),
    type: t.field({
      type: CustomFieldTypeEnum,
      description: 'What kind of value it holds.',
      resolve: (field) => field.type as CustomFieldType,
    }),
    sourceDescription: t.string({
      description: 'Where its value comes from, in words.',
      resolve: (field) => sourceInWords(JSON.parse(field.source) as CustomFieldSource),
    }),
    declaration: t.field({
      type: 'JSON',
      description: 'Source, transformation and limits as they were declared.',
      resolve: (field) => ({
        source: JSON.parse(field.source),
        transform: JSON.parse(field.transform),
        limits: JSON.parse(field.limits),
      }),
    }),
    options: t.field({
      type: [CustomFieldOption],
      description: 'Of an enumeration; empty for every other type.',
      resolve: (field) => JSON.parse(field.options) as OptionValue[],
    }),
    hubspotProperty: t.exposeString('hubspotProperty', {
      nullable: true,
      description: 'HubSpot’s internal name of the property; null: it is not sent there.',
    }),
    quickbooksField: t.exposeString('quickbooksField', {
      nullable: true,
      description: 'Name of the custom field on QuickBooks’ sales forms; null: it is not sent there.',
    }),
    writeBack: t.exposeBoolean('writeBack', {
      description: 'What people write over it in HubSpot, and is believed, goes back into the metafield.',
    }),
    authority: t.field({
      type: CustomFieldAuthorityEnum,
      description: 'Who has the last word.',
      resolve: (field) => field.authority as CustomFieldAuthority,
    }),
    declaredBy: t.field({
      type: CustomFieldDeclarerEnum,
      description: 'Where it is declared.',
      resolve: (field) => field.declaredBy as 'api' | 'file',
    }),
    backfill: t.loadable({
      type: Backfill,
      nullable: true,
      description: 'The filling of what was there before the field.',
      load: (ids: string[], context) => loadBackfills(context, ids),
      resolve: (field: CustomFieldRow) => field.id,
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last declared otherwise.',
    }),
  }),
});

async function loadBackfills(context: OperationContext, ids: readonly string[]): Promise<BackfillRow[]> {
  const rows = await read<BackfillRow>(
    context.db,
    sql`select b.field_id::text as "fieldId", b.status, b.total, b.done, b.error, b.started_at::text as "startedAt",
          b.finished_at::text as "finishedAt",
          (select count(*)::int from custom_field_value v where v.field_id = b.field_id and v.value is not null) as filled,
          (select count(*)::int from custom_field_value v where v.field_id = b.field_id and v.problem is not null) as problems
        from custom_field_backfill b where b.field_id = any(${ids}::bigint[])`,
  );
  return ids.map((id) => (rows.find((row) => row.fieldId === id) ?? null) as BackfillRow);
}

function sourceInWords(source: CustomFieldSource): string {
  switch (source.kind) {
    case 'metafield':
      return `the metafield ${source.namespace}.${source.key}`;
    case 'attribute':
      return `the order’s attribute “${source.name}”`;
    case 'lineAttribute':
      return `the lines’ attribute “${source.name}”`;
    case 'tag':
      return `tags that begin with “${source.prefix}”`;
    default:
      return source satisfies never;
  }
}

interface ValueRow {
  entityId: string;
  key: string;
  name: string;
  type: CustomFieldType;
  /** JSON text. */
  options: string;
  value: string | null;
  problem: string | null;
  raw: string | null;
  source: Source;
  toldAt: string;
}

const CustomFieldValue = builder.objectRef<ValueRow>('CustomFieldValue').implement({
  description: 'What a custom field says of one customer or order, and whose word that is.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Key of the field.' }),
    name: t.exposeString('name', { description: 'Name of the field.' }),
    type: t.expose('type', { type: CustomFieldTypeEnum, description: 'What kind of value it is.' }),
    value: t.exposeString('value', {
      nullable: true,
      description:
        'In its one spelling: a plain decimal, `2026-12-24`, `true`, an option’s value, `12.50 EUR`, or the text. Null where there is none.',
    }),
    label: t.string({
      nullable: true,
      description: 'Label of the option that it is; null for every other type.',
      resolve: (row) =>
        (JSON.parse(row.options) as OptionValue[]).find((one) => one.value === row.value)?.label ?? null,
    }),
    money: t.field({
      type: Money,
      nullable: true,
      description: 'The amount, where the field is money.',
      resolve: (row) => moneyOf(row),
    }),
    problem: t.exposeString('problem', {
      nullable: true,
      description:
        'Why what was told is no value, in words. Everything else about the owner is kept in step all the same.',
    }),
    raw: t.exposeString('raw', {
      nullable: true,
      description: 'What was told, where it could not be understood.',
    }),
    source: t.expose('source', { type: SourceEnum, description: 'Whose word it is.' }),
    toldAt: t.expose('toldAt', { type: 'DateTime', description: 'Since when they have said so.' }),
  }),
});

function moneyOf({ type, value }: ValueRow) {
  const [amount, currency] = type === 'money' && value !== null ? value.split(' ') : [];
  return amount === undefined || currency === undefined
    ? null
    : money(parseMinor(amount, currency).toString(), currency);
}

function loadValues(owner: CustomFieldOwner) {
  return (ids: string[], context: OperationContext): Promise<ValueRow[]> =>
    read<ValueRow>(
      context.db,
      sql`select v.entity_id::text as "entityId", f.key, f.name, f.type, f.options, v.value, v.problem, v.raw, v.source,
            v.told_at::text as "toldAt"
          from custom_field_value v join custom_field f on f.id = v.field_id
          where f.owner = ${owner} and v.entity_id = any(${ids}::bigint[])
            and (v.value is not null or v.problem is not null) order by f.key`,
    );
}

const valuesDescription =
  'Fields that the retailer added, those with a value or with one that could not be understood.';

builder.objectField(Order, 'customFields', (t) =>
  t.loadableGroup({
    type: CustomFieldValue,
    description: valuesDescription,
    load: loadValues('Order'),
    group: (value) => value.entityId,
    resolve: (order) => order.id,
  }),
);

builder.objectField(Customer, 'customFields', (t) =>
  t.loadableGroup({
    type: CustomFieldValue,
    description: valuesDescription,
    load: loadValues('Customer'),
    group: (value) => value.entityId,
    resolve: (customer) => customer.id,
  }),
);
