import { z } from 'zod';

export const shopifyCredentials = z.object({
  /** my-shop.myshopify.com */
  shop: z.string().min(1),
  accessToken: z.string().min(1),
  /** The app's client secret: webhooks are signed with it. */
  apiSecret: z.string().min(1),
  /** After a rotation Shopify signs with the old secret for up to an hour. */
  previousApiSecret: z.string().min(1).optional(),
  /** ISO 8601; whoever has stolen the old secret shall not sign for ever. */
  previousApiSecretUntil: z.iso.datetime().optional(),
});
export type ShopifyCredentials = z.infer<typeof shopifyCredentials>;

/** A margin for deliveries that were signed in that hour and came late. */
const previousSecretMs = 2 * 60 * 60_000;

/** A new secret leaves the old one in force for as long as Shopify may still sign with it. */
export function succeed(
  before: Readonly<Record<string, string>>,
  next: Readonly<Record<string, string>>,
  nowMs: number,
): Readonly<Record<string, string>> {
  const { apiSecret: replaced, previousApiSecret, previousApiSecretUntil } = before;
  if (replaced !== undefined && replaced !== next.apiSecret)
    return {
      ...next,
      previousApiSecret: replaced,
      previousApiSecretUntil: new Date(nowMs + previousSecretMs).toISOString(),
    };
  return previousApiSecret === undefined || previousApiSecretUntil === undefined
    ? next
    : { ...next, previousApiSecret, previousApiSecretUntil };
}
