import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

/** One notification that the platform owes a subscriber: exact bytes, and headers made at each attempt. */
export interface OutgoingWebhook {
  /** Delivery id, the same over retries. */
  id: string;
  url: string;
  topic: string;
  body: Buffer;
  /** Where the platform writes the number of the attempt into the body: the bytes of that attempt, instead of `body`. */
  bodyAt?: (attempt: number) => Buffer;
  /** Signs at the moment of sending (some platforms sign a timestamp). */
  headers: (atMs: number, attempt: number) => Record<string, string>;
}

/** How the road between platform and subscriber misbehaves; all off by default. */
export interface WebhookWeather {
  /** Share of deliveries sent twice or more. */
  duplicate: number;
  /** Extra wait before sending, in ms, drawn evenly; different waits reorder deliveries. */
  delayMs: [number, number];
  /** Share of deliveries that are lost for good. */
  lose: number;
  /** Every delivery waits until released by DELETE /_control/webhooks/weather. */
  hold: boolean;
}

export const fairWeather: WebhookWeather = { duplicate: 0, delayMs: [0, 0], lose: 0, hold: false };

export interface WebhookAttempt {
  id: string;
  topic: string;
  attempt: number;
  status: number | 'error';
  atMs: number;
  durationMs: number;
}

export interface WebhookSenderOptions {
  random: Random;
  /** Waits between attempts in ms; its length is the number of retries. */
  retryDelaysMs: readonly number[];
  timeoutMs: number;
  /** Told when every attempt has failed (Shopify deletes the subscription). */
  onExhausted?: (webhook: OutgoingWebhook) => void;
}

/** Sends notifications side by side, retries those not answered 2xx, and remembers each attempt. */
export class WebhookSender implements AsyncDisposable {
  weather: WebhookWeather = { ...fairWeather };
  readonly attempts: WebhookAttempt[] = [];
  #options: WebhookSenderOptions;
  #running = new Set<Promise<void>>();
  #abort = new AbortController();
  #held: OutgoingWebhook[] = [];

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  send(webhook: OutgoingWebhook): void {
    if (this.#abort.signal.aborted) return;
    if (this.weather.hold) {
      this.#held.push(webhook);
      return;
    }
    if (this.#options.random.chance(this.weather.lose)) return;
    const copies = this.#options.random.chance(this.weather.duplicate) ? this.#options.random.int(2, 3) : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const [min, max] = this.weather.delayMs;
      const delayMs = max > 0 ? this.#options.random.int(min, max) : 0;
      const run = this.#deliver(webhook, delayMs).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Lets held deliveries go, newest first when asked, which reorders them. */
  release(order: 'fifo' | 'lifo' = 'fifo'): void {
    this.weather = { ...this.weather, hold: false };
    const held = this.#held;
    this.#held = [];
    if (order === 'lifo') held.reverse();
    for (const webhook of held) this.send(webhook);
  }

  /** Settles when nothing is on its way any more (retries included). */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  get inFlight(): number {
    return this.#running.size + this.#held.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled([...this.#running]);
  }

  async #deliver(webhook: OutgoingWebhook, delayMs: number): Promise<void> {
    const waits = [delayMs, ...this.#options.retryDelaysMs];
    for (const [attempt, waitMs] of waits.entries()) {
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      if (this.#abort.signal.aborted) return;
      if (await this.#attempt(webhook, attempt + 1)) return;
    }
    if (!this.#abort.signal.aborted) this.#options.onExhausted?.(webhook);
  }

  async #attempt(webhook: OutgoingWebhook, attempt: number): Promise<boolean> {
    const atMs = Date.now();
    let status: number | 'error' = 'error';
    try {
      const response = await fetch(webhook.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...webhook.headers(atMs, attempt) },
        body: new Uint8Array(webhook.bodyAt?.(attempt) ?? webhook.body),
        signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#abort.signal]),
      });
      status = response.status;
      await response.arrayBuffer();
    } catch {
      status = 'error';
    }
    this.attempts.push({
      id: webhook.id,
      topic: webhook.topic,
      attempt,
      status,
      atMs,
      durationMs: Date.now() - atMs,
    });
    if (this.attempts.length > 5000) this.attempts.splice(0, this.attempts.length - 5000);
    return typeof status === 'number' && status >= 200 && status < 300;
  }
}
