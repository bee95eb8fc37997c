import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const endWithParent = new URL('./end-with-parent.ts', import.meta.url).href;

export interface ChildOptions {
  name: string;
  module: URL;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Modules loaded before the main one. */
  imports?: readonly URL[];
  /** Writes a CPU profile there when the child ends. */
  profileDirectory?: string | null;
}

interface Answer {
  call: number;
  result?: unknown;
  error?: string;
}

/** A process of its own that a benchmark started: it ends with the benchmark, whichever way that ends. */
export class Child implements AsyncDisposable {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  #nextCall = 1;
  #output = '';
  #lines: string[] = [];
  #stopping = false;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#process = fork(fileURLToPath(options.module), [...(options.args ?? [])], {
      env: { ...inheritedEnvironment(), ...options.env },
      execArgv: [
        '--import',
        endWithParent,
        ...(options.imports ?? []).flatMap((module) => ['--import', module.href]),
        ...(options.profileDirectory == null
          ? []
          : [
              '--cpu-prof',
              `--cpu-prof-dir=${options.profileDirectory}`,
              `--cpu-prof-name=${options.name}.cpuprofile`,
            ]),
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.#heard(chunk.toString('utf8')));
    }
    this.#process.on('message', (answer: Answer) => {
      const waiting = this.#calls.get(answer.call);
      this.#calls.delete(answer.call);
      if (answer.error === undefined) waiting?.resolve(answer.result as never);
      else waiting?.reject(new Error(`${this.name}: ${answer.error}`));
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        const error = new Error(`the ${this.name} process ended (${signal ?? code}): ${this.output}`);
        for (const waiting of this.#calls.values()) waiting.reject(error);
        this.#calls.clear();
        if (!this.#stopping) console.error(error.message);
        resolve();
      });
    });
  }

  /** Asks the child's handler of that name (see `answerParent`). */
  call<T>(name: string, argument?: unknown): Promise<T> {
    const call = this.#nextCall++;
    return new Promise<T>((resolve, reject) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        reject(new Error(`the ${this.name} process has ended: ${this.output}`));
        return;
      }
      this.#calls.set(call, { resolve: resolve as never, reject });
      this.#process.send({ call, name, argument }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The end of what it has printed. */
  get output(): string {
    return this.#output.slice(-3000);
  }

  /** Whole lines that it has printed. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    if (!this.running) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 8_000);
    await this.#exited;
    clearTimeout(timer);
  }

  #heard(text: string): void {
    this.#output = (this.#output + text).slice(-20_000);
    this.#lines = this.#output.split('\n');
  }
}

/** What decides about our own connections and limits comes from the benchmark alone, never from the caller's shell. */
function inheritedEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'SystemRoot', 'TEMP'];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
