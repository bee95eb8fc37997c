import { spawnSync } from 'node:child_process';

// What CI runs, in the order in which it fails fastest. `npm run check -- --no-tests` leaves the tests out.
const steps: [name: string, command: string, args: string[]][] = [
  ['lock file', 'node', ['scripts/check-lock.ts']],
  ['generated code', 'node', ['scripts/generate.ts']],
  ['format, lint and import directions', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['unused files, exports and dependencies', 'knip', []],
  ['schema.graphql is what the code says', 'node', ['scripts/print-schema.ts', '--check']],
  ...(process.argv.includes('--no-tests')
    ? []
    : [['tests', 'vitest', ['run']] satisfies [string, string, string[]]]),
];

for (const [name, command, args] of steps) {
  console.log(`\n── ${name}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`\n✗ ${name} failed${error === undefined ? '' : `: ${error.message}`}`);
    process.exit(status ?? 1);
  }
}
console.log('\n✓ all checks passed');
