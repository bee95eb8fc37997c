import { readFileSync } from 'node:fs';

// What `npm ci` needs of the lock file on every machine. npm leaves out the builds for other systems when its registry does
// not carry them, and then refuses its own file; and an address in it ties everybody to one registry.
interface Entry {
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Entry>;
};

const problems = Object.entries(packages).flatMap(([location, entry]) => [
  ...(entry.resolved?.includes('://')
    ? [`${location} names an address (${entry.resolved}): set omit-lockfile-registry-resolved`]
    : []),
  ...Object.keys(entry.optionalDependencies ?? {})
    .filter((name) => !isLocked(location, name))
    .map((name) => `${location} needs ${name}, which is not locked: add its version, os and cpu`),
]);

for (const problem of problems) console.error(`package-lock.json: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);

/** Whether Node's look-up from a package's folder upwards ends at a locked package. */
function isLocked(from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (packages[`${folder}/node_modules/${name}`.replace(/^\//, '')] !== undefined) return true;
    if (folder === '' || !folder.includes('/node_modules/'))
      return packages[`node_modules/${name}`] !== undefined;
  }
}
