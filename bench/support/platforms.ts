import type { FaultEffect } from '../../sandbox/kit/faults.ts';
import { Child } from './child.ts';

export type PlatformName = 'shopify' | 'hubspot' | 'quickbooks';

export interface PlacedOrder {
  /** Shopify's id. */
  id: string;
  totalText: string;
}

export interface Holdings {
  contacts: number;
  crmOrders: number;
  /** Their totals. */
  salesReceipts: number[];
}

/** The three sandbox platforms, in one process beside Tributary. */
export class Platforms implements AsyncDisposable {
  readonly urls: Readonly<Record<PlatformName, string>>;
  readonly #child: Child;

  static async start(): Promise<Platforms> {
    const child = new Child({
      name: 'platforms',
      module: new URL('../processes/platforms.ts', import.meta.url),
    });
    try {
      return new Platforms(child, await child.call('urls'));
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(child: Child, urls: Record<PlatformName, string>) {
    this.#child = child;
    this.urls = urls;
  }

  get pid(): number {
    return this.#child.pid;
  }

  seed(what: { products: number; customers: number; orders?: number }): Promise<void> {
    return this.#child.call('seed', what);
  }

  /** Gives nearly every order a metafield with a warranty. @returns how many can be read, how many cannot, and how many belong into the CRM */
  giveWarranties(): Promise<{ valid: number; invalid: number; inCrm: number }> {
    return this.#child.call('giveWarranties');
  }

  /** Of the orders in the CRM, how many hold the months of their warranty, and how many hold something else. */
  warrantiesInCrm(): Promise<{ right: number; wrong: number }> {
    return this.#child.call('warrantiesInCrm');
  }

  /** HubSpot and QuickBooks tell the app of every change, as their app settings would say. */
  sendWebhooksTo(url: string): Promise<void> {
    return this.#child.call('webhooksOf', {
      hubspot: `${url}/webhooks/hubspot`,
      quickbooks: `${url}/webhooks/quickbooks`,
    });
  }

  fault(platform: PlatformName, effect: FaultEffect): Promise<void> {
    return this.#child.call('fault', { platform, effect });
  }

  clearFaults(platform: PlatformName): Promise<void> {
    return this.#child.call('clearFaults', { platform });
  }

  /** Requests that each platform's API has had so far. */
  requests(): Promise<Record<PlatformName, number>> {
    return this.#child.call('requests');
  }

  /** Webhook subscriptions that were made at Shopify. */
  subscriptions(): Promise<number> {
    return this.#child.call('subscriptions');
  }

  /** Brings back one piece of each of these orders, at an even pace. */
  giveBack(what: { ids: readonly string[]; perSecond: number }): Promise<void> {
    return this.#child.call('giveBack', what);
  }

  sell(pace: { perSecond: number; seconds: number; channel?: 'pos' }): Promise<PlacedOrder[]> {
    return this.#child.call('sell', pace);
  }

  webhooksDrained(): Promise<void> {
    return this.#child.call('webhooksDrained');
  }

  holdings(): Promise<Holdings> {
    return this.#child.call('holdings');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}
