import { z } from 'zod';

export const amazonCredentials = z.object({
  /** The merchant token; it is the account's id. */
  sellerId: z.string().min(1),
  marketplaceId: z.string().min(1),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Login with Amazon does not rotate it; where it ever does, the new one is stored. */
  refreshToken: z.string().min(1),
  /** What notifications are sent with. Without it none is taken in, and the sweep alone finds what changed. */
  webhookSecret: z.string().min(16).optional(),
  /** Where access tokens are given out, where that is not Amazon itself. */
  lwaUrl: z.url().optional(),
});
export type AmazonCredentials = z.infer<typeof amazonCredentials>;
