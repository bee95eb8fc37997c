import type { ExecutionResult } from 'graphql';
import type { Log } from '../log.ts';
import type { StoredEvent } from '../model/event.ts';
import type { Documents, Operation } from './documents.ts';
import type { OperationContext } from './services.ts';
import { type EventSource, eventsOf } from './subscriptions/event-source.ts';

/** One subscription of one socket. */
export interface Subscriber {
  /** Sends one rendered result. @returns false when the socket is gone or was closed as too slow. */
  send(result: Buffer): boolean;
  /** Waits until the socket has taken most of what was sent; for catching up. */
  drained(): Promise<void>;
  /** The stream has ended or failed. */
  end(error?: unknown): void;
}

/** What subscribers must have in common to be shown the same. */
export interface Audience {
  key: string;
  operation: Operation;
  source: EventSource;
  /** A fresh context, with loaders of its own, for what may be seen with these scopes. */
  context: () => OperationContext;
  conceal: (result: ExecutionResult) => ExecutionResult;
}

interface Member {
  subscriber: Subscriber;
  /** Events up to here were sent already. */
  seen: bigint;
}

interface Group {
  audience: Audience;
  members: Set<Member>;
  /** The last event that was sent to all, or passed over. */
  position: bigint;
  stop: AbortController;
  /** The latest results, for those who come back after a moment: position to result. */
  recent: Map<bigint, Buffer>;
}

const keptResults = 256;

/**
 * Subscribers with the same scopes, document and variables are shown the same: an event is rendered once for all of
 * them and each socket gets one frame. One who resumes from an older cursor reads on alone until level with the rest.
 */
export class Crowd {
  readonly #documents: Documents;
  readonly #log: Log;
  readonly #groups = new Map<string, Group>();
  #closed = false;

  constructor(options: { documents: Documents; log: Log }) {
    this.#documents = options.documents;
    this.#log = options.log;
  }

  get size(): { groups: number; subscribers: number } {
    let subscribers = 0;
    for (const group of this.#groups.values()) subscribers += group.members.size;
    return { groups: this.#groups.size, subscribers };
  }

  /** @returns leaves the crowd. */
  async join(audience: Audience, after: bigint | undefined, subscriber: Subscriber): Promise<() => void> {
    let group = await this.#groupOf(audience);
    // The last of the others may have left meanwhile, and the group have ended with that.
    while (this.#groups.get(audience.key) !== group && !this.#closed) group = await this.#groupOf(audience);
    const member: Member = { subscriber, seen: after ?? 0n };
    if (after === undefined || after >= group.position) {
      group.members.add(member);
      return () => this.#leave(group, member);
    }
    const stop = new AbortController();
    // Counted as a member of nothing yet, but the group must not end under it.
    const placeholder: Member = { subscriber: silent, seen: 0n };
    group.members.add(placeholder);
    void this.#catchUp(group, member, placeholder, after, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) subscriber.end(error);
    });
    return () => {
      stop.abort();
      this.#leave(group, placeholder);
      this.#leave(group, member);
    };
  }

  close(): void {
    this.#closed = true;
    for (const group of this.#groups.values()) group.stop.abort();
    this.#groups.clear();
  }

  async #groupOf(audience: Audience): Promise<Group> {
    const known = this.#groups.get(audience.key);
    if (known !== undefined) return known;
    const { events } = audience.context().services;
    const position = await events.head();
    const sinceThen = this.#groups.get(audience.key);
    if (sinceThen !== undefined) return sinceThen;
    const group: Group = {
      audience,
      members: new Set(),
      position,
      stop: new AbortController(),
      recent: new Map(),
    };
    this.#groups.set(audience.key, group);
    void this.#run(group).catch((error: unknown) => {
      this.#log.error({ err: error }, 'a subscription failed');
      this.#end(group, error);
    });
    return group;
  }

  async #run(group: Group): Promise<void> {
    const { source, context } = group.audience;
    const stream = eventsOf(context().services.events, source, group.position, group.stop.signal);
    for await (const event of stream) {
      const result = await this.#render(group, event);
      // From here to the end of the round nothing is awaited: whoever joins sees the position before or after it.
      group.position = event.position;
      if (result === null) continue;
      for (const member of group.members) {
        if (member.seen >= event.position) continue;
        member.seen = event.position;
        if (!member.subscriber.send(result)) this.#leave(group, member);
      }
    }
    this.#end(group);
  }

  /** Reads on alone from an older cursor, and joins the others once nothing lies between. */
  async #catchUp(
    group: Group,
    member: Member,
    placeholder: Member,
    after: bigint,
    signal: AbortSignal,
  ): Promise<void> {
    const { source, context } = group.audience;
    const stream = eventsOf(context().services.events, source, after, signal);
    for await (const event of stream) {
      const result = await this.#render(group, event);
      if (signal.aborted) return;
      member.seen = event.position;
      if (result !== null && !member.subscriber.send(result)) break;
      if (group.position <= event.position) {
        group.members.add(member);
        break;
      }
      if (result !== null) await member.subscriber.drained();
    }
    this.#leave(group, placeholder);
  }

  /** The result for one event, as it goes over the wire; null where the event is not for this audience. */
  async #render(group: Group, event: StoredEvent): Promise<Buffer | null> {
    const kept = group.recent.get(event.position);
    if (kept !== undefined) return kept;
    const { audience } = group;
    const context = audience.context();
    if (audience.source.matches !== undefined && !(await audience.source.matches(event, context)))
      return null;
    const result = await this.#documents.execute(audience.operation, event, context);
    const rendered = Buffer.from(JSON.stringify(audience.conceal(result)));
    group.recent.set(event.position, rendered);
    if (group.recent.size > keptResults) {
      const oldest = group.recent.keys().next().value;
      if (oldest !== undefined) group.recent.delete(oldest);
    }
    return rendered;
  }

  #leave(group: Group, member: Member): void {
    if (!group.members.delete(member) || group.members.size > 0) return;
    group.stop.abort();
    if (this.#groups.get(group.audience.key) === group) this.#groups.delete(group.audience.key);
  }

  #end(group: Group, error?: unknown): void {
    if (this.#groups.get(group.audience.key) === group) this.#groups.delete(group.audience.key);
    for (const member of group.members) member.subscriber.end(error);
    group.members.clear();
  }
}

const silent: Subscriber = { send: () => true, drained: () => Promise.resolve(), end: () => undefined };
