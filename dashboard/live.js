import { createClient } from '/assets/graphql-ws/client.js';

/*
 * The page knows nothing but the GraphQL API: it reads what is there once and then lives on subscriptions. Reads and
 * subscriptions share one socket, which is opened again for as long as it takes.
 */

export const keyNeeded = 'An API key is needed.';

const longestPauseMs = 10_000;
/** Trying again changes nothing about these. */
const lasting = new Set([
  'BAD_USER_INPUT',
  'FORBIDDEN',
  'GRAPHQL_VALIDATION_FAILED',
  'TOO_COMPLEX',
  'TOO_MANY_SUBSCRIPTIONS',
  'UNAUTHENTICATED',
]);

/** @param {{ key: string | null, onState: (state: 'live' | 'lost' | 'refused') => void }} options */
export function connect({ key, onState }) {
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: key === null ? {} : { authorization: `Bearer ${key}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => !isRefusal(event),
    retryWait: (retries) =>
      new Promise((resolve) =>
        setTimeout(resolve, Math.min(longestPauseMs, 500 * 2 ** retries) * (0.5 + Math.random())),
      ),
    on: {
      connected: () => onState('live'),
      closed: (event) => onState(isRefusal(event) ? 'refused' : 'lost'),
    },
  });

  return {
    /** The data of a query or mutation, asked again where too much was asked for. @throws Error with the first thing that is wrong */
    ask(query, variables = {}) {
      return new Promise((resolve, reject) => {
        const attempt = () => {
          let result = null;
          client.subscribe(
            { query, variables },
            {
              next: (answer) => {
                result = answer;
              },
              error: (problem) =>
                isCalledTooOften(problem) ? later(attempt, problem) : reject(errorOf(problem)),
              complete: () =>
                result?.errors ? reject(errorOf(result.errors)) : resolve(result?.data ?? null),
            },
          );
        };
        attempt();
      });
    },

    /**
     * Hears every payload of a subscription that takes `after`, from a cursor on. After a broken connection the client
     * sends the same variables again: they always hold the last cursor seen, so that nothing is missed and nothing comes twice.
     */
    follow({ query, field, after, onPayload, onProblem }) {
      const variables = { after };
      const subscribe = () =>
        client.subscribe(
          { query, variables },
          {
            next: ({ data, errors }) => {
              if (errors) onProblem(errorOf(errors));
              if (!data) return;
              variables.after = data[field].cursor;
              onPayload(data[field]);
            },
            error: (problem) => {
              // Away for longer than events are kept: what was missed is read, and not guessed.
              if (codeOf(problem) === 'CURSOR_EXPIRED') location.reload();
              // A page that no longer listens must not look as if it did.
              else if (isPassing(problem)) later(subscribe, problem);
              else onProblem(errorOf(problem));
            },
            complete: subscribe,
          },
        );
      subscribe();
    },
  };
}

function errorOf(problem) {
  const first = Array.isArray(problem) ? problem[0] : problem;
  return new Error(isRefusal(first) ? keyNeeded : (first?.message ?? 'Something went wrong.'));
}

function codeOf(problem) {
  return Array.isArray(problem)
    ? problem.find(({ extensions }) => extensions?.code)?.extensions.code
    : undefined;
}

function isCalledTooOften(problem) {
  return codeOf(problem) === 'RATE_LIMITED';
}

/** Whether the server may take the same subscription after a while. */
function isPassing(problem) {
  return Array.isArray(problem) && !lasting.has(codeOf(problem));
}

/** When the server has said, else after a while; not all of a page's questions at the same moment. */
function later(attempt, problem) {
  const seconds = problem[0]?.extensions?.retryAfterSeconds ?? 2;
  setTimeout(attempt, 1_000 * seconds * (1 + Math.random()));
}

/** The server has closed the socket because of the key: trying again would change nothing. */
function isRefusal(event) {
  return event instanceof CloseEvent && [4401, 4403].includes(event.code);
}
