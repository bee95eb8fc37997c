import { shop } from '../support/accounts.ts';
import { answerParent } from '../support/answer-parent.ts';
import { HttpLane } from '../support/http-lane.ts';
import { closedLoop, type LoadResult, openLoop } from '../support/load.ts';
import { OrderWebhooks, signedRequest } from '../support/order-webhooks.ts';

// Sends signed webhooks. All of them are rendered and signed before the clock starts.

const webhooks = new OrderWebhooks({ seed: 11, shopDomain: shop.domain });
const prepared = new Map<string, Buffer[]>();

answerParent({
  prepare: ({ name, count }: { name: string; count: number }): { medianBytes: number } => {
    const requests = Array.from({ length: count }, () => signedRequest(webhooks.next(), shop));
    prepared.set(name, requests);
    const sizes = requests.map((request) => request.length).sort((a, b) => a - b);
    return { medianBytes: sizes[Math.floor(sizes.length / 2)] ?? 0 };
  },

  open: ({ port, name, perSecond }: { port: number; name: string; perSecond: number }): Promise<LoadResult> =>
    withLanes(port, 64, (lanes) => openLoop({ lanes, requests: prepared.get(name) ?? [], perSecond })),

  closed: ({
    port,
    name,
    concurrent,
    forMs,
  }: {
    port: number;
    name: string;
    concurrent: number;
    forMs: number;
  }): Promise<LoadResult> => {
    const requests = prepared.get(name) ?? [];
    let next = 0;
    return withLanes(port, concurrent, (lanes) =>
      closedLoop({ lanes, next: () => requests[next++] ?? null, forMs }),
    );
  },
});

async function withLanes<T>(
  port: number,
  count: number,
  work: (lanes: HttpLane[]) => Promise<T>,
): Promise<T> {
  const lanes = await HttpLane.openMany(port, count);
  try {
    return await work(lanes);
  } finally {
    for (const lane of lanes) lane.close();
  }
}
