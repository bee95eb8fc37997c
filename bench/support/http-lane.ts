import { connect, type Socket } from 'node:net';

/**
 * One keep-alive connection that sends ready-made requests one after the other. It does next to nothing per request, so
 * that on a machine shared with the server the load costs little of what is measured.
 */
export class HttpLane {
  readonly #socket: Socket;
  #received = '';
  #waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | null = null;
  #lastBody = '';
  #closed: Error | null = null;

  static open(port: number): Promise<HttpLane> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
        socket.removeListener('error', reject);
        resolve(new HttpLane(socket));
      });
      socket.once('error', reject);
    });
  }

  static openMany(port: number, count: number): Promise<HttpLane[]> {
    return Promise.all(Array.from({ length: count }, () => HttpLane.open(port)));
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // Byte for byte: lengths are counted in bytes, and nothing here looks at characters beyond ASCII.
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#answerIfComplete();
    });
    const lost = (error?: Error): void => {
      this.#closed = error ?? new Error('the server closed the connection');
      this.#waiting?.reject(this.#closed);
      this.#waiting = null;
    };
    socket.on('error', lost);
    socket.on('close', () => lost());
  }

  /** Sends one request, whole, and gives the status of its answer. */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(this.#closed);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  /** Body of the latest answer. */
  get body(): string {
    return Buffer.from(this.#lastBody, 'latin1').toString('utf8');
  }

  close(): void {
    this.#socket.destroy();
  }

  #answerIfComplete(): void {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd).toLowerCase();
    const bodyStart = headEnd + 4;
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length !== undefined) {
      if (this.#received.length < bodyStart + Number(length)) return;
    } else if (head.includes('\r\ntransfer-encoding: chunked')) {
      if (!this.#received.endsWith('0\r\n\r\n')) return;
    }
    this.#lastBody = this.#received.slice(bodyStart);
    this.#received = '';
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(Number(head.slice(9, 12)));
  }
}

/** The bytes of a request. */
export function httpRequest(options: {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}): Buffer {
  const head = [
    `${options.method} ${options.path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${options.body.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), options.body]);
}
