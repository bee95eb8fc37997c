import type { Random } from './random.ts';

/**
 * What can go wrong between a client and a platform.
 * - `latency`: wait between minMs and maxMs, then answer as usual.
 * - `status`: answer with this status and body and do NOT carry the request out.
 * - `timeout`: never answer; the request is not carried out.
 * - `dropResponse`: carry the request out, then cut the connection before the answer is written.
 * - `reset`: cut the connection before the request is carried out.
 */
export type FaultEffect =
  | { kind: 'latency'; minMs: number; maxMs: number }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'timeout' }
  | { kind: 'dropResponse' }
  | { kind: 'reset' };

export interface FaultRule {
  /** Chosen by the caller or generated; DELETE /_control/faults/<id> removes the rule. */
  id: string;
  effect: FaultEffect;
  /** HTTP method the rule is limited to. */
  method?: string;
  /** Regular expression over the path with its query string, or over the name of the operation (GraphQL). */
  path?: string;
  /** How many matching requests go by untouched before it begins. */
  after?: number;
  /** How many more requests the rule takes hold of; absent = without end. */
  times?: number;
  /** Share of matching requests that the rule takes hold of, 0 to 1; absent = 1. */
  probability?: number;
  /** Unix milliseconds at which the rule lapses by itself. */
  untilMs?: number;
}

export interface RequestFacts {
  method: string;
  pathWithQuery: string;
  /** Name of the GraphQL operation, where there is one. */
  operation?: string;
}

/** The faults in force. Every matching latency adds up; of the other kinds the first match wins. */
export class Faults {
  #rules: FaultRule[] = [];
  #random: Random;
  #now: () => number;

  constructor(random: Random, now: () => number = Date.now) {
    this.#random = random;
    this.#now = now;
  }

  add(rule: FaultRule): void {
    this.#rules.push({ ...rule });
  }

  remove(id: string): boolean {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
    return this.#rules.length < before;
  }

  clear(): void {
    this.#rules = [];
  }

  list(): readonly FaultRule[] {
    return this.#rules;
  }

  /** Takes what applies to this request, counting down `after` and `times`. */
  take(facts: RequestFacts): { latencyMs: number; effect: Exclude<FaultEffect, { kind: 'latency' }> | null } {
    let latencyMs = 0;
    let effect: Exclude<FaultEffect, { kind: 'latency' }> | null = null;
    for (const rule of this.#rules) {
      if (!this.#matches(rule, facts)) continue;
      if (rule.effect.kind !== 'latency' && effect !== null) continue;
      if (rule.after !== undefined && rule.after > 0) {
        rule.after -= 1;
        continue;
      }
      if (rule.probability !== undefined && !this.#random.chance(rule.probability)) continue;
      if (rule.times !== undefined) rule.times -= 1;
      if (rule.effect.kind === 'latency') {
        const span = rule.effect.maxMs - rule.effect.minMs;
        latencyMs += rule.effect.minMs + Math.floor(this.#random.next() * (span + 1));
      } else {
        effect = rule.effect;
      }
    }
    this.#rules = this.#rules.filter((rule) => rule.times === undefined || rule.times > 0);
    return { latencyMs, effect };
  }

  #matches(rule: FaultRule, facts: RequestFacts): boolean {
    if (rule.untilMs !== undefined && this.#now() >= rule.untilMs) return false;
    if (rule.method !== undefined && rule.method.toUpperCase() !== facts.method) return false;
    if (rule.path === undefined) return true;
    const pattern = new RegExp(rule.path);
    return (
      pattern.test(facts.pathWithQuery) || (facts.operation !== undefined && pattern.test(facts.operation))
    );
  }
}
