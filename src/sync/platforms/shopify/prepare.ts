import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { CustomField } from '../../../model/custom-field.ts';
import { isTimeZone } from '../../../model/day.ts';
import type { ShopHome } from '../platform.ts';
import { page } from './answers.ts';
import { ask, refused, type ShopifySession } from './api.ts';
import { metafieldNamespaces } from './metafields.ts';

/** Topics that the graph lives on. Privacy topics cannot be subscribed to here: they are part of the app's settings. */
export const topics = [
  'APP_UNINSTALLED',
  'CUSTOMERS_CREATE',
  'CUSTOMERS_DELETE',
  'CUSTOMERS_MERGE',
  'CUSTOMERS_UPDATE',
  'FULFILLMENTS_CREATE',
  'FULFILLMENTS_UPDATE',
  'INVENTORY_ITEMS_UPDATE',
  'INVENTORY_LEVELS_CONNECT',
  'INVENTORY_LEVELS_DISCONNECT',
  'INVENTORY_LEVELS_UPDATE',
  'LOCATIONS_ACTIVATE',
  'LOCATIONS_CREATE',
  'LOCATIONS_DEACTIVATE',
  'LOCATIONS_UPDATE',
  'ORDERS_CANCELLED',
  'ORDERS_CREATE',
  'ORDERS_DELETE',
  'ORDERS_EDITED',
  'ORDERS_FULFILLED',
  'ORDERS_PAID',
  'ORDERS_UPDATED',
  'PRODUCTS_CREATE',
  'PRODUCTS_DELETE',
  'PRODUCTS_UPDATE',
  'REFUNDS_CREATE',
] as const;

/** What became of returned goods; Shopify lets only an app with the scope for returns hear of it. */
export const returnTopics = ['REVERSE_FULFILLMENT_ORDERS_DISPOSE'] as const;
type Topic = (typeof topics)[number] | (typeof returnTopics)[number];

const scopesToRead = [
  'read_orders',
  'read_customers',
  'read_products',
  'read_inventory',
  'read_locations',
] as const;

/** What goes on without them, and how. */
export const helpfulScopes: Readonly<Record<string, string>> = {
  read_all_orders: 'Shopify shows only the last 60 days of orders',
  read_shopify_payments_payouts: 'payouts are not posted to the books',
  read_returns: 'nobody tells whether returned goods can be sold',
};

/** Checks the app's scopes and heals its webhook subscriptions: missing ones are made, wrong or double ones replaced. */
export async function prepare(
  session: ShopifySession,
  { webhookUrl }: { webhookUrl: string },
): Promise<void> {
  const scopes = await checkScopes(session);
  const known = await readSubscriptions(session);
  for (const { topic, namespaces } of wantedSubscriptions(scopes, await session.customFields())) {
    const ofTopic = known.filter((one) => one.topic === topic);
    const right = ofTopic.find((one) => isRight(one, webhookUrl, namespaces));
    // Shopify takes an address once per topic: what is wrong about it is put right where it is.
    const standing = right ?? ofTopic.find((one) => one.uri === webhookUrl);
    if (standing === undefined) await subscribe(session, topic, webhookUrl, namespaces);
    else if (right === undefined) await correct(session, standing, namespaces);
    // Only after the right one is there, so that nothing is missed in between.
    for (const wrong of ofTopic.filter((one) => one !== standing)) await unsubscribe(session, wrong.id);
  }
}

/** Ends the subscriptions of this app, wherever they point. @returns how many there were */
export async function release(session: ShopifySession): Promise<number> {
  const ours: readonly string[] = [...topics, ...returnTopics];
  const known = (await readSubscriptions(session)).filter(({ topic }) => ours.includes(topic));
  for (const { id } of known) await unsubscribe(session, id);
  return known.length;
}

/** What the shop has to tell us of. */
export function wantedSubscriptions(
  scopes: ReadonlySet<string>,
  fields: readonly CustomField[],
): { topic: Topic; namespaces: string[] }[] {
  const wanted: readonly Topic[] = scopes.has('read_returns') ? [...topics, ...returnTopics] : topics;
  return wanted.map((topic) => ({ topic, namespaces: namespacesOf(topic, fields) }));
}

/** Whose day the shop keeps, and the country of its address. */
export async function shopHome(session: ShopifySession): Promise<ShopHome> {
  const { data } = await ask(
    session,
    'shopHome',
    {},
    z.object({
      shop: z.object({
        ianaTimezone: z.string().refine(isTimeZone, 'is no time zone'),
        shopAddress: z.object({ countryCodeV2: z.string().nullable() }),
      }),
    }),
  );
  return { timeZone: data.shop.ianaTimezone, country: data.shop.shopAddress.countryCodeV2 };
}

/** The scopes that the app was granted. */
export async function grantedScopes(session: ShopifySession): Promise<ReadonlySet<string>> {
  const { data } = await ask(
    session,
    'installation',
    {},
    z.object({
      currentAppInstallation: z.object({ accessScopes: z.array(z.object({ handle: z.string() })) }),
    }),
  );
  return new Set(data.currentAppInstallation.accessScopes.map((scope) => scope.handle));
}

/** Who may write may read. */
export function missingToRead(granted: ReadonlySet<string>): string[] {
  return scopesToRead.filter(
    (scope) => !granted.has(scope) && !granted.has(scope.replace('read_', 'write_')),
  );
}

/** @returns the scopes that the app has. @throws AppError SHOPIFY_SCOPES_MISSING */
async function checkScopes(session: ShopifySession): Promise<ReadonlySet<string>> {
  const granted = await grantedScopes(session);
  const missing = missingToRead(granted);
  if (missing.length > 0)
    throw new AppError({
      code: 'SHOPIFY_SCOPES_MISSING',
      retryable: false,
      publicMessage: `The app lacks the scopes ${missing.join(', ')}.`,
      remedy: 'Grant the scopes to the app in Shopify, install it again and store the new access token.',
    });
  for (const [scope, consequence] of Object.entries(helpfulScopes))
    if (!granted.has(scope)) session.log.warn(`without the scope ${scope} ${consequence}`);
  return granted;
}

const subscription = z.object({
  id: z.string(),
  topic: z.string(),
  uri: z.string(),
  format: z.string(),
  includeFields: z.array(z.string()),
  metafieldNamespaces: z.array(z.string()),
  filter: z.string().nullable(),
});
type Subscription = z.infer<typeof subscription>;

export function isRight(one: Subscription, webhookUrl: string, namespaces: readonly string[]): boolean {
  return (
    one.uri === webhookUrl &&
    one.format === 'JSON' &&
    one.includeFields.length === 0 &&
    !one.filter &&
    one.metafieldNamespaces.toSorted().join('\n') === namespaces.join('\n')
  );
}

/** Orders and customers bring the metafields that custom fields come from, so that no order costs a call of its own. */
function namespacesOf(topic: Topic, fields: readonly CustomField[]): string[] {
  if (topic === 'CUSTOMERS_CREATE' || topic === 'CUSTOMERS_UPDATE')
    return metafieldNamespaces(fields, 'Customer');
  const isOrder = topic.startsWith('ORDERS_') && topic !== 'ORDERS_DELETE' && topic !== 'ORDERS_EDITED';
  return isOrder ? metafieldNamespaces(fields, 'Order') : [];
}

export async function readSubscriptions(session: ShopifySession): Promise<Subscription[]> {
  const all: Subscription[] = [];
  let after: string | null = null;
  do {
    const answer: { data: { webhookSubscriptions: z.infer<typeof subscriptionPage> } } = await ask(
      session,
      'subscriptions',
      { after },
      z.object({ webhookSubscriptions: subscriptionPage }),
    );
    const { nodes, pageInfo } = answer.data.webhookSubscriptions;
    all.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  return all;
}

const subscriptionPage = page(subscription);
const userErrors = z.array(z.object({ field: z.array(z.string()).nullish(), message: z.string() }));

async function subscribe(
  session: ShopifySession,
  topic: string,
  uri: string,
  namespaces: readonly string[],
): Promise<void> {
  const { data } = await ask(
    session,
    'subscriptionCreate',
    {
      topic,
      subscription: {
        uri,
        format: 'JSON',
        ...(namespaces.length === 0 ? {} : { metafieldNamespaces: namespaces }),
      },
    },
    z.object({ webhookSubscriptionCreate: z.object({ userErrors }) }),
  );
  const { userErrors: errors } = data.webhookSubscriptionCreate;
  if (errors.length > 0) throw refused(`the subscription to ${topic}`, errors);
  session.log.info({ topic }, 'subscribed');
}

async function correct(
  session: ShopifySession,
  { id, topic, uri }: Subscription,
  metafieldNamespaces: readonly string[],
): Promise<void> {
  const { data } = await ask(
    session,
    'subscriptionUpdate',
    { id, subscription: { uri, format: 'JSON', includeFields: [], metafieldNamespaces, filter: '' } },
    z.object({ webhookSubscriptionUpdate: z.object({ userErrors }) }),
  );
  const { userErrors: errors } = data.webhookSubscriptionUpdate;
  if (errors.length > 0) throw refused(`the change of the subscription to ${topic}`, errors);
  session.log.info({ topic }, 'subscription corrected');
}

async function unsubscribe(session: ShopifySession, id: string): Promise<void> {
  const { data } = await ask(
    session,
    'subscriptionDelete',
    { id },
    z.object({ webhookSubscriptionDelete: z.object({ userErrors }) }),
  );
  const { userErrors: errors } = data.webhookSubscriptionDelete;
  if (errors.length > 0) throw refused('the end of a subscription', errors);
}
