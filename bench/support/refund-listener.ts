import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { apiKey } from './accounts.ts';

const query = `subscription {
  refundCreated { refund { id total { amount currencyCode } lines { quantity subtotal { amount } tax { amount } } order { number } } }
}`;

/** Somebody who wants to hear of refunds; notes when each one arrived, in ms since 1970. */
export class RefundListener implements AsyncDisposable {
  /** By the graph's id. */
  readonly arrivals = new Map<string, number>();
  readonly #client: ReturnType<typeof createClient>;

  static async open(url: string): Promise<RefundListener> {
    const client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${apiKey.key}` },
      lazy: false,
    });
    const listener = new RefundListener(client);
    await new Promise<void>((resolve, reject) => {
      client.on('connected', () => resolve());
      client.on('error', reject);
    });
    return listener;
  }

  private constructor(client: ReturnType<typeof createClient>) {
    this.#client = client;
    client.subscribe<{ refundCreated: { refund: { id: string } } }>(
      { query },
      {
        next: ({ data }) => {
          const refund = data?.refundCreated.refund;
          if (refund === undefined) return;
          const [, id = ''] = Buffer.from(refund.id, 'base64').toString('utf8').split(':');
          this.arrivals.set(id, Date.now());
        },
        error: () => undefined,
        complete: () => undefined,
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.dispose();
  }
}
