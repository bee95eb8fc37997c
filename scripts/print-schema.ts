import { readFileSync, writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchema } from '../src/schema/schema.ts';

// Writes the sorted SDL; with --check it only compares, so that a change of the API shows in the diff of this file.
const path = 'schema.graphql';
const printed = `${printSchema(lexicographicSortSchema(buildSchema()))}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(path, printed);
} else if (readFileSync(path, 'utf8') !== printed) {
  console.error(
    `${path} is not what the code describes: run "npm run schema:print" and look at the difference.`,
  );
  process.exitCode = 1;
}
