import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FoundRule, fulfilmentRuleKinds } from '../../src/model/fulfilment-rule.ts';
import { dayNamed } from '../../src/sync/notes/days.ts';
import { wantsMore } from '../../src/sync/notes/evidence.ts';
import { judgeRules } from '../../src/sync/notes/judge-rules.ts';
import { parseNote } from '../../src/sync/notes/parse-note.ts';
import { attacks, type LabelledNote, notes, writtenOn } from './corpus.ts';

const said = (rules: readonly { kind: string; value?: string | null }[]): string[] =>
  rules.map(({ kind, value }) => (value == null ? kind : `${kind}=${value}`)).sort();

function parsed({ note }: LabelledNote): string[] {
  return said(judgeRules(note, parseNote(note, writtenOn), writtenOn).rules);
}

test('the parser reads the usual phrases of 30 notes and makes nothing up', () => {
  const scores = notes.map((one) => {
    const expected = said(one.rules);
    const found = parsed(one);
    return {
      right: found.filter((rule) => expected.includes(rule)).length,
      wrong: found.filter((rule) => !expected.includes(rule)).length,
      missed: expected.filter((rule) => !found.includes(rule)).length,
    };
  });
  const sum = (key: 'right' | 'wrong' | 'missed') => scores.reduce((total, one) => total + one[key], 0);
  expect(notes.length).toBe(30);
  // It misses what is said in unusual words and in other languages: 29 of 34, none made up.
  expect({ right: sum('right'), wrong: sum('wrong'), missed: sum('missed') }).toEqual({
    right: 29,
    wrong: 0,
    missed: 5,
  });
});

test.each(attacks)('an attack that $name moves nothing, even with a reader that obeys it', (attack) => {
  const { rules } = judgeRules(attack.note, attack.wants, writtenOn);
  expect(rules.filter((rule) => rule.doubt === null)).toEqual([]);
});

test.each(attacks)(
  'the parser makes nothing of an attack that $name but what it truly asks for',
  (attack) => {
    const { rules } = judgeRules(attack.note, parseNote(attack.note, writtenOn), writtenOn);
    const inForce = rules.filter((rule) => rule.doubt === null).map((rule) => rule.kind);
    expect(inForce.filter((kind) => attack.truly?.includes(kind) !== true)).toEqual([]);
  },
);

test('there are 20 attacks or more, and no honest note but one about money looks like one', () => {
  expect(attacks.length).toBeGreaterThanOrEqual(20);
  expect(notes.filter(({ note }) => wantsMore(note)).map(({ note }) => note)).toEqual([
    'No substitutions please, if the blue is sold out just refund me.',
  ]);
});

const anyClaim: fc.Arbitrary<FoundRule> = fc.record({
  kind: fc.constantFrom(...fulfilmentRuleKinds),
  value: fc.option(fc.string({ maxLength: 40 }), { nil: null }),
  quote: fc.string({ maxLength: 60 }),
  confidence: fc.double({ min: 0, max: 1, noNaN: true }),
});

test('whatever a reader claims about whatever note, a rule quotes the note and its value follows from the quote', () => {
  const words = fc.constantFrom(
    ...notes.flatMap(({ note }) => note.split(' ')),
    'not',
    "don't",
    'leave',
    'porch',
    '\u200b',
  );
  const note = fc.array(words, { maxLength: 20 }).map((list) => list.join(' '));
  const claims = note.chain((text) =>
    fc.tuple(
      fc.constant(text),
      fc.array(
        fc.oneof(
          anyClaim,
          fc
            .tuple(anyClaim, fc.nat(text.length), fc.nat(60))
            .map(([claim, from, length]) => ({ ...claim, quote: text.slice(from, from + length) })),
        ),
        { maxLength: 20 },
      ),
    ),
  );
  fc.assert(
    fc.property(claims, ([text, found]) => {
      const { rules } = judgeRules(text, found, writtenOn);
      expect(rules.length).toBeLessThanOrEqual(12);
      for (const { kind, value, quote, doubt } of rules) {
        expect(text.includes(quote)).toBe(true);
        if (kind === 'leave_at' || kind === 'gift_message' || kind === 'allergy')
          expect(quote.toLowerCase()).toContain(String(value).toLowerCase());
        if (kind.startsWith('deliver') && doubt === null) expect(value).toBe(dayNamed(quote, writtenOn)?.day);
        if (kind === 'other' || kind === 'allergy' || kind === 'substitution') expect(doubt).not.toBeNull();
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['before Friday', '2026-11-27', true],
  ['by tomorrow', '2026-11-25', true],
  ['next Tuesday', '2026-12-01', false],
  ['Dec 3', '2026-12-03', true],
  ['the 3rd of December', '2026-12-03', true],
  ['December 3, 2027', '2027-12-03', true],
  ['12/15', '2026-12-15', true],
  ['5/6', '2027-05-06', false],
  ['31.12.', '2026-12-31', true],
  ['2026-12-24', '2026-12-24', true],
  ['the 5th', '2026-12-05', true],
  ['Jan 2', '2027-01-02', true],
  ['christmas', '2026-12-25', true],
  ['Feb 30', null, false],
  ['soon', null, false],
])('"%s", written on a Tuesday in November, names %s', (words, day, certain) => {
  expect(dayNamed(words, writtenOn)).toEqual(day === null ? null : { day, certain });
});
