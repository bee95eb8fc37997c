import type { PlatformName } from '../../model/platform-name.ts';
import { amazon } from './amazon/index.ts';
import { hubspot } from './hubspot/index.ts';
import type { Platform } from './platform.ts';
import { quickbooks } from './quickbooks/index.ts';
import { shopify } from './shopify/index.ts';

/** The registry: a platform is a folder beside this file and one line here. */
export const platforms: Partial<Record<PlatformName, Platform>> = { shopify, hubspot, quickbooks, amazon };

export function platformNamed(name: PlatformName): Platform | undefined {
  return platforms[name];
}
