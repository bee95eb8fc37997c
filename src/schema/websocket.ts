import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import { CloseCode, type SubscribePayload, type Context as WsContext } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { Audiences } from './audiences.ts';
import { isSameOrigin, type KeyRing, keyOf } from './authenticate.ts';
import type { Crowd, Subscriber } from './crowd.ts';
import { type Documents, isSubscription, type Operation } from './documents.ts';
import { KeyWatch } from './key-watch.ts';
import type { Limits } from './limits.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Actor } from './scopes.ts';
import type { OperationContext } from './services.ts';
import type { EventSource } from './subscriptions/event-source.ts';

export interface WebSocketOptions {
  schema: GraphQLSchema;
  documents: Documents;
  crowd: Crowd;
  keys: KeyRing;
  rates: RateLimiter;
  limits: Limits;
  allowedOrigins: readonly string[];
  log: Log;
  contextOf: (actor: Actor) => OperationContext;
  conceal: (result: ExecutionResult) => ExecutionResult;
  checkCost: (operation: Operation, context: OperationContext) => GraphQLError | null;
}

interface SocketState {
  actor: Actor;
  /** Nobody looks after its key any more. */
  unwatch: () => void;
}

type SocketExtra = Extra & { state?: SocketState };

/** Carries an operation from `onSubscribe` to `execute` and `subscribe`. */
interface Carried {
  context: OperationContext;
  operation: Operation;
  socket: WebSocket;
  id: string;
}

const path = '/graphql';
/** No code of the protocol says so; in the range that is free for applications. */
const tooManySockets = 4429;

/** Serves graphql-transport-ws on the upgrade requests of a server. */
export function attachWebSocket(server: Server, options: WebSocketOptions): AsyncDisposable {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: options.limits.bodyBytes,
    handleProtocols: (protocols) => (protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false),
  });
  const unproven = new Set<WebSocket>();
  const audiences = new Audiences(options.limits.audiencesPerKey);
  const watch = new KeyWatch({ ...options, everyMs: options.limits.keyRecheckSeconds * 1_000 });
  const served = useServer<Record<string, unknown> | undefined, { state?: SocketState }>(
    {
      connectionInitWaitTimeout: 5_000,
      onConnect: async (ctx) => {
        const extra = ctx.extra as SocketExtra;
        const key = keyFromParameters(ctx.connectionParams) ?? keyOf(extra.request.headers.authorization);
        const actor = await options.keys.actorOf(extra.request, key);
        if (actor === null) {
          extra.socket.close(CloseCode.Unauthorized, 'Unauthorized: a valid API key is needed');
          return false;
        }
        if (watch.count(key) >= options.limits.socketsPerKey) {
          extra.socket.close(tooManySockets, 'Too many sockets are open with this key');
          return false;
        }
        // While the key was looked up, the socket may have closed: then nobody would forget it.
        if (extra.socket.readyState !== extra.socket.OPEN) return false;
        const close = (): void => extra.socket.close(CloseCode.Forbidden, 'This key was withdrawn');
        unproven.delete(extra.socket);
        extra.state = { actor, unwatch: watch.watch(key, { actor, close }) };
        return true;
      },
      onClose: (ctx) => (ctx.extra as SocketExtra).state?.unwatch(),
      onSubscribe: (ctx, id, payload) => prepare(ctx as WsContext<never, SocketExtra>, id, payload, options),
      execute: (args) => executeOnce(args, options),
      subscribe: (args) => joinCrowd(args, options, audiences),
    },
    sockets,
    20_000,
  );

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if ((request.url ?? '/').split('?', 1)[0] !== path) {
      refuse(socket, '404 Not Found');
      return;
    }
    if (!isSameOrigin(request) && !options.allowedOrigins.includes(request.headers.origin ?? '')) {
      refuse(socket, '403 Forbidden');
      return;
    }
    if (unproven.size >= options.limits.socketsUnproven) {
      refuse(socket, '503 Service Unavailable');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      unproven.add(webSocket);
      webSocket.once('close', () => unproven.delete(webSocket));
      webSocket.on('error', (error) => options.log.debug({ err: error }, 'socket failed'));
      sockets.emit('connection', webSocket, request);
    });
  };
  server.on('upgrade', onUpgrade);

  return {
    [Symbol.asyncDispose]: async () => {
      server.off('upgrade', onUpgrade);
      options.crowd.close();
      await served.dispose();
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
}

/** Checks an operation and makes its context; errors go to the client as its answer. */
function prepare(
  ctx: WsContext<never, SocketExtra>,
  id: string,
  payload: SubscribePayload,
  options: WebSocketOptions,
): ExecutionArgs | readonly GraphQLError[] {
  const { state, socket } = ctx.extra;
  if (state === undefined) return [coded('UNAUTHENTICATED', 'A valid API key is needed.')];
  const retryAfter = options.rates.take(state.actor.name, Date.now());
  if (retryAfter > 0) {
    const message = `Too many requests with this key; try again in ${retryAfter} s.`;
    return [coded('RATE_LIMITED', message, { retryAfterSeconds: retryAfter })];
  }
  if (Object.keys(ctx.subscriptions).length > options.limits.subscriptionsPerSocket) {
    return [
      coded(
        'TOO_MANY_SUBSCRIPTIONS',
        `At most ${options.limits.subscriptionsPerSocket} at a time per socket.`,
      ),
    ];
  }
  try {
    const prepared = options.documents.prepare(payload.query);
    if (prepared.errors.length > 0) return concealed([...prepared.errors], options);
    const context = options.contextOf(state.actor);
    const operation: Operation = {
      prepared,
      operationName: payload.operationName ?? null,
      variables: payload.variables ?? {},
    };
    const tooCostly = options.checkCost(operation, context);
    if (tooCostly !== null) return [tooCostly];
    const carried: Carried = { context, operation, socket, id };
    return {
      schema: options.schema,
      document: prepared.document,
      operationName: operation.operationName,
      variableValues: operation.variables,
      contextValue: carried,
    };
  } catch (error) {
    return concealed([error instanceof GraphQLError ? error : new GraphQLError(String(error))], options);
  }
}

async function executeOnce(args: ExecutionArgs, options: WebSocketOptions): Promise<ExecutionResult> {
  const { context, operation } = args.contextValue as Carried;
  if (isSubscription(operation.prepared.document, operation.operationName)) {
    return { errors: [coded('BAD_USER_INPUT', 'A subscription has to be subscribed to.')] };
  }
  return options.conceal(await options.documents.execute(operation, undefined, context));
}

/**
 * Joins the crowd of those who see the same. Results are written to the socket directly; the iterator that graphql-ws
 * gets yields nothing and only tells it when the subscription has ended.
 */
async function joinCrowd(
  args: ExecutionArgs,
  options: WebSocketOptions,
  audiences: Audiences,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>> {
  const { context, operation, socket, id } = args.contextValue as Carried;
  let wanted: { source: EventSource; after: bigint | undefined } | undefined;
  // The field itself reads its arguments and checks its scopes; what it would deliver alone is delivered by the crowd.
  const probe: OperationContext = {
    ...context,
    deliver: (source, after) => {
      wanted = { source, after };
      return nothing();
    },
  };
  const stream = await createSourceEventStream({ ...args, contextValue: probe });
  if (!(Symbol.asyncIterator in stream)) return options.conceal(stream);
  if (wanted === undefined) throw new Error('a subscription delivered nothing');

  const key = audienceKey(context.actor, operation);
  const leaveAudience = audiences.enter(context.actor.name, key);
  if (leaveAudience === null)
    return {
      errors: [
        coded(
          'TOO_MANY_SUBSCRIPTIONS',
          `At most ${options.limits.audiencesPerKey} different subscriptions at a time with one key.`,
        ),
      ],
    };
  const ended = Promise.withResolvers<IteratorResult<never>>();
  let hasEnded = false;
  const end = (): void => {
    if (!hasEnded) leaveAudience();
    hasEnded = true;
    ended.resolve({ done: true, value: undefined });
  };
  const joined = options.crowd.join(
    {
      key,
      operation,
      source: wanted.source,
      context: () => options.contextOf(context.actor),
      conceal: options.conceal,
    },
    wanted.after,
    subscriberOf(socket, id, options, end),
  );
  const leave = await joined.catch((error: unknown) => {
    end();
    throw error;
  });
  // It may have closed meanwhile, and nobody would end this then.
  if (socket.readyState !== socket.OPEN) {
    leave();
    end();
  }
  const iterator = {
    next: () => ended.promise,
    return: () => {
      leave();
      end();
      return ended.promise;
    },
    throw: () => {
      leave();
      end();
      return ended.promise;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => {
      leave();
      end();
    },
  };
  return iterator as AsyncGenerator<never>;
}

function subscriberOf(socket: WebSocket, id: string, options: WebSocketOptions, end: () => void): Subscriber {
  const before = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  const most = options.limits.socketBufferBytes;
  const subscriber: Subscriber = {
    send: (result) => {
      if (socket.readyState !== socket.OPEN) return false;
      if (socket.bufferedAmount > most) {
        socket.close(1013, 'Too slow: resume with the last cursor');
        // A socket that takes nothing does not take the closing frame either.
        setTimeout(() => socket.terminate(), 5_000).unref();
        return false;
      }
      const frame = Buffer.allocUnsafe(before.length + result.length + 1);
      before.copy(frame);
      result.copy(frame, before.length);
      frame[frame.length - 1] = 0x7d;
      socket.send(frame, { binary: false });
      return true;
    },
    drained: async () => {
      while (socket.readyState === socket.OPEN && socket.bufferedAmount > most / 4) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    end: (error) => {
      if (error instanceof AppError) {
        // Made for callers: coming back with the same cursor would end in the same way.
        const told = new GraphQLError(error.publicMessage, { originalError: error });
        subscriber.send(Buffer.from(JSON.stringify({ errors: concealed([told], options) })));
        return end();
      }
      // Clients resume from their cursor on a new socket; an ended stream without a word would look complete.
      if (error !== undefined) socket.close(CloseCode.InternalServerError, 'Internal server error');
      end();
    },
  };
  return subscriber;
}

/** `after` tells one subscriber from another and nothing of what is shown: it is no part of the key. */
function audienceKey(actor: Actor, operation: Operation): string {
  const { prepared, operationName, variables } = operation;
  const cursors = cursorVariables(prepared.text);
  const shown = Object.entries(variables)
    .filter(([name]) => !cursors.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([[...actor.scopes].sort(), prepared.text, operationName, shown]);
}

/** Variables that stand nowhere but behind `after:`. */
function cursorVariables(text: string): Set<string> {
  const all = [...text.matchAll(/\$(\w+)/g)].map((match) => match[1] ?? '');
  const behindAfter = [...text.matchAll(/\bafter\s*:\s*\$(\w+)/g)].map((match) => match[1] ?? '');
  // Declared once, used once.
  return new Set(behindAfter.filter((name) => all.filter((other) => other === name).length === 2));
}

function keyFromParameters(parameters: Readonly<Record<string, unknown>> | undefined): string | null {
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (/^(authorization|apikey)$/i.test(name)) return keyOf(value);
  }
  return null;
}

function concealed(errors: GraphQLError[], options: WebSocketOptions): readonly GraphQLError[] {
  return options.conceal({ errors }).errors ?? errors;
}

function coded(code: string, message: string, more: Record<string, unknown> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...more } });
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function nothing(): AsyncIterableIterator<never> {
  return {
    next: async () => ({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
