import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerParent } from '../support/answer-parent.ts';

// The same bytes to every socket with nothing else to do: what broadcasting costs at least with `ws`.

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

answerParent({
  listen: async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  broadcast: async ({ text, times }: { text: string; times: number }) => {
    const bytes = Buffer.from(text);
    for (let time = 0; time < times; time += 1) {
      for (const socket of sockets.clients as Set<WebSocket>) socket.send(bytes, { binary: false });
      // Lets what was written leave, as a server that has other things to do would.
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
});
