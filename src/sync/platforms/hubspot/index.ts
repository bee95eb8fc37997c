import type { Platform } from '../platform.ts';
import { checkAccount, ensureDefinitions } from './definitions.ts';
import { door } from './door.ts';
import { examine } from './examine.ts';
import { identify } from './identify.ts';
import { interpret } from './interpret.ts';
import { perform } from './perform.ts';
import { plan } from './plan.ts';
import { choices, type HubSpotCredentials, hubSpotCredentials } from './settings.ts';
import { sweep } from './sweep.ts';

export const hubspot: Platform<HubSpotCredentials> = {
  name: 'hubspot',
  credentials: hubSpotCredentials,
  settings: choices,
  door,
  pushKinds: ['contact', 'order', 'contactMerge', 'contactErase'],
  // 100 in 10 seconds is what every edition of HubSpot grants; spread evenly, so that a burst is no standstill afterwards.
  rateLimit: { requests: 10, windowMs: 1000, concurrent: 10 },
  linkTypes: { Customer: 'contact', Order: 'order' },
  interpret: (delivery, session) => interpret(delivery, session),
  plan,
  perform,
  identify,
  /** Webhook subscriptions belong to the app and are set up there once; definitions belong to the account. */
  async prepare(session) {
    await checkAccount(session);
    await ensureDefinitions(session);
  },
  examine,
  sweep,
};
