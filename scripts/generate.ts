import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Generates the Prisma client and Pothos types, unless they stand for this very schema already.
// The engine binary is named but never run: `prisma generate` only insists on finding one, and ours would have to be downloaded.
const root = fileURLToPath(new URL('..', import.meta.url));
const output = `${root}src/db/generated`;
const stamp = `${output}/.stamp`;
const fingerprint = createHash('sha256')
  .update(readFileSync(`${root}prisma/schema.prisma`))
  .update(readFileSync(`${root}node_modules/prisma/package.json`))
  .update(readFileSync(`${root}node_modules/@pothos/plugin-prisma/package.json`))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint) {
  execFileSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--no-hints'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  });
  mkdirSync(output, { recursive: true });
  writeFileSync(stamp, fingerprint);
}
