import { z } from 'zod';

export const shopifyCredentials = z.object({
  /** my-shop.myshopify.com */
  shop: z.string().min(1),
  accessToken: z.string().min(1),
  /** The app's client secret: webhooks are signed with it. */
  apiSecret: z.string().min(1),
  /** After a rotation Shopify signs with the old secret for up to an hour. */
  previousApiSecret: z.string().min(1).optional(),
});
export type ShopifyCredentials = z.infer<typeof shopifyCredentials>;
