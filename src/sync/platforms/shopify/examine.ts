import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { Examination, Finding } from '../platform.ts';
import { ask, type ShopifySession } from './api.ts';
import {
  grantedScopes,
  helpfulScopes,
  isRight,
  missingToRead,
  readSubscriptions,
  wantedSubscriptions,
} from './prepare.ts';

/** What each kind of push needs, beside the right to read. */
const scopeToWrite: Readonly<Record<string, string>> = {
  customer: 'write_customers',
  order: 'write_orders',
  refund: 'write_orders',
  stockLevel: 'write_inventory',
};

const grant = (scopes: readonly string[]) =>
  `Grant ${scopes.join(', ')} to the app in Shopify, install it again and store its access token.`;

/** Scopes, the approval for customers' data, and who is subscribed to what. */
export async function examine(session: ShopifySession, question: Examination): Promise<Finding[]> {
  const scopes = await grantedScopes(session);
  return [
    scopesToRead(scopes),
    ...(missingToRead(scopes).length === 0 ? [await customerData(session)] : []),
    ...optionalScopes(scopes),
    ...scopesToWrite(scopes, question.writeCapabilities),
    await webhooks(session, scopes, question.webhookUrl),
  ];
}

function scopesToRead(scopes: ReadonlySet<string>): Finding {
  const missing = missingToRead(scopes);
  return missing.length === 0
    ? good('Scopes to read', 'All that are needed.')
    : {
        subject: 'Scopes to read',
        state: 'broken',
        message: `The app lacks ${missing.join(', ')}.`,
        remedy: grant(missing),
      };
}

/** Shopify keeps people from an app until it was approved for them, whatever its scopes are. */
async function customerData(session: ShopifySession): Promise<Finding> {
  const subject = 'Customer data';
  try {
    await ask(session, 'customerAccess', {}, z.object({ customers: z.object({}) }));
    return good(subject, 'The app may read customers.');
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'SHOPIFY_ACCESS_DENIED') throw error;
    return {
      subject,
      state: 'broken',
      message: error.publicMessage,
      remedy:
        'Ask for access to protected customer data (name, address, e-mail, telephone) in the app’s settings.',
    };
  }
}

function optionalScopes(scopes: ReadonlySet<string>): Finding[] {
  return Object.entries(helpfulScopes).flatMap(([scope, consequence]) =>
    scopes.has(scope)
      ? []
      : [
          {
            subject: `Scope ${scope}`,
            state: 'limited',
            message: `Without it ${consequence}.`,
            remedy: grant([scope]),
          } as const,
        ],
  );
}

/** What is unlocked has to be allowed; what is not may be unlocked some day. */
function scopesToWrite(scopes: ReadonlySet<string>, unlocked: readonly string[]): Finding[] {
  const lacking = Object.entries(scopeToWrite).filter(([, scope]) => !scopes.has(scope));
  if (lacking.length === 0) return [good('Scopes to write', 'All that are needed.')];
  const isUnlocked = (kind: string) => unlocked.includes('*') || unlocked.includes(kind);
  return lacking.map(([kind, scope]) => ({
    subject: `Writing ${kind}`,
    state: isUnlocked(kind) ? 'broken' : 'limited',
    message: isUnlocked(kind)
      ? `It is unlocked, and Shopify refuses it: the app lacks ${scope}.`
      : `It cannot be unlocked with any effect: the app lacks ${scope}.`,
    remedy: grant([scope]),
  }));
}

async function webhooks(
  session: ShopifySession,
  scopes: ReadonlySet<string>,
  webhookUrl: string,
): Promise<Finding> {
  const subject = 'Webhooks';
  const known = await readSubscriptions(session);
  const wanted = wantedSubscriptions(scopes, await session.customFields());
  const missing = wanted.filter(
    ({ topic, namespaces }) =>
      !known.some((one) => one.topic === topic && isRight(one, webhookUrl, namespaces)),
  );
  if (missing.length === 0) return good(subject, `${wanted.length} topics come to ${webhookUrl}.`);
  return {
    subject,
    state: 'broken',
    message: `${missing.length} of ${wanted.length} topics do not come to ${webhookUrl}: ${missing
      .slice(0, 3)
      .map(({ topic }) => topic)
      .join(', ')}${missing.length > 3 ? ', …' : ''}.`,
    remedy:
      'They are subscribed to at the start and once an hour. PUBLIC_URL has to be an https address that Shopify reaches.',
  };
}

function good(subject: string, message: string): Finding {
  return { subject, state: 'good', message, remedy: null };
}
