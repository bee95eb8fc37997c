import { z } from 'zod';
import type { Setting } from '../platform.ts';
import type { HubSpotSession } from './gateway.ts';
import { crmGateway } from './interpret.ts';

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

const stage = z.string().min(1).max(200);
const stages = z.strictObject({ pipeline: stage, open: stage, fulfilled: stage, cancelled: stage });

/** Stages go by their internal names, which are easily mistaken. @returns what is wrong; null where HubSpot has them all */
export async function stagesMisfit(
  { pipeline: wanted, ...named }: z.infer<typeof stages>,
  session: HubSpotSession,
): Promise<string | null> {
  const { results } = await crmGateway(session).call('reading the pipelines of orders', (client) =>
    client.crm.pipelines.pipelinesApi.getAll('orders'),
  );
  const pipeline = results.find(({ id }) => id === wanted);
  if (pipeline === undefined)
    return `HubSpot has no order pipeline ${wanted}. It has: ${results.map(({ id, label }) => `${label} (${id})`).join(', ')}.`;
  const unknown = Object.values(named).find((name) => !pipeline.stages.some(({ id }) => id === name));
  if (unknown === undefined) return null;
  const there = pipeline.stages.map(({ id, label }) => `${label} (${id})`).join(', ');
  return `HubSpot’s pipeline ${pipeline.label} has no stage ${unknown}. It has: ${there}.`;
}

/** What of them people may choose. */
export const choices: Readonly<Record<string, Setting<HubSpotCredentials>>> = {
  lifecycleStage: {
    description:
      'Internal name of the lifecycle stage that a contact gets when it is made for somebody who has bought; null leaves it to HubSpot. Never changed later.',
    schema: z.string().min(1).max(200).nullable(),
    fallback: 'customer',
  },
  orderStages: {
    description:
      'Where orders stand in HubSpot’s order pipeline: internal names `{pipeline, open, fulfilled, cancelled}`; null leaves the stage to people.',
    schema: stages.nullable(),
    fallback: null,
    decidesPlans: true,
    misfit: async (value, session) =>
      value === null ? null : await stagesMisfit(stages.parse(value), session),
  },
  ordersFrom: {
    description:
      'Orders that were placed earlier are left out, as ISO 8601; null takes all. Set to the time of connecting at first.',
    schema: z.iso.datetime({ offset: true }).nullable(),
    fallback: null,
    decidesPlans: true,
  },
};

export function readSettings(settings: Readonly<Record<string, unknown>>): HubSpotSettings {
  return hubSpotSettings.parse(settings);
}
