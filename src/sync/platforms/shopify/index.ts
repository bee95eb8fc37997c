import type { Platform } from '../platform.ts';
import { type ShopifyCredentials, shopifyCredentials, succeed } from './credentials.ts';
import { door } from './door.ts';
import { examine } from './examine.ts';
import { interpret } from './interpret.ts';
import { readMetafields } from './metafields.ts';
import { perform } from './perform.ts';
import { linkTypes, plan, pushKinds } from './plan.ts';
import { prepare, release, shopHome } from './prepare.ts';
import { sweep } from './sweep.ts';
import { takingsBetween } from './takings.ts';

export const shopify: Platform<ShopifyCredentials> = {
  name: 'shopify',
  credentials: shopifyCredentials,
  succeed,
  door,
  pushKinds,
  // Shopify counts cost, not requests, and tells what is left with each answer; this only keeps bursts in bounds.
  rateLimit: { requests: 40, windowMs: 1_000, concurrent: 10 },
  // A request changes up to 250 stock levels, and another one gathers while it is under way.
  concurrentPushes: 300,
  linkTypes,
  interpret,
  plan,
  perform,
  prepare,
  release,
  examine,
  shopHome,
  readMetafields: (session, wanted) => readMetafields(session, wanted),
  takingsBetween,
  sweep,
};
