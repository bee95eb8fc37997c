import { isDeepStrictEqual } from 'node:util';
import { apiKey } from '../support/accounts.ts';
import { answerParent } from '../support/answer-parent.ts';
import { HttpLane, httpRequest } from '../support/http-lane.ts';
import { closedLoop, type LoadResult } from '../support/load.ts';
import { type ReadQuery, readQueries } from '../support/read-queries.ts';

// Asks the API and the bare server the same questions about the same rows.

export interface ReadTarget {
  kind: 'graphql' | 'raw';
  port: number;
}

const lanes = new Map<number, HttpLane[]>();

answerParent({
  /** How many of some questions are answered differently by the two; with an example of each answer. */
  compare: async ({ graphql, raw, questions }: { graphql: number; raw: number; questions: number }) => {
    const differences: { name: string; graphql: string; raw: string }[] = [];
    for (const query of readQueries) {
      for (let number = 0; number < questions; number += 1) {
        const answers = await Promise.all([
          ask({ kind: 'graphql', port: graphql }, query, number * 37),
          ask({ kind: 'raw', port: raw }, query, number * 37),
        ]);
        const [own, bare] = answers.map((text) => parse(text)) as [unknown, unknown];
        if (isDeepStrictEqual(own, bare)) continue;
        differences.push({
          name: query.name,
          graphql: answers[0].slice(0, 1500),
          raw: answers[1].slice(0, 1500),
        });
      }
    }
    return differences;
  },

  run: async ({
    target,
    name,
    concurrent,
    forMs,
  }: {
    target: ReadTarget;
    name: string;
    concurrent: number;
    forMs: number;
  }): Promise<LoadResult> => {
    const query = readQueries.find((one) => one.name === name);
    if (query === undefined) throw new Error(`no query ${name}`);
    // Rendered before the clock starts, and asked again and again in the same order.
    const requests = Array.from({ length: 500 }, (_, index) => render(target, query, index * 101));
    let next = 0;
    return closedLoop({
      lanes: await lanesTo(target.port, concurrent),
      next: () => requests[next++ % requests.length] ?? null,
      forMs,
    });
  },
});

async function ask(target: ReadTarget, query: ReadQuery, number: number): Promise<string> {
  const [lane] = await lanesTo(target.port, 1);
  if (lane === undefined) throw new Error('no lane');
  await lane.send(render(target, query, number));
  return lane.body;
}

function render({ kind }: ReadTarget, query: ReadQuery, number: number): Buffer {
  const variables = query.variables(number);
  return httpRequest({
    method: 'POST',
    path: kind === 'graphql' ? '/graphql' : `/${query.name}`,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(kind === 'graphql' ? { authorization: `Bearer ${apiKey.key}` } : {}),
    },
    body: Buffer.from(JSON.stringify(kind === 'graphql' ? { query: query.query, variables } : variables)),
  });
}

async function lanesTo(port: number, count: number): Promise<HttpLane[]> {
  const known = lanes.get(port) ?? [];
  if (known.length < count) known.push(...(await HttpLane.openMany(port, count - known.length)));
  lanes.set(port, known);
  return known.slice(0, count);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
