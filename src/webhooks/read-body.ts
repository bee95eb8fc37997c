import type { IncomingMessage } from 'node:http';

export type Body =
  | { kind: 'read'; bytes: Buffer }
  | { kind: 'tooLarge'; bytesSeen: number }
  | { kind: 'tooSlow'; bytesSeen: number }
  /** Together with all others that are being read it would need more memory than bodies may. */
  | { kind: 'tooBusy'; bytesSeen: number }
  /** The sender has hung up. */
  | { kind: 'gone'; bytesSeen: number };

/** Bytes that all bodies together may hold while they are being read: nobody has proved yet who they are. */
export class BodyBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}

/** Reads a request's body up to a limit of bytes and of time. Beyond either nothing more is read. */
export function readBody(
  request: IncomingMessage,
  limits: { maxBytes: number; timeoutMs: number; budget?: BodyBudget },
): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytesSeen = 0;
    const finish = (body: Body): void => {
      clearTimeout(timer);
      limits.budget?.giveBack(bytesSeen);
      request.off('data', onData).off('end', onEnd).off('close', onGone);
      if (body.kind !== 'read') request.pause();
      resolve(body);
    };
    const onData = (chunk: Buffer): void => {
      bytesSeen += chunk.length;
      const fits = limits.budget?.take(chunk.length) ?? true;
      if (bytesSeen > limits.maxBytes) finish({ kind: 'tooLarge', bytesSeen });
      else if (!fits) finish({ kind: 'tooBusy', bytesSeen });
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      const [only] = chunks;
      finish({
        kind: 'read',
        bytes: only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytesSeen),
      });
    };
    const onGone = (): void => finish({ kind: 'gone', bytesSeen });
    const timer = setTimeout(() => finish({ kind: 'tooSlow', bytesSeen }), limits.timeoutMs);
    request.on('data', onData).on('end', onEnd).on('close', onGone);
    // Ends in `close`, which is listened to.
    request.on('error', () => undefined);
  });
}
