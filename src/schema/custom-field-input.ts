import type { CustomFieldDeclaration } from '../model/custom-field.ts';
import { declarationSchema } from '../sync/custom-fields/declaration.ts';
import { InvalidInput } from '../sync/graph/write-context.ts';
import { builder } from './builder.ts';
import { CustomFieldAuthorityEnum, CustomFieldOwnerEnum, CustomFieldTypeEnum } from './nodes/custom-field.ts';

const MetafieldInput = builder.inputType('CustomFieldMetafieldInput', {
  description: 'A metafield at Shopify.',
  fields: (t) => ({
    namespace: t.string({ required: true, description: 'For example `custom`.' }),
    key: t.string({ required: true, description: 'For example `warranty`.' }),
  }),
});

const SourceInput = builder.inputType('CustomFieldSourceInput', {
  description: 'Where a custom field comes from: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    metafield: t.field({ type: MetafieldInput, description: 'A metafield of the owner.' }),
    attribute: t.string({ description: 'Name of a note attribute of the order.' }),
    lineAttribute: t.string({ description: 'Name of a property of the order’s lines.' }),
    tagPrefix: t.string({
      description: 'Beginning of a tag; the rest of it is the value. A tag that is nothing else says yes.',
    }),
  }),
});

const TransformInput = builder.inputType('CustomFieldTransformInput', {
  description: 'How what is told becomes the value.',
  fields: (t) => ({
    jsonPath: t.string({ description: 'Where the value stands in a JSON text: `details.items[0].serial`.' }),
    dateFormats: t.stringList({
      description: 'Ways a date may be written, for example `DD.MM.YYYY`; ISO 8601 is always understood.',
    }),
    unit: t.string({ description: 'Unit that numbers are kept in; others of its kind are converted.' }),
    decimalComma: t.boolean({ description: 'Numbers are written `1.234,5`.' }),
  }),
});

const LimitsInput = builder.inputType('CustomFieldLimitsInput', {
  description: 'What a value must keep to.',
  fields: (t) => ({
    min: t.field({ type: 'Decimal', description: 'Least number or amount.' }),
    max: t.field({ type: 'Decimal', description: 'Greatest number or amount.' }),
    decimals: t.int({ description: 'Digits after the point; 6 unless told.' }),
    maxLength: t.int({ description: 'Longest text, in characters.' }),
    currency: t.string({ description: 'Currency that amounts are in, ISO 4217.' }),
  }),
});

const OptionInput = builder.inputType('CustomFieldOptionInput', {
  description: 'One option of an enumeration.',
  fields: (t) => ({
    value: t.string({ required: true, description: 'Stable; what is stored and sent.' }),
    label: t.string({ description: 'What people read; the value unless told.' }),
    aliases: t.stringList({ description: 'Other spellings that mean it.' }),
  }),
});

const idempotency =
  'Any unique text of yours. Repeating a request with its key within seven days changes nothing and gives the first answer again.';

export const CustomFieldMappingInput = builder.inputType('CustomFieldMappingInput', {
  description: 'A custom field: where it comes from, what it holds and where it goes.',
  fields: (t) => ({
    owner: t.field({ type: CustomFieldOwnerEnum, required: true, description: 'What it belongs to.' }),
    key: t.string({
      required: true,
      description: 'Stable name within its owner: small letters, digits and _.',
    }),
    name: t.string({ required: true, description: 'What people call it.' }),
    description: t.string({ description: 'What it is about.' }),
    type: t.field({
      type: CustomFieldTypeEnum,
      required: true,
      description: 'What it holds; cannot be changed later.',
    }),
    source: t.field({ type: SourceInput, required: true, description: 'Where it comes from.' }),
    transform: t.field({ type: TransformInput, description: 'How what is told becomes the value.' }),
    limits: t.field({ type: LimitsInput, description: 'What a value must keep to.' }),
    options: t.field({ type: [OptionInput], description: 'Of an enumeration.' }),
    hubspotProperty: t.string({
      description: 'HubSpot’s internal name of the property it is sent to; it is made where it is missing.',
    }),
    quickbooksField: t.string({
      description:
        'Name of the custom field on QuickBooks’ sales forms that an order’s value is sent to. It is turned on there, and takes 31 characters.',
    }),
    writeBack: t.boolean({
      description:
        'What people write over it in HubSpot, and is believed, goes back into the metafield. Only for metafields with the authority `HUBSPOT` or `LATEST`.',
    }),
    authority: t.field({
      type: CustomFieldAuthorityEnum,
      description: 'Who has the last word where people change it in HubSpot; the source unless told.',
    }),
    idempotencyKey: t.string({ description: idempotency }),
  }),
});

/** @throws InvalidInput, which names the first field at fault */
export function declarationOf(input: typeof CustomFieldMappingInput.$inferInput): CustomFieldDeclaration {
  const { idempotencyKey: _key, source, ...rest } = input;
  const parsed = declarationSchema.safeParse({ ...dropNulls(rest), source: sourceOf(source) });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidInput(
    placeInInput(issue?.path ?? [], source) || 'input',
    `${issue?.message ?? 'is not as described'}.`,
  );
}

/** A source is told by kind here and by one of several fields there. */
function placeInInput([head, ...rest]: readonly PropertyKey[], source: object): string {
  const given = Object.entries(source).find(([, value]) => value != null)?.[0] ?? '';
  const inside = given === 'metafield' ? [given, ...rest] : [given];
  return [head ?? '', ...(head === 'source' && rest.length > 0 ? inside : rest)].map(String).join('.');
}

function sourceOf(source: typeof SourceInput.$inferInput): unknown {
  if (source.metafield != null) return { kind: 'metafield', ...source.metafield };
  if (source.attribute != null) return { kind: 'attribute', name: source.attribute };
  if (source.lineAttribute != null) return { kind: 'lineAttribute', name: source.lineAttribute };
  return { kind: 'tag', prefix: source.tagPrefix };
}

/** To GraphQL null and absent are both nothing said. */
function dropNulls(value: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).flatMap(([name, part]) => {
      if (part === null || part === undefined) return [];
      if (Array.isArray(part))
        return [[name, part.map((one) => (typeof one === 'object' ? dropNulls(one) : one))]];
      return [[name, typeof part === 'object' ? dropNulls(part) : part]];
    }),
  );
}
