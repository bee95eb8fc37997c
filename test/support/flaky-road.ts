import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut at any moment, and that leads on to another port when the server has moved. */
export class FlakyRoad implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  /** Where connections lead; null: they are refused. */
  target: number | null = null;
  /** Bytes of the connections that are open now vanish without a word. */
  #lost = new WeakSet<Socket>();

  static async open(): Promise<FlakyRoad> {
    const road = new FlakyRoad();
    await new Promise<void>((resolve) => road.#server.listen(0, '127.0.0.1', resolve));
    return road;
  }

  private constructor() {
    this.#server = createServer((near) => {
      if (this.target === null) {
        near.destroy();
        return;
      }
      const far = connect(this.target, '127.0.0.1');
      const pair: [Socket, Socket] = [near, far];
      this.#pairs.add(pair);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.setNoDelay(true);
        from.on('data', (chunk: Buffer) => {
          if (!this.#lost.has(near)) to.write(chunk);
        });
        from.on('error', () => undefined);
        from.on('close', () => {
          if (!this.#lost.has(near)) to.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts each open connection with that chance. */
  cut(isCut: () => boolean): void {
    for (const [near, far] of [...this.#pairs]) {
      if (!isCut()) continue;
      near.destroy();
      far.destroy();
    }
  }

  /** What is open now leads nowhere any more, and neither side is told: a firewall that forgot, a host that is gone. */
  forget(): void {
    for (const [near, far] of this.#pairs) {
      this.#lost.add(near);
      far.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
