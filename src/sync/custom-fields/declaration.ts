import { z } from 'zod';
import {
  type CustomFieldDeclaration,
  type CustomFieldType,
  customFieldAuthorities,
  customFieldOwners,
  customFieldTypes,
} from '../../model/custom-field.ts';
import { isDateFormat } from './dates.ts';
import { compare, decimal } from './decimal.ts';
import { isCurrency, parsePath } from './transform.ts';
import { units } from './units.ts';

const words = (most: number) =>
  z.string().trim().min(1, 'must not be empty').max(most, `must have at most ${most} characters`);
const number = z.string().refine((text) => decimal(text) !== null, 'must be a decimal such as 12.5');

const source = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('metafield'),
    // Shopify's own rules: a name that it does not take would keep it from taking any subscription.
    namespace: z
      .string()
      .regex(
        /^[\w-]{3,255}$/,
        'must be 3 to 255 letters, digits, - and _; a namespace of an app is written in full, such as app--123--care',
      ),
    key: z.string().regex(/^[\w-]{2,64}$/, 'must be 2 to 64 letters, digits, - and _'),
  }),
  z.strictObject({ kind: z.literal('attribute'), name: words(255) }),
  z.strictObject({ kind: z.literal('lineAttribute'), name: words(255) }),
  z.strictObject({ kind: z.literal('tag'), prefix: words(40) }),
]);

/** A custom field as people declare it, in the file or by mutation. What it does not say has its default. */
export const declarationSchema = z
  .strictObject({
    owner: z.enum(customFieldOwners),
    key: z
      .string()
      .regex(
        /^[a-z][a-z0-9_]{0,49}$/,
        'must be small letters, digits and _, beginning with a letter, at most 50',
      ),
    name: words(100),
    description: z.string().trim().max(500).nullable().default(null),
    type: z.enum(customFieldTypes),
    source,
    transform: z
      .strictObject({
        jsonPath: z
          .string()
          .max(200)
          .refine((path) => parsePath(path) !== null, 'must look like details.items[0].serial')
          .optional(),
        dateFormats: z
          .array(z.string().refine(isDateFormat, 'must be made of YYYY or YY, MMM, MM or M, DD or D'))
          .max(10)
          .optional(),
        unit: z
          .string()
          .refine((unit) => units.includes(unit), `must be one of ${units.join(', ')}`)
          .optional(),
        decimalComma: z.boolean().optional(),
      })
      .default({}),
    limits: z
      .strictObject({
        min: number.optional(),
        max: number.optional(),
        decimals: z.int().min(0).max(12).optional(),
        maxLength: z.int().min(1).max(5_000).optional(),
        currency: z.string().refine(isCurrency, 'must be a currency such as EUR').optional(),
      })
      .default({}),
    options: z
      .array(
        z.strictObject({
          value: words(100).refine((value) => !value.includes(';'), 'must not contain a semicolon'),
          label: words(100).optional(),
          aliases: z.array(words(100)).max(20).default([]),
        }),
      )
      .max(200)
      .default([])
      .transform((options) => options.map((one) => ({ ...one, label: one.label ?? one.value }))),
    hubspotProperty: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,99}$/, 'must be a property name: small letters, digits and _')
      .nullable()
      .default(null),
    /** QuickBooks shows 31 characters; its names are no longer. */
    quickbooksField: words(31).nullable().default(null),
    writeBack: z.boolean().default(false),
    authority: z.enum(customFieldAuthorities).default('source'),
  })
  .superRefine((field, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: path.split('.'), message });
    if (field.type === 'enumeration' && field.options.length === 0)
      refuse('options', 'must name the options');
    if (field.type !== 'enumeration' && field.options.length > 0)
      refuse('options', 'belong to an enumeration');
    // Asked also where an option was refused, whose label is not filled in then.
    const spellings = field.options.flatMap((one) => [
      ...new Set([one.value, one.label ?? one.value, ...one.aliases].map((name) => name.toLowerCase())),
    ]);
    if (new Set(spellings).size !== spellings.length) refuse('options', 'must not share a spelling');
    for (const [path, ...types] of settingsOfTypes)
      if (settingOf(field, path) !== undefined && !types.includes(field.type))
        refuse(path, `belongs to ${types.map((type) => `a ${type}`).join(' or ')}`);
    if (isMoreThan(field.limits.min, field.limits.max)) refuse('limits.min', 'must not be more than max');
    if (field.authority !== 'source' && field.hubspotProperty === null)
      refuse('authority', 'needs a hubspotProperty: nobody else can say otherwise');
    if (field.owner === 'Customer' && /attribute/i.test(field.source.kind))
      refuse('source', 'attributes belong to orders');
    if (field.owner === 'Customer' && field.quickbooksField !== null)
      refuse('quickbooksField', 'belongs to orders: QuickBooks has custom fields on sales forms');
    if (field.writeBack) refuseWriteBack(field, refuse);
    if (field.hubspotProperty !== null && isReserved(field.hubspotProperty))
      refuse('hubspotProperty', 'is a property that Tributary or HubSpot itself writes');
  });

/** What only means something to fields of some types: elsewhere it would be passed over in silence. */
const settingsOfTypes: readonly (readonly [string, ...CustomFieldType[]])[] = [
  ['transform.unit', 'number'],
  ['transform.decimalComma', 'number', 'money'],
  ['transform.dateFormats', 'date'],
  ['limits.min', 'number', 'money'],
  ['limits.max', 'number', 'money'],
  ['limits.decimals', 'number'],
  ['limits.maxLength', 'text'],
  ['limits.currency', 'money'],
];

function settingOf(field: Pick<CustomFieldDeclaration, 'transform' | 'limits'>, path: string): unknown {
  const [group = '', name = ''] = path.split('.');
  return (field as unknown as Record<string, Record<string, unknown>>)[group]?.[name];
}

function isMoreThan(min: string | undefined, max: string | undefined): boolean {
  const [least, most] = [min, max].map((one) => (one === undefined ? null : decimal(one)));
  return least != null && most != null && compare(least, most) > 0;
}

/** The file of declarations. */
export const declarationsFile = z
  .strictObject({ customFields: z.array(declarationSchema) })
  .superRefine(({ customFields }, context) => {
    const seen = new Set<string>();
    for (const [index, field] of customFields.entries())
      for (const name of [`${field.owner} ${field.key}`, ...targetsOf(field)]) {
        if (seen.has(name))
          context.addIssue({
            code: 'custom',
            path: ['customFields', index],
            message: `${name} is declared twice`,
          });
        seen.add(name);
      }
  });

/** Only what can be told back without loss, and only where somebody else may have the last word. */
function refuseWriteBack(
  field: Pick<CustomFieldDeclaration, 'source' | 'transform' | 'authority' | 'hubspotProperty'>,
  refuse: (path: string, message: string) => void,
): void {
  if (field.source.kind !== 'metafield') refuse('writeBack', 'belongs to metafields');
  else if (field.authority === 'source' || field.hubspotProperty === null)
    refuse(
      'writeBack',
      'needs a hubspotProperty and the authority hubspot or latest: otherwise nothing comes back',
    );
  else if (field.transform.jsonPath !== undefined || field.transform.decimalComma === true)
    refuse('writeBack', 'cannot be done through a jsonPath or a decimalComma');
}

/** What at most one field of an owner may be sent to. */
function targetsOf({
  owner,
  hubspotProperty,
  quickbooksField,
}: Pick<CustomFieldDeclaration, 'owner' | 'hubspotProperty' | 'quickbooksField'>): string[] {
  return [
    ...(hubspotProperty === null ? [] : [`${owner} property ${hubspotProperty}`]),
    ...(quickbooksField === null ? [] : [`QuickBooks field ${quickbooksField.toLowerCase()}`]),
  ];
}

const itsOwn = new Set([
  'email',
  'firstname',
  'lastname',
  'phone',
  'company',
  'address',
  'city',
  'state',
  'zip',
  'country',
  'lifecyclestage',
  'createdate',
  'lastmodifieddate',
  'closedate',
  'associatedcompanyid',
]);

/** Consent and marketing status are the customer's word to HubSpot: nothing here may ever write them, whatever they are called. */
const consent =
  /consent|unsubscri|newsletter|legal_?basis|(^|_)(gdpr|dsgvo|ccpa|opt_?(in|out)|do_?not_?(contact|mail|e?_?mail|call|sell)|(marketing|email|sms)_(status|permission|permitted|allowed|accepted|subscri\w*))(_|$)/;

function isReserved(property: string): boolean {
  return itsOwn.has(property) || /^(hs_|hubspot_|tributary_)/.test(property) || consent.test(property);
}
