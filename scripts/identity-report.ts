import { readFile, writeFile } from 'node:fs/promises';
import { compareWays, type Ways } from '../src/cli/identity/compare-ways.ts';
import { generatePeople, rates } from '../src/cli/identity/generate-people.ts';
import { pairsWithin } from '../src/cli/identity/measure.ts';
import { shippedParameters } from '../src/sync/identity/parameters.ts';

// Measures identity resolution on generated people and writes the figures into docs/identity.md, between its two marks.
// The parameters were estimated from another seed than those measured, and no rule was made by looking at these.

const people = 20_000;
const seeds = [201, 202, 203, 204, 205, 206, 207, 208];
const file = 'docs/identity.md';

const names = {
  exactEmail: 'same e-mail address',
  exactOwnEmail: 'the same, desks and mailboxes of many left out',
  automatic: '**automatic merges**',
  withReview: 'merges + every question answered with yes',
  answered: 'merges + questions answered rightly',
};
const measured: Ways[] = [];
let records = 0;
let pairs = 0;
for (const seed of seeds) {
  const generated = generatePeople(seed, people);
  const truth = pairsWithin(generated.map((record) => record.person));
  records += generated.length;
  pairs += truth.size;
  measured.push(compareWays(generated, truth, { country: 'US', parameters: shippedParameters }));
  console.log(`seed ${seed}: ${generated.length} records`);
}

const rows = (['exactEmail', 'exactOwnEmail', 'automatic', 'withReview', 'answered'] as const).map((way) => {
  const sum = (figure: 'right' | 'wrong' | 'missed') =>
    measured.reduce((total, ways) => total + ways[way][figure], 0);
  const [right, wrong, missed] = [sum('right'), sum('wrong'), sum('missed')];
  const precision = right / (right + wrong);
  const recall = right / (right + missed);
  const figures = [precision, recall, (2 * right) / (2 * right + wrong + missed)].map((one) =>
    one.toFixed(4),
  );
  return `| ${names[way]} | ${figures.join(' | ')} | ${right} | ${wrong} | ${missed} |`;
});
const questions = measured.reduce((total, ways) => total + ways.questions, 0);
const worst = Math.min(...measured.map((ways) => ways.automatic.precision));
const text = [
  `${seeds.length} sets of ${people.toLocaleString('en-US')} people each: ${records.toLocaleString('en-US')} records, ${pairs.toLocaleString('en-US')} pairs of records that are one person.`,
  '',
  '| way | precision | recall | F1 | right | wrong | missed |',
  '|---|---|---|---|---|---|---|',
  ...rows,
  '',
  `${questions.toLocaleString('en-US')} questions in all, ${((100 * questions) / records).toFixed(1)} per hundred records. Lowest precision of automatic merges in one set: ${worst.toFixed(4)}.`,
  '',
  `Rates of what happens to records: ${Object.entries(rates)
    .map(([name, rate]) => `${name} ${rate}`)
    .join(', ')}.`,
].join('\n');
const before = await readFile(file, 'utf8');
await writeFile(
  file,
  before.replace(/(?<=<!-- measured -->\n)[\s\S]*(?=<!-- \/measured -->)/, () => `${text}\n`),
);
