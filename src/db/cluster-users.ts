import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Who uses an embedded cluster, as one file each: a command that runs beside the server must not stop what the server works
 * on. Files, because the last one has to be told apart when a process ends, where nothing can be waited for.
 */
export class ClusterUsers {
  readonly #folder: string;
  readonly #own: string;

  constructor(directory: string) {
    this.#folder = join(directory, 'users');
    this.#own = `${process.pid}-${randomUUID()}`;
  }

  enter(): void {
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(join(this.#folder, this.#own), '');
  }

  /** @returns whether nobody is left who uses it. Those that were killed count as gone. */
  leave(): boolean {
    rmSync(join(this.#folder, this.#own), { force: true });
    const others = readdirSync(this.#folder);
    const left = others.filter((name) => isAlive(Number.parseInt(name, 10)));
    for (const gone of others.filter((name) => !left.includes(name)))
      rmSync(join(this.#folder, gone), { force: true });
    return left.length === 0;
  }
}

/** Whether a Node process of this number runs; numbers are given out again. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    return /\bnode\b/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    // No /proc on this system: the number is all there is.
    return process.platform !== 'linux';
  }
}
