import type { Shop } from '../shop.ts';

/** What resolvers get beside their source. */
export interface GraphqlContext {
  shop: Shop;
  apiVersion: string;
  /** false answers as the platform does before the app was approved for customer data. */
  protectedDataApproved: boolean;
  /** What the app was granted. */
  scopes: ReadonlySet<string>;
  idempotency: Map<string, { field: string; fingerprint: string; payload: unknown }>;
}

export type Args = Readonly<Record<string, unknown>>;

/** Resolvers of one type by field; the source is the record (or a part of one with its order). */
export type Fields<S> = Readonly<Record<string, (source: S, args: Args, context: GraphqlContext) => unknown>>;

/** 2021-12-31T00:00:00Z: the API shows whole seconds. */
export function apiTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

export function apiTimeOrNull(atMs: number | null): string | null {
  return atMs === null ? null : apiTime(atMs);
}
