import type { Platform } from '../platform.ts';
import { type AmazonCredentials, amazonCredentials } from './credentials.ts';
import { door } from './door.ts';
import { examine } from './examine.ts';
import { interpret } from './interpret.ts';
import { perform } from './perform.ts';
import { plan } from './plan.ts';
import { prepare, release } from './prepare.ts';
import { settings, sweep } from './sweep.ts';
import { linkTypes, pushKinds } from './vocabulary.ts';

export const amazon: Platform<AmazonCredentials> = {
  name: 'amazon',
  credentials: amazonCredentials,
  door,
  pushKinds,
  // Each operation has a bucket of its own (rate-limits.ts); this only keeps bursts in bounds.
  rateLimit: { requests: 40, windowMs: 1_000, concurrent: 10 },
  linkTypes,
  settings,
  interpret,
  plan,
  perform,
  prepare,
  release,
  examine,
  sweep,
};
