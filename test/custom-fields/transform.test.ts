import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CustomFieldDeclaration } from '../../src/model/custom-field.ts';
import { declarationSchema, declarationsFile } from '../../src/sync/custom-fields/declaration.ts';
import { metafieldText } from '../../src/sync/custom-fields/metafield-text.ts';
import { type Transformed, transform } from '../../src/sync/custom-fields/transform.ts';

type Field = Pick<CustomFieldDeclaration, 'type' | 'transform' | 'limits' | 'options'>;

function field(type: Field['type'], more: Partial<Field> = {}): Field {
  return { type, transform: {}, limits: {}, options: [], ...more };
}

const value = (text: string): Transformed => ({ kind: 'value', value: text });

test.each([
  ['24', {}, '24'],
  ['1,234.50', {}, '1234.5'],
  ['1.234,50', { decimalComma: true }, '1234.5'],
  ['-0.0', {}, '0'],
  ['2 years', { unit: 'months' }, '24'],
  ['24 Monate', { unit: 'months' }, '24'],
  ['3 weeks', { unit: 'days' }, '21'],
  ['{"value":2.5,"unit":"KILOGRAMS"}', { unit: 'g' }, '2500'],
  ['1 lb', { unit: 'g' }, '453.59237'],
  ['1 oz', { unit: 'kg' }, '0.02835'],
])('a number written as %s with %j is kept as %s', (raw, options, expected) => {
  expect(transform(field('number', { transform: options }), raw)).toEqual(value(expected));
});

test.each([
  ['number', {}, 'lots', '“lots” is no number'],
  ['number', {}, '1,5', '“1,5” is no number'],
  ['number', {}, '2 years', '“2 years” has a unit where a bare number is expected'],
  ['number', { transform: { unit: 'months' } }, '30 days', '“days” cannot be converted to months'],
  ['number', { limits: { max: '120' } }, '121', 'is more than 120'],
  ['number', { limits: { decimals: 0 } }, '1.5', 'has more than 0 digits after the point'],
  ['money', {}, '12.50', '“12.50” names no currency'],
  ['money', {}, '12.505 EUR', '“12.505 EUR” is no amount of EUR'],
  ['money', { limits: { currency: 'EUR' } }, '12 USD', 'is in USD where EUR is kept'],
  ['date', {}, '31.02.2026', '“31.02.2026” is no date'],
  ['date', { transform: { dateFormats: ['DD.MM.YYYY'] } }, '31.02.2026', '“31.02.2026” is no date'],
  ['boolean', {}, 'perhaps', '“perhaps” is neither yes nor no'],
  ['text', { limits: { maxLength: 3 } }, 'long', 'has 4 characters where at most 3 fit'],
  ['text', { transform: { jsonPath: 'a.b' } }, '{broken', 'is no JSON'],
] as const)('of a %s with %j, %s is a problem in words', (type, more, raw, problem) => {
  expect(transform(field(type, more as unknown as Partial<Field>), raw)).toEqual({
    kind: 'problem',
    problem,
  });
});

test.each([
  ['24.12.2026', ['DD.MM.YYYY'], '2026-12-24'],
  ['12/24/26', ['MM/DD/YY'], '2026-12-24'],
  ['4 Jul 2026', ['D MMM YYYY'], '2026-07-04'],
  ['2026-12-24T23:30:00+01:00', [], '2026-12-24'],
])('the day %s is read as %j says', (raw, dateFormats, expected) => {
  expect(transform(field('date', { transform: { dateFormats } }), raw)).toEqual(value(expected));
});

test('money is told with its currency, by Shopify, by people, or by the order', () => {
  expect(transform(field('money'), '{"amount":"5.9","currency_code":"CAD"}')).toEqual(value('5.90 CAD'));
  expect(transform(field('money'), 'EUR 1,200')).toEqual(value('1200.00 EUR'));
  expect(transform(field('money'), '1200', { currency: 'JPY' })).toEqual(value('1200 JPY'));
  for (const [text, currency, expected] of [
    ['€12.50', 'USD', '12.50 EUR'],
    ['12.50 £', null, '12.50 GBP'],
    ['$12.50', 'CAD', '12.50 CAD'],
    ['¥1,200', 'JPY', '1200 JPY'],
  ] as const)
    expect(transform(field('money'), text, { currency })).toEqual(value(expected));
  // A dollar where none is expected is any of twenty; three letters are no currency yet.
  for (const text of ['$12.50', '12.50 XXX', '€ 12.50 EUR'])
    expect(transform(field('money'), text, { currency: 'EUR' })).toMatchObject({ kind: 'problem' });
});

test('an option is known by its value, its label and its other spellings, in any case', () => {
  const options = [{ value: 'gold', label: 'Gold plan', aliases: ['Premium'] }];
  for (const raw of ['GOLD', 'gold plan', ' premium '])
    expect(transform(field('enumeration', { options }), raw)).toEqual(value('gold'));
  expect(transform(field('enumeration', { options }), 'silver')).toEqual({
    kind: 'problem',
    problem: '“silver” is none of gold',
  });
});

test('a path leads into JSON; what is not there is empty and no problem', () => {
  const serial = field('text', { transform: { jsonPath: '$.items[1].serial' } });
  expect(transform(serial, '{"items":[{},{"serial":"SN-2"}]}')).toEqual(value('SN-2'));
  expect(transform(serial, '{"items":[]}')).toEqual({ kind: 'empty' });
  expect(transform(field('text', { transform: { jsonPath: 'constructor.name' } }), '{}')).toEqual({
    kind: 'empty',
  });
});

const anyField: fc.Arbitrary<Field> = fc.record({
  type: fc.constantFrom('text', 'number', 'money', 'date', 'boolean', 'enumeration'),
  transform: fc.record(
    {
      jsonPath: fc.constantFrom('a', 'a.b[0]'),
      dateFormats: fc.constant(['DD.MM.YYYY', 'M/D/YY']),
      unit: fc.constantFrom('months', 'kg', 'cm'),
      decimalComma: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  limits: fc.constant({}),
  options: fc.constant([{ value: 'a', label: 'A', aliases: ['x'] }]),
});

test('whatever is written, a field has one value, none, or a problem in words, and never throws', () => {
  const raw = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.stringMatching(/^[\d.,' -]{0,12}( ?[a-zA-Z]{1,6})?$/),
  );
  fc.assert(
    fc.property(anyField, raw, (one, text) => {
      const result = transform(one, text, { currency: 'EUR' });
      if (result.kind === 'problem') expect(result.problem.length).toBeGreaterThan(0);
      if (result.kind === 'value') expect(result.value).not.toBe('');
    }),
    { numRuns: 500 },
  );
});

test('a value is its own transformation: told again as it is kept, it stays as it is', () => {
  const raw = fc.oneof(
    fc.stringMatching(/^-?\d{1,9}(\.\d{1,6})?$/),
    fc
      .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString()),
    fc.constantFrom('yes', 'No', 'A', 'x', '12 EUR', 'plain words'),
  );
  fc.assert(
    fc.property(anyField, raw, (one, text) => {
      const plain = { ...one, transform: {} };
      const first = transform(plain, text, { currency: 'EUR' });
      if (first.kind === 'value') expect(transform(plain, first.value, { currency: 'USD' })).toEqual(first);
    }),
    { numRuns: 1_000 },
  );
});

test('a unit and back again is the same number', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.constantFrom(['g', 'kg'], ['mm', 'm'], ['months', 'years']),
      (n, [small = '', large = '']) => {
        const up = transform(
          field('number', { transform: { unit: small }, limits: { decimals: 12 } }),
          `${n} ${large}`,
        );
        if (up.kind !== 'value') throw new Error(JSON.stringify(up));
        const back = transform(
          field('number', { transform: { unit: large }, limits: { decimals: 12 } }),
          `${up.value} ${small}`,
        );
        expect(back).toEqual(value(String(n === 0 ? 0 : n)));
      },
    ),
  );
});

test('a declaration that cannot be carried out is refused with its place', () => {
  const good = {
    owner: 'Order',
    key: 'warranty_months',
    name: 'Warranty',
    type: 'number',
    source: { kind: 'metafield', namespace: 'custom', key: 'warranty' },
  } as const;
  expect(declarationSchema.parse(good)).toEqual({
    ...good,
    description: null,
    transform: {},
    limits: {},
    options: [],
    hubspotProperty: null,
    quickbooksField: null,
    writeBack: false,
    authority: 'source',
  });
  const problemsOf = (more: object) =>
    declarationSchema.safeParse({ ...good, ...more }).error?.issues.map((issue) => issue.path.join('.'));
  expect(problemsOf({ key: 'Warranty Months' })).toEqual(['key']);
  expect(problemsOf({ type: 'enumeration' })).toEqual(['options']);
  expect(problemsOf({ transform: { unit: 'parsec' } })).toEqual(['transform.unit']);
  expect(problemsOf({ type: 'date', transform: { dateFormats: ['DD.MM'] } })).toEqual([
    'transform.dateFormats.0',
  ]);
  expect(problemsOf({ owner: 'Customer', source: { kind: 'attribute', name: 'x' } })).toEqual(['source']);
  expect(problemsOf({ quickbooksField: 'Warranty' })).toBeUndefined();
  expect(problemsOf({ owner: 'Customer', quickbooksField: 'Warranty' })).toEqual(['quickbooksField']);
  const back = { owner: 'Customer', hubspotProperty: 'warranty', authority: 'latest', writeBack: true };
  expect(problemsOf(back)).toBeUndefined();
  for (const wrong of [
    { source: { kind: 'tag', prefix: 'w:' } },
    { authority: 'source' },
    { transform: { jsonPath: 'period' } },
  ])
    expect(problemsOf({ ...back, ...wrong })).toEqual(['writeBack']);
  expect(problemsOf({ ...back, hubspotProperty: null })).toEqual(['authority', 'writeBack']);
  expect(problemsOf({ ...back, owner: 'Order' })).toBeUndefined();
  // What another type would pass over in silence.
  expect(problemsOf({ type: 'text', transform: { unit: 'kg' } })).toEqual(['transform.unit']);
  expect(problemsOf({ type: 'boolean', limits: { min: '1' } })).toEqual(['limits.min']);
  expect(problemsOf({ type: 'money', limits: { decimals: 2 } })).toEqual(['limits.decimals']);
  expect(problemsOf({ limits: { min: '10', max: '9.5' } })).toEqual(['limits.min']);
  expect(problemsOf({ type: 'money', limits: { currency: 'XQQ' } })).toEqual(['limits.currency']);
  // Names that Shopify refuses would keep the shop from being listened to.
  for (const source of [
    { namespace: 'cu stom', key: 'warranty' },
    { namespace: 'ab', key: 'warranty' },
    { namespace: '$app:care', key: 'warranty' },
  ])
    expect(problemsOf({ source: { kind: 'metafield', ...source } })).toEqual(['source.namespace']);
  for (const key of ['w', 'a.b', 'a"b', 'x'.repeat(65)])
    expect(problemsOf({ source: { kind: 'metafield', namespace: 'custom', key } })).toEqual(['source.key']);
  for (const property of [
    'email',
    'hs_marketable_status',
    'marketing_consent',
    'tributary_order_id',
    'hs_email_optout',
    'hubspot_owner_id',
    'createdate',
    'emailconsent',
    'newsletter_opt_in',
    'gdpr_legal_basis',
    'sms_permission',
    'do_not_call',
  ])
    expect(problemsOf({ hubspotProperty: property })).toEqual(['hubspotProperty']);
  for (const property of ['adoption_info', 'option_inside', 'subscription_plan', 'sms_number', 'recall_date'])
    expect(problemsOf({ hubspotProperty: property })).toBeUndefined();
  expect(
    declarationsFile.safeParse({ customFields: [good, good] }).error?.issues.map((issue) => issue.message),
  ).toEqual(['Order warranty_months is declared twice']);
});

const written: fc.Arbitrary<[Field['type'], string]> = fc.oneof(
  fc.tuple(
    fc.constant('text' as const),
    fc.string({ minLength: 1 }).filter((one) => one.trim() === one && !one.includes('\0')),
  ),
  fc.tuple(
    fc.constant('number' as const),
    fc
      .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.nat(99))
      .map(([whole, rest]) =>
        rest === 0 ? `${whole}` : `${whole}.${String(rest).padStart(2, '0').replace(/0$/, '')}`,
      ),
  ),
  fc.tuple(
    fc.constant('money' as const),
    fc.nat(10 ** 9).map((minor) => `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')} EUR`),
  ),
  fc.tuple(
    fc.constant('date' as const),
    fc
      .date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
      .map((one) => one.toISOString().slice(0, 10)),
  ),
  fc.tuple(fc.constant('boolean' as const), fc.constantFrom('true', 'false')),
  fc.tuple(fc.constant('enumeration' as const), fc.constantFrom('in_progress', 'done')),
);

test('what is written back to a metafield is read as the same value, whatever type the metafield has', () => {
  const types = [
    'single_line_text_field',
    'multi_line_text_field',
    'number_integer',
    'number_decimal',
    'money',
    'date',
    'boolean',
  ];
  fc.assert(
    fc.property(written, fc.constantFrom(null, ...types), ([type, text], standing) => {
      const back = metafieldText(type, text, standing);
      if (back === null) return;
      if (standing !== null) expect(back.type).toBe(standing);
      const options = ['in_progress', 'done'].map((one) => ({
        value: one,
        label: one.toUpperCase(),
        aliases: [],
      }));
      const own = field(type, type === 'enumeration' ? { options } : {});
      expect(transform(own, back.value, { metafieldType: back.type })).toEqual(
        // A minus in front of nothing is nothing.
        value(text === '-0' ? '0' : text),
      );
    }),
  );
  expect(metafieldText('text', 'a', 'list.single_line_text_field')).toBeNull();
  expect(metafieldText('number', '1.5', 'number_integer')).toBeNull();
});
