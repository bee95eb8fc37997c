import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { nowMs } from './clock.ts';

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/**
 * The reading end of a WebSocket with as little as possible behind it: frames are counted by their headers, payloads
 * are not decoded. On a machine shared with the server, a full client would cost more than what is measured.
 */
export class SocketClient {
  readonly #socket: Socket;
  readonly #onText: (payload: Buffer, atMs: number) => void;
  #buffered: Buffer = Buffer.alloc(0);
  closed: string | null = null;

  /** Resolves when the server has agreed to speak WebSocket. */
  static open(options: {
    port: number;
    path: string;
    protocol: string | null;
    onText: (payload: Buffer, atMs: number) => void;
  }): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
      const lines = [
        `GET ${options.path} HTTP/1.1`,
        `host: 127.0.0.1:${options.port}`,
        'connection: Upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
        ...(options.protocol === null ? [] : [`sec-websocket-protocol: ${options.protocol}`]),
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      socket.once('error', reject);
      let head = Buffer.alloc(0);
      const onHead = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.removeListener('data', onHead);
        socket.removeListener('error', reject);
        if (!head.subarray(0, 12).toString('latin1').endsWith('101')) {
          socket.destroy();
          reject(new Error(`no WebSocket: ${head.toString('latin1').slice(0, 300)}`));
          return;
        }
        const client = new SocketClient(socket, options.onText);
        client.#received(head.subarray(end + 4));
        resolve(client);
      };
      socket.on('data', onHead);
    });
  }

  private constructor(socket: Socket, onText: (payload: Buffer, atMs: number) => void) {
    this.#socket = socket;
    this.#onText = onText;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => {
      this.closed ??= error.message;
    });
    socket.on('close', () => {
      this.closed ??= 'the server closed the connection';
    });
  }

  send(text: string): void {
    this.#write(opcodes.text, Buffer.from(text));
  }

  close(): void {
    this.closed ??= 'closed here';
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    const data = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const atMs = nowMs();
    let offset = 0;
    for (;;) {
      const size = frameSize(data, offset);
      if (size === null || offset + size.header + size.payload > data.length) break;
      const start = offset + size.header;
      this.#frame((data[offset] ?? 0) & 0x0f, data.subarray(start, start + size.payload), atMs);
      offset = start + size.payload;
    }
    this.#buffered = offset === data.length ? Buffer.alloc(0) : data.subarray(offset);
  }

  #frame(opcode: number, payload: Buffer, atMs: number): void {
    if (opcode === opcodes.text) this.#onText(payload, atMs);
    else if (opcode === opcodes.ping) this.#write(opcodes.pong, payload);
    else if (opcode === opcodes.close)
      this.closed ??= `closed by the server: ${payload.subarray(2).toString('utf8')}`;
  }

  /** What a client sends is masked; a mask of zeros leaves the bytes as they are. */
  #write(opcode: number, payload: Buffer): void {
    const length =
      payload.length < 126
        ? Buffer.from([0x80 | payload.length])
        : Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 0xff]);
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode]), length, Buffer.alloc(4), payload]));
  }
}

/** Servers send frames unmasked. */
function frameSize(data: Buffer, offset: number): { header: number; payload: number } | null {
  const available = data.length - offset;
  if (available < 2) return null;
  const short = (data[offset + 1] ?? 0) & 0x7f;
  if (short < 126) return { header: 2, payload: short };
  if (short === 126) return available < 4 ? null : { header: 4, payload: data.readUInt16BE(offset + 2) };
  return available < 10 ? null : { header: 10, payload: Number(data.readBigUInt64BE(offset + 2)) };
}
