import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { effectsOf } from '../../src/sync/accounting/effects.ts';
import { cases } from './cases.ts';
import { postingsOf, renderCases } from './render-cases.ts';

describe('the cases of the accountant', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s: every document adds up', (_name, given) => {
    for (const posting of postingsOf(given)) {
      if (posting.status !== 'post') continue;
      for (const document of posting.documents) {
        expect(effectsOf(document).reduce((all, one) => all + one.amountMinor, 0n)).toBe(0n);
        if ('lines' in document) expect(document.differenceMinor).toBe(0n);
      }
    }
  });

  it('stand in docs/accounting-cases.md as they are (node scripts/accounting-cases.ts writes it)', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    const page = readFileSync(new URL('../../docs/accounting-cases.md', import.meta.url), 'utf8');
    expect(page).toBe(renderCases());
  });
});
