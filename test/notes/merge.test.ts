import { expect, test } from 'vitest';
import type { FulfilmentRule, JudgedRule } from '../../src/model/fulfilment-rule.ts';
import { mergeRules, type StoredRule } from '../../src/sync/notes/merge-rules.ts';

const wrap: JudgedRule = { kind: 'gift_wrap', value: null, quote: 'gift wrap', confidence: 0.9, doubt: null };
const stored = (more: Partial<FulfilmentRule> = {}): StoredRule => ({
  id: 1n,
  kind: 'gift_wrap',
  value: null,
  quote: 'gift wrap',
  confidence: 0.9,
  status: 'approved',
  reason: null,
  reader: 'parser',
  decidedBy: 'automatic',
  ...more,
});

test('a rule found anew is in force unless there is a doubt', () => {
  expect(mergeRules('gift wrap', [], [wrap], 'claude').added).toEqual([
    expect.objectContaining({ status: 'approved', decidedBy: 'automatic', reader: 'claude' }),
  ]);
  expect(mergeRules('gift wrap', [], [{ ...wrap, doubt: 'Unsure.' }], 'claude').added).toEqual([
    expect.objectContaining({ status: 'proposed', decidedBy: null, reason: 'Unsure.' }),
  ]);
});

test('a rule whose words are gone is withdrawn, whoever decided it', () => {
  for (const decidedBy of ['automatic', 'anna'])
    expect(mergeRules('no wishes', [stored({ decidedBy })], [], 'parser').changed).toEqual([
      expect.objectContaining({ id: 1n, status: 'withdrawn' }),
    ]);
});

test('what a person decided stands while its words are in the note, even where no reader finds it again', () => {
  for (const status of ['approved', 'rejected'] as const) {
    const rule = stored({ status, decidedBy: 'anna' });
    expect(mergeRules('Hello. gift wrap', [rule], [], 'parser')).toEqual({ added: [], changed: [] });
    expect(mergeRules('Hello. gift wrap', [rule], [{ ...wrap, doubt: 'Unsure.' }], 'claude')).toEqual({
      added: [],
      changed: [],
    });
  }
});

test('what nobody decided waits for a person once the words stand but say it no longer', () => {
  expect(mergeRules('please no gift wrap', [stored()], [], 'parser').changed).toEqual([
    expect.objectContaining({
      status: 'proposed',
      decidedBy: null,
      reason: 'The note was changed around these words.',
    }),
  ]);
});

test('the same wish in longer words is the same rule', () => {
  const longer = { ...wrap, quote: 'please gift wrap it' };
  const { added, changed } = mergeRules('please gift wrap it', [stored()], [longer], 'claude');
  expect(added).toEqual([]);
  expect(changed).toEqual([expect.objectContaining({ id: 1n, quote: 'gift wrap', status: 'approved' })]);
});

test('words decided upon are not read otherwise without a person', () => {
  const place: JudgedRule = {
    kind: 'leave_at',
    value: 'porch',
    quote: 'leave at porch',
    confidence: 1,
    doubt: null,
  };
  const known = stored({ kind: 'leave_at', value: 'the porch', quote: 'leave at porch', decidedBy: 'anna' });
  expect(mergeRules('leave at porch', [known], [place], 'claude')).toEqual({
    changed: [],
    added: [expect.objectContaining({ value: 'porch', status: 'proposed' })],
  });
});

test('reading the same note again changes nothing', () => {
  const { added } = mergeRules('gift wrap', [], [wrap], 'parser');
  const again = mergeRules(
    'gift wrap',
    added.map((rule, index) => ({ ...rule, id: BigInt(index) })),
    [wrap],
    'parser',
  );
  expect(again).toEqual({ added: [], changed: [] });
});
