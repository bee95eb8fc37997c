import { z } from 'zod';

export const hubSpotCredentials = z.object({
  accessToken: z.string().min(1),
  /** Signs the webhooks. */
  clientSecret: z.string().min(1),
  /** Where the app is connected by OAuth: how a new access token is got. */
  refresh: z
    .object({
      clientId: z.string().min(1),
      refreshToken: z.string().min(1),
      expiresAt: z.coerce.date().nullable(),
    })
    .optional(),
});
export type HubSpotCredentials = z.infer<typeof hubSpotCredentials>;

/** The choices made for one HubSpot account, with what holds where none was made. */
export const hubSpotSettings = z.object({
  /** Lifecycle stage of contacts that we create for people who have bought; null leaves it to HubSpot. Never changed later. */
  lifecycleStage: z.string().nullable().default('customer'),
  /** Stages of HubSpot's order pipeline by what became of the order; null leaves the stage to people. */
  orderStages: z
    .object({ pipeline: z.string(), open: z.string(), fulfilled: z.string(), cancelled: z.string() })
    .nullable()
    .default(null),
  /** Orders placed earlier are left out: they are history from before the account was connected. Null takes all. */
  ordersFrom: z.coerce.date().nullable().default(null),
  /** How long an order waits for the push that writes its contact before it is tried again later. */
  contactWaitMs: z.number().int().positive().default(3000),
});
export type HubSpotSettings = z.infer<typeof hubSpotSettings>;

export function readSettings(settings: Readonly<Record<string, unknown>>): HubSpotSettings {
  return hubSpotSettings.parse(settings);
}
