import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Keeps a platform's state over restarts: read once, written whole and atomically some time after a change.
 * bigint and Map are not JSON: keep state in plain objects, arrays and strings.
 */
export class StateFile<T> implements AsyncDisposable {
  #path: string | null;
  #timer: NodeJS.Timeout | null = null;
  #current: () => T;
  #writing: Promise<void> = Promise.resolve();

  /** A null path keeps nothing (tests). */
  constructor(path: string | null, current: () => T) {
    this.#path = path;
    this.#current = current;
  }

  async load(): Promise<T | null> {
    if (this.#path === null) return null;
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as T;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Asks for a write soon; many calls make one write. */
  touch(): void {
    if (this.#path === null || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, 2000);
    this.#timer.unref();
  }

  flush(): Promise<void> {
    const path = this.#path;
    if (path === null) return Promise.resolve();
    this.#writing = this.#writing.then(async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(this.#current()));
      await rename(`${path}.new`, path);
    });
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.flush();
  }
}
