import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { StoredEvent } from '../model/event.ts';
import { KeyRing, keyOf } from './authenticate.ts';
import { Crowd } from './crowd.ts';
import { Documents, type Operation, type Prepared } from './documents.ts';
import { exampleTabs } from './examples.ts';
import { publicError, tooComplex } from './failures.ts';
import { GraphiqlPage } from './graphiql.ts';
import { refuseInputs } from './inputs.ts';
import { KeyWatch } from './key-watch.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { refuseVariables } from './plain-text.ts';
import { RateLimiter } from './rate-limit.ts';
import { refuseCursors } from './row-cursors.ts';
import { buildSchema } from './schema.ts';
import type { Actor } from './scopes.ts';
import type { GraphQLServices, OperationContext } from './services.ts';
import { deliverAlone } from './subscriptions/event-source.ts';
import { attachWebSocket } from './websocket.ts';

export interface GraphQLServer {
  schema: GraphQLSchema;
  /** Answers a request for /graphql: POST, GET, SSE, and GraphiQL for browsers. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Serves graphql-transport-ws at /graphql of that server, until disposed. */
  attachWebSocket(server: Server): AsyncDisposable;
  /** How many are subscribed over WebSocket, in how many groups of equals. */
  audience(): { groups: number; subscribers: number };
}

/** What an operation over HTTP knows beside the usual. */
type HttpContext = OperationContext & { isStream: boolean; charge: RequestContext['charge'] };

/** What Yoga is handed with each request. */
interface RequestContext {
  actor: Actor;
  /** Whether it asked for a stream of events, which is counted and ends with its key. */
  streams: boolean;
  /** Of several operations in one request each counts as one; the first is counted with the request. */
  charge: () => GraphQLError | null;
}

/** The API over HTTP and WebSocket, with one schema, one context and one set of limits. */
export function createGraphQL(services: GraphQLServices): GraphQLServer {
  const limits: Limits = { ...defaultLimits, ...services.limits };
  const schema = buildSchema();
  const documents = new Documents({ schema, limits, introspection: services.introspection });
  const keys = new KeyRing(services);
  const rates = new RateLimiter({ perSecond: limits.requestsPerSecond, burst: limits.burst });
  const streams = new KeyWatch({ keys, log: services.log, everyMs: limits.keyRecheckSeconds * 1_000 });
  const crowd = new Crowd({ documents, log: services.log });
  const page = services.graphiql ? new GraphiqlPage(services.exampleTabs ?? exampleTabs) : null;
  const allowedOrigins = services.allowedOrigins ?? [];

  const contextOf = (actor: Actor): OperationContext => ({
    services,
    db: services.pool,
    actor,
    limits,
    deliver: (source, after) => deliverAlone(() => contextOf(actor), source, after),
  });
  const conceal = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined
      ? result
      : { ...result, errors: result.errors.map((error) => maskError(error, services)) };
  const checkCost = costChecker(schema, limits);

  /** One plain query that one statement answers needs nothing of Yoga; null: everything else. */
  const answerAtOnce = async (
    request: IncomingMessage,
    body: Buffer,
    actor: Actor,
  ): Promise<string | null> => {
    if (!takesPlainJson(request) || request.headers.origin !== undefined) return null;
    const asked = plainRequest(body);
    if (asked === null) return null;
    let prepared: Prepared;
    try {
      prepared = documents.prepare(asked.query);
    } catch {
      return null;
    }
    if (prepared.errors.length > 0) return null;
    const operation: Operation = {
      prepared,
      operationName: asked.operationName ?? null,
      variables: asked.variables ?? {},
    };
    const context = contextOf(actor);
    return checkCost(operation, context) === null ? documents.answer(operation, context) : null;
  };

  const yoga = createYoga<RequestContext, HttpContext>({
    schema,
    graphqlEndpoint: '/graphql',
    // The body is read, and its size limited, before Yoga sees the request: its own limit costs much per request.
    maxRequestBodySize: false,
    multipart: false,
    batching: { limit: limits.batch },
    graphiql: false,
    landingPage: false,
    logging: false,
    parserAndValidationCache: false,
    cors:
      allowedOrigins.length === 0
        ? false
        : {
            origin: [...allowedOrigins],
            credentials: false,
            allowedHeaders: ['authorization', 'content-type'],
            methods: ['POST', 'GET', 'OPTIONS'],
            maxAge: 600,
          },
    maskedErrors: { maskError: (error) => maskError(error, services) },
    context: ({ actor, streams: isStream, charge }) => ({ ...contextOf(actor), isStream, charge }),
    plugins: [usePrepared(documents, checkCost)],
  });

  return {
    schema,
    audience: () => crowd.size,
    attachWebSocket: (server) =>
      attachWebSocket(server, {
        schema,
        documents,
        crowd,
        keys,
        rates,
        limits,
        allowedOrigins,
        log: services.log,
        contextOf,
        conceal,
        checkCost,
      }),
    async handle(request, response) {
      if (request.method === 'OPTIONS') {
        await yoga.handle(request, response, { actor: nobody, streams: false, charge: () => null });
        return;
      }
      if (page !== null && wantsPage(request)) {
        await sendPage(page, request, response);
        return;
      }
      // With a query in the address somebody wants its answer.
      if (page === null && wantsPage(request) && !(request.url ?? '').includes('?')) {
        refuse(response, 404, 'NOT_FOUND', 'GraphiQL is switched off here; GRAPHIQL=true switches it on.');
        return;
      }
      const actor = await keys.actorOf(request);
      if (actor === null) {
        refuse(response, 401, 'UNAUTHENTICATED', 'Send an API key: Authorization: Bearer tb_…', {
          'www-authenticate': 'Bearer realm="tributary"',
        });
        return;
      }
      const retryAfter = rates.take(actor.name, Date.now());
      if (retryAfter > 0) {
        refuse(
          response,
          429,
          'RATE_LIMITED',
          `Too many requests with this key; try again in ${retryAfter} s.`,
          { 'retry-after': String(retryAfter) },
          { retryAfterSeconds: retryAfter },
        );
        return;
      }
      if (request.method === 'POST') {
        // Forms of other sites can send everything but JSON without asking first.
        if (!/^application\/(graphql\+)?json\b/i.test(request.headers['content-type'] ?? '')) {
          refuse(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'Send JSON: Content-Type: application/json');
          return;
        }
        const body = await readBody(request, limits.bodyBytes);
        if (body === null) {
          refuse(response, 413, 'TOO_LARGE', `A request holds at most ${limits.bodyBytes} bytes.`, {
            connection: 'close',
          });
          return;
        }
        const answer = await answerAtOnce(request, body, actor);
        if (answer !== null) {
          sendAnswer(request, response, answer);
          return;
        }
        Object.assign(request, { body });
      }
      const garbled = request.method === 'GET' ? garbledParameter(request.url ?? '/') : null;
      if (garbled !== null) {
        refuse(response, 400, 'BAD_REQUEST', `The parameter "${garbled}" must be a JSON object.`);
        return;
      }
      if (wantsStream(request)) {
        const key = keyOf(request.headers.authorization);
        if (streams.count(key) >= limits.streamsPerKey) {
          refuse(
            response,
            429,
            'TOO_MANY_STREAMS',
            `At most ${limits.streamsPerKey} event streams are open at a time with one key; many subscriptions fit on one WebSocket.`,
            { 'retry-after': '10' },
          );
          return;
        }
        response.once('close', streams.watch(key, { actor, close: () => response.destroy() }));
      }
      let operations = 0;
      await yoga.handle(request, response, {
        actor,
        streams: wantsStream(request),
        charge: () => {
          operations += 1;
          const seconds = operations === 1 ? 0 : rates.take(actor.name, Date.now());
          return seconds === 0 ? null : tooMany(seconds);
        },
      });
    },
  };
}

const nobody: Actor = { name: 'nobody', scopes: new Set() };

/** Parsing, checking and running by our own cache of documents, for all that comes through Yoga. */
function usePrepared(
  documents: Documents,
  checkCost: (operation: Operation, context: OperationContext) => GraphQLError | null,
): Plugin<HttpContext> {
  const operationOf = (args: ExecutionArgs): Operation => {
    const prepared = documents.preparedOf(args.document);
    if (prepared === undefined) throw new Error('a document was not prepared');
    return {
      prepared,
      operationName: args.operationName ?? null,
      variables: (args.variableValues ?? {}) as Record<string, unknown>,
    };
  };
  return {
    onParse({ setParseFn }) {
      setParseFn((source: unknown) => documents.prepare(String(source)).document);
    },
    onValidate({ setValidationFn }) {
      setValidationFn((_schema, document) => [...(documents.preparedOf(document)?.errors ?? [])]);
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const operation = operationOf(args);
        const context = args.contextValue as HttpContext;
        const refusal = context.charge() ?? checkCost(operation, context);
        return refusal === null
          ? documents.execute(operation, args.rootValue, context)
          : { errors: [refusal] };
      });
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(async (args: ExecutionArgs) => {
        const operation = operationOf(args);
        const context = args.contextValue as HttpContext;
        const refusal = context.isStream ? checkCost(operation, context) : noStream();
        if (refusal !== null) return { errors: [refusal] };
        const stream = await createSourceEventStream(args);
        if (!(Symbol.asyncIterator in stream)) return stream;
        return rendered(stream as AsyncIterable<StoredEvent>, (event) =>
          // A copy is a context of its own: loaders are kept per context, and must not outlive an event.
          documents.execute(operation, event, { ...context }),
        );
      });
    },
  };
}

function tooMany(seconds: number): GraphQLError {
  return new GraphQLError(`Too many requests with this key; try again in ${seconds} s.`, {
    extensions: { code: 'RATE_LIMITED' },
  });
}

/** Yoga would stream in whatever form the client takes; only what is asked for as a stream is counted and ends with its key. */
function noStream(): GraphQLError {
  return new GraphQLError(
    'A subscription is a stream: ask for it with Accept: text/event-stream, or over a WebSocket.',
    { extensions: { code: 'BAD_REQUEST' } },
  );
}

/** Not a generator: `return` of one waits for its pending `next`, which for a subscription may take for ever. */
function rendered(
  events: AsyncIterable<StoredEvent>,
  render: (event: StoredEvent) => ExecutionResult | Promise<ExecutionResult>,
): AsyncIterableIterator<ExecutionResult> {
  const source = events[Symbol.asyncIterator]();
  const results: AsyncIterableIterator<ExecutionResult> = {
    async next() {
      const result = await source.next();
      return result.done === true
        ? { done: true, value: undefined }
        : { done: false, value: await render(result.value) };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}

/** Whether its variables can be used at all, and its depth and cost, known before it runs. Costs are remembered per document and sizes of its pages. */
function costChecker(
  schema: GraphQLSchema,
  limits: Limits,
): (operation: Operation, context: OperationContext) => GraphQLError | null {
  const known = new WeakMap<object, Map<string, GraphQLError | null>>();
  return ({ prepared, operationName, variables }, context) => {
    const unusable =
      refuseVariables(variables) ??
      refuseCursors(prepared.rowCursors, variables) ??
      refuseInputs(prepared.inputs, variables);
    if (unusable !== null) return unusable;
    const ofDocument = known.get(prepared) ?? new Map<string, GraphQLError | null>();
    known.set(prepared, ofDocument);
    const key = `${operationName ?? ''} ${JSON.stringify(variables, sizesOnly)}`;
    const before = ofDocument.get(key);
    if (before !== undefined) return before;
    const refusal = refusalOf(schema, limits, { prepared, operationName, variables }, context);
    if (ofDocument.size >= 100) ofDocument.clear();
    ofDocument.set(key, refusal);
    return refusal;
  };
}

/** What an operation costs depends on numbers and on how many values a list holds, never on texts. */
function sizesOnly(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return '';
  return Array.isArray(value) ? value.length : value;
}

function refusalOf(
  schema: GraphQLSchema,
  limits: Limits,
  { prepared, operationName, variables }: Operation,
  context: OperationContext,
): GraphQLError | null {
  const asked = getOperationAST(prepared.document, operationName);
  // Nothing will run: the execution tells better what is wrong with the name, or with the variables.
  if (!asked) return null;
  if ('errors' in getVariableValues(schema, asked.variableDefinitions ?? [], variables)) return null;
  let cost: { depth: number; complexity: number };
  try {
    // It would measure the first operation of a document, whichever is asked for.
    const document = {
      ...prepared.document,
      definitions: [
        asked,
        ...prepared.document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION),
      ],
    };
    cost = complexityFromQuery(document, { schema, variables, ctx: context });
  } catch (error) {
    // What cannot be measured does not run, be it in a part that is skipped.
    return error instanceof GraphQLError
      ? error
      : tooComplex('What this operation may cost cannot be told; look at the arguments of its fields.');
  }
  if (cost.depth > limits.depth) {
    return tooComplex(`This operation is ${cost.depth} levels deep; ${limits.depth} are allowed.`);
  }
  if (cost.complexity > limits.complexity) {
    return tooComplex(
      `This operation may cost ${cost.complexity}; ${limits.complexity} is allowed. Ask for fewer fields or smaller pages.`,
    );
  }
  return null;
}

function maskError(error: unknown, services: GraphQLServices): GraphQLError {
  return publicError(error, (cause) => {
    const id = randomUUID();
    services.log.error({ err: cause, id }, 'a resolver failed');
    return id;
  });
}

interface PlainRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** A request with a query and nothing unusual; null: whoever is stricter has to look at it. */
function plainRequest(body: Buffer): PlainRequest | null {
  let asked: unknown;
  try {
    asked = JSON.parse(body.toString());
  } catch {
    return null;
  }
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return null;
  const { query, operationName, variables, ...rest } = asked as Record<string, unknown>;
  const plain =
    typeof query === 'string' &&
    (operationName === undefined || operationName === null || typeof operationName === 'string') &&
    (variables === undefined ||
      variables === null ||
      (typeof variables === 'object' && !Array.isArray(variables))) &&
    Object.keys(rest).length === 0;
  return plain ? (asked as PlainRequest) : null;
}

/** The parameter of a GET that should be a JSON object and is none. */
function garbledParameter(url: string): string | null {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  for (const name of ['variables', 'extensions']) {
    const text = query.get(name);
    if (text === null || text === '') continue;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== 'object' || Array.isArray(value)) return name;
    } catch {
      return name;
    }
  }
  return null;
}

const responseJson = 'application/graphql-response+json';

function takesPlainJson(request: IncomingMessage): boolean {
  const { accept } = request.headers;
  if (accept === undefined) return true;
  return !wantsStream(request) && /application\/(\*|json|graphql-response\+json)|\*\/\*/.test(accept);
}

function wantsStream(request: IncomingMessage): boolean {
  return /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
}

function sendAnswer(request: IncomingMessage, response: ServerResponse, data: string): void {
  const body = Buffer.from(`{"data":${data}}`);
  const type = request.headers.accept?.includes(responseJson) === true ? responseJson : 'application/json';
  response.writeHead(200, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function wantsPage(request: IncomingMessage): boolean {
  return request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '');
}

async function sendPage(
  page: GraphiqlPage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy':
      "default-src 'self'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: 'self'; font-src data: 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
  };
  if (/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    const body = await page.compressed();
    response.writeHead(200, { ...headers, 'content-encoding': 'gzip', 'content-length': body.length });
    response.end(body);
    return;
  }
  response.writeHead(200, headers);
  response.end(page.html());
}

/** The whole body; null as soon as it is too large. */
async function readBody(request: IncomingMessage, most: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > most) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return null;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
  more: Record<string, unknown> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(JSON.stringify({ errors: [{ message, extensions: { code, ...more } }] }));
}
