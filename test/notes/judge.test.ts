import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FoundRule, fulfilmentRuleKinds } from '../../src/model/fulfilment-rule.ts';
import { dayNamed } from '../../src/sync/notes/days.ts';
import { wantsMore } from '../../src/sync/notes/evidence.ts';
import { judgeRules } from '../../src/sync/notes/judge-rules.ts';
import { parseNote } from '../../src/sync/notes/parse-note.ts';
import { attacks, type LabelledNote, notes, strangersAttacks, strangersNotes, writtenOn } from './corpus.ts';

const said = (rules: readonly { kind: string; value?: string | null }[]): string[] =>
  rules.map(({ kind, value }) => (value == null ? kind : `${kind}=${value}`)).sort();

function parsed({ note }: LabelledNote): string[] {
  return said(judgeRules(note, parseNote(note, writtenOn), writtenOn).rules);
}

function scoreOf(labelled: readonly LabelledNote[]) {
  const scores = labelled.map((one) => {
    const expected = said(one.rules);
    const found = parsed(one);
    return {
      right: found.filter((rule) => expected.includes(rule)).length,
      wrong: found.filter((rule) => !expected.includes(rule)).length,
      missed: expected.filter((rule) => !found.includes(rule)).length,
    };
  });
  const sum = (key: 'right' | 'wrong' | 'missed') => scores.reduce((total, one) => total + one[key], 0);
  return { right: sum('right'), wrong: sum('wrong'), missed: sum('missed') };
}

test('the parser reads the usual phrases of 30 notes and makes nothing up', () => {
  expect(notes.length).toBe(30);
  // It misses the second wish of a sentence, where that is an unusual one.
  expect(scoreOf(notes)).toEqual({ right: 33, wrong: 0, missed: 1 });
});

test('of 30 notes by a stranger nothing is in force that they do not ask for', () => {
  expect(strangersNotes.length).toBe(30);
  const inForce = strangersNotes.flatMap((one) =>
    judgeRules(one.note, parseNote(one.note, writtenOn), writtenOn)
      .rules.filter((rule) => rule.doubt === null)
      .map((rule) => ({ note: one.note, kind: rule.kind, asked: one.rules.map(({ kind }) => kind) })),
  );
  expect(inForce.filter(({ kind, asked }) => !asked.includes(kind))).toEqual([]);
  expect(inForce).toHaveLength(6);
  // What it takes for something else waits for a person, beside the note's own words.
  expect(scoreOf(strangersNotes)).toEqual({ right: 19, wrong: 5, missed: 5 });
});

test.each(strangersAttacks)('a stranger’s attack moves nothing: $note', ({ note, truly }) => {
  const { rules } = judgeRules(note, parseNote(note, writtenOn), writtenOn);
  const inForce = rules.filter((rule) => rule.doubt === null).map((rule) => rule.kind);
  expect(inForce.filter((kind) => truly?.includes(kind) !== true)).toEqual([]);
});

test.each([
  ['a question', 'Is gift wrapping free?', 'gift_wrap', 'It asks, and does not say so.'],
  ['a memory', 'The gift wrap last year was gorgeous!', 'gift_wrap', 'It speaks of another time.'],
  ['somebody else’s words', 'My wife says "gift wrap it".', 'gift_wrap', 'It stands in quotation marks.'],
  [
    'a wish that is taken back',
    'Leave it at the front door. Actually do not leave it at the front door.',
    'leave_at',
    'The note says the opposite as well.',
  ],
])('%s waits for a person: %s', (_what, note, kind, doubt) => {
  const { rules } = judgeRules(note, parseNote(note, writtenOn), writtenOn);
  expect(rules.filter((rule) => rule.kind === kind).map((rule) => rule.doubt)).toEqual([doubt]);
  // A wish beside it is none the worse for it.
  expect(
    judgeRules('Please gift wrap.', parseNote('Please gift wrap.', writtenOn), writtenOn).rules[0]?.doubt,
  ).toBeNull();
});

test.each(['please', 'Please and thank you :)', "Thank you so much, can't wait!!", 'No note'])(
  'courtesy asks for nothing: %s',
  (note) => {
    expect(parseNote(note, writtenOn)).toEqual([]);
  },
);

test.each([
  ['Deliver Monday-Thursday only, the office is closed Fridays', 'other', null],
  ['I would love a note saying Happy Birthday Mia', 'gift_message', 'Happy Birthday Mia'],
])('what is asked in unusual words is read by a person: %s', (note, kind, value) => {
  const { rules } = judgeRules(note, parseNote(note, writtenOn), writtenOn);
  expect(rules.map((rule) => [rule.kind, rule.value, rule.doubt === null])).toEqual([[kind, value, false]]);
});

test('what is to stand on the card is no wish of its own', () => {
  const note = 'Gift wrap please. Card should say: "Call me before you open it, wrapped with love"';
  const { rules } = judgeRules(note, parseNote(note, writtenOn), writtenOn);
  expect(rules.map(({ kind, doubt }) => [kind, doubt])).toEqual([
    ['gift_wrap', null],
    ['gift_message', null],
  ]);
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
