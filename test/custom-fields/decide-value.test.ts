import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CustomFieldAuthority } from '../../src/model/custom-field.ts';
import { decideValue, type OwnWriting, type StoredValue } from '../../src/sync/custom-fields/decide-value.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 24, 12, 0, second));

interface Word {
  by: 'shop' | 'crm';
  value: string | null;
  second: number;
}

/** What is kept once these words were heard in this order, each with its own time. */
function heard(authority: CustomFieldAuthority, words: readonly Word[], own: readonly OwnWriting[] = []) {
  let kept: StoredValue | null = null;
  let shop: Word | null = null;
  for (const word of words) {
    if (word.by === 'crm') {
      if (kept?.crmAt != null && kept.crmAt >= at(word.second)) continue;
      const before: StoredValue = kept ?? {
        value: null,
        problem: null,
        raw: null,
        source: 'hubspot',
        toldAt: at(word.second),
        sourceValue: null,
        sourceAt: null,
        crmValue: null,
        crmAt: null,
        crmProblem: null,
        crmRaw: null,
      };
      kept = { ...before, crmValue: word.value, crmAt: at(word.second), crmProblem: null, crmRaw: null };
    } else if (shop === null || word.second > shop.second) shop = word;
    if (shop === null) continue;
    kept = decideValue(
      { authority },
      kept,
      {
        result: shop.value === null ? { kind: 'empty' } : { kind: 'value', value: shop.value },
        raw: shop.value,
        source: 'shopify',
        at: at(shop.second),
        isExact: true,
      },
      own,
    );
  }
  return kept;
}

/** Words at different seconds, of which the shop's are the changes of one metafield. */
const words = fc
  .uniqueArray(
    fc.record({
      by: fc.constantFrom('shop' as const, 'crm' as const),
      value: fc.constantFrom('S', 'M', 'L', 'XL'),
      second: fc.integer({ min: 1, max: 50 }),
    }),
    { minLength: 1, maxLength: 8, selector: (one) => one.second },
  )
  .filter((list) => list.some((one) => one.by === 'shop'));

test('who is believed does not hang on the order in which words are heard', () => {
  fc.assert(
    fc.property(
      words.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      ),
      fc.constantFrom('source' as const, 'hubspot' as const, 'latest' as const),
      ([list, order], authority) => {
        const last = (of: readonly Word[]) =>
          of.toSorted((a, b) => a.second - b.second).at(-1) as Word | undefined;
        const shop = last(list.filter((one) => one.by === 'shop'));
        const crm = last(list.filter((one) => one.by === 'crm'));
        const believed = authority === 'source' ? shop : authority === 'hubspot' ? (crm ?? shop) : last(list);
        expect(heard(authority, order)).toMatchObject({
          value: believed?.value,
          source: believed?.by === 'crm' ? 'hubspot' : 'shopify',
          sourceValue: shop?.value,
          crmValue: crm?.value ?? null,
        });
      },
    ),
    { numRuns: 500 },
  );
});

test('what comes back of our own writing is the word that it repeats; the same said by the shop later is its own', () => {
  const own: OwnWriting[] = [{ value: 'M', saidAt: at(10), until: at(20) }];
  const told = (second: number): Word[] => [
    { by: 'shop', value: 'S', second: 1 },
    { by: 'crm', value: 'M', second: 10 },
    { by: 'shop', value: 'M', second },
    { by: 'crm', value: 'L', second: 12 },
  ];
  expect(heard('latest', told(15), own)?.value).toBe('L');
  expect(heard('latest', told(15))?.value).toBe('M');
  expect(heard('latest', told(30), own)?.value).toBe('M');
  expect(heard('latest', told(15), [{ ...own[0], until: null } as OwnWriting])?.value).toBe('L');
});

test('a time that may be of something else beside counts only where the value is another one', () => {
  const before = heard('latest', [
    { by: 'shop', value: 'S', second: 1 },
    { by: 'crm', value: 'M', second: 10 },
  ]);
  const again = (value: string) =>
    decideValue({ authority: 'latest' }, before, {
      result: { kind: 'value', value },
      raw: value,
      source: 'shopify',
      at: at(20),
    })?.value;
  expect([again('S'), again('L')]).toEqual(['M', 'L']);
});
