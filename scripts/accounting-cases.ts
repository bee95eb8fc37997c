import { writeFileSync } from 'node:fs';
import { renderCases } from '../test/accounting/render-cases.ts';

/** Writes docs/accounting-cases.md from the cases that the tests know. */
writeFileSync(new URL('../docs/accounting-cases.md', import.meta.url), renderCases());
