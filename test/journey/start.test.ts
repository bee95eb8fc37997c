import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Answer, freePort, until } from '../support/stack.ts';

const sandboxPorts = [4010, 4011, 4012, 4013, 4014];
// The demo's platforms live at fixed ports: where another Tributary has them, there is nothing to test here.
const taken = (await Promise.all(sandboxPorts.map(isTaken))).some(Boolean);

test.skipIf(taken)(
  'the demo starts without any setting, serves page and API, tells of an order as it comes, and stops leaving nothing behind',
  async () => {
    await using demo = await Demo.start();
    const ready = await until(
      'the demo is ready',
      demo.look('/readyz'),
      (seen) => seen.status === 200,
      60_000,
    );
    expect(JSON.parse(ready.body)).toEqual({ status: 'ready' });
    const page = await demo.look('/graphql', { accept: 'text/html' })();
    expect({ status: page.status, isPage: page.body.includes('GraphiQL') }).toEqual({
      status: 200,
      isPage: true,
    });
    expect(page.body).not.toMatch(/(src|href)="https?:\/\//);

    const client = createClient({ url: `ws://127.0.0.1:${demo.port}/graphql`, webSocketImpl: WebSocket });
    const received: Answer[] = [];
    client.subscribe<Answer>(
      { query: 'subscription { orderChanged { event { type } order { number channel total { amount } } } }' },
      { next: ({ data }) => received.push(data), error: () => undefined, complete: () => undefined },
    );
    await until(
      'the shop trades',
      () => demo.said(),
      (text) => text.includes('The shop is open'),
      90_000,
    );
    const links = demo.said().match(/^ +https?:\/\/\S+/gm) ?? [];
    const answers = await Promise.all(links.map(async (link) => (await fetch(link.trim())).status));
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 200]);
    const placed = (await (
      await fetch('http://127.0.0.1:4010/_control/orders', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          channel: 'pos',
          customerEmail: 'first-visitor@example.com',
          lines: [{ title: 'Something new', price: '19.99' }],
        }),
      })
    ).json()) as { name: string; total: string };
    await until(
      'the subscription tells of the order',
      () => received.map((one) => one.orderChanged),
      (all) => all.some(({ order }) => order.number === placed.name && order.total.amount === placed.total),
    );
    await client.dispose();

    const family = demo.family();
    expect(family.length).toBeGreaterThan(2);
    expect(await demo.stop()).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
    expect(await Promise.all(sandboxPorts.map(isTaken))).not.toContain(true);
    expect(demo.complaints()).toBe('');
  },
  180_000,
);

class Demo implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #exited: Promise<number | null>;
  #said = '';
  #complaints = '';

  static async start(): Promise<Demo> {
    const dataDir = await mkdtemp(join(tmpdir(), 'tributary-demo-'));
    await chmod(dataDir, 0o755);
    return new Demo(await freePort(), dataDir);
  }

  private constructor(port: number, dataDir: string) {
    this.port = port;
    this.#dataDir = dataDir;
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('../../src/main.ts', import.meta.url))], {
      env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), PORT: String(port), DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#said += chunk;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#complaints += chunk;
    });
    this.#exited = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
  }

  said(): string {
    return this.#said;
  }

  complaints(): string {
    return this.#complaints;
  }

  look(path: string, headers: Record<string, string> = {}): () => Promise<{ status: number; body: string }> {
    return async () => {
      if (this.#child.exitCode !== null) throw new Error(`The demo ended: ${this.#complaints}${this.#said}`);
      try {
        const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { headers });
        return { status: response.status, body: await response.text() };
      } catch (error) {
        return { status: 0, body: String(error) };
      }
    };
  }

  /** The process and all that it started, by id. */
  family(): number[] {
    const parents = parentsOfProcesses();
    const family = [this.#child.pid ?? -1];
    for (const member of family)
      for (const [pid, parent] of parents) if (parent === member && !family.includes(pid)) family.push(pid);
    return family;
  }

  /** Asks it to stop, as Ctrl-C does; answers its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await until(
      'the demo has stopped',
      () => this.#isRunning(),
      (running) => !running,
      20_000,
    );
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isRunning()) for (const pid of this.family()) process.kill(pid, 'SIGKILL');
    await this.#exited;
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

function parentsOfProcesses(): Map<number, number> {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(true))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
}
