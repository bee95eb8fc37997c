import type { Pool, Queryable } from '../db/pool.ts';
import type { Prisma } from '../db/prisma.ts';
import type { Log } from '../log.ts';
import type { EventType, StoredEvent } from '../model/event.ts';
import type { PlatformName } from '../model/platform-name.ts';
import type { Platform, Session } from '../sync/platforms/platform.ts';
import type { ExampleTab } from './examples.ts';
import type { Limits } from './limits.ts';
import type { Actor, Scope } from './scopes.ts';
import type { EventSource } from './subscriptions/event-source.ts';

/** What the API needs of the rest. */
export interface GraphQLServices {
  pool: Pool;
  prisma: Prisma;
  events: Events;
  platforms: Partial<Record<PlatformName, Platform>>;
  /** A conversation with an account, where an answer needs one. */
  session?: (connectionId: bigint) => Promise<Session<unknown>>;
  log: Log;
  /** Keys from the configuration, beside those of the database. */
  apiKeys: readonly { name: string; key: string; scopes: readonly string[] }[];
  /** What callers without a key may do when they come from this machine; null: nothing. */
  anonymousScopes?: readonly Scope[] | null;
  /** Origins of web pages that may call with a key of their own, for example `https://dashboard.example`. */
  allowedOrigins?: readonly string[];
  graphiql: boolean;
  introspection: boolean;
  exampleTabs?: readonly ExampleTab[];
  limits?: Partial<Limits>;
}

/** The part of the event stream that the API reads. */
export interface Events {
  head(): Promise<bigint>;
  subscribe(options: {
    after?: bigint;
    types?: readonly EventType[];
    where?: (event: StoredEvent) => boolean;
    signal?: AbortSignal;
  }): AsyncIterableIterator<StoredEvent>;
}

/** One operation's context: fresh loaders, one actor. */
export interface OperationContext {
  services: GraphQLServices;
  db: Queryable;
  actor: Actor;
  limits: Limits;
  /** How a subscription reaches its subscriber: alone, or as one of a crowd. */
  deliver: (source: EventSource, after: bigint | undefined) => AsyncIterableIterator<StoredEvent>;
}
