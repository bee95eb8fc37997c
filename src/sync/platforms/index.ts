import type { PlatformName } from '../../model/platform-name.ts';
import type { Platform } from './platform.ts';

/** The registry: a platform is a folder beside this file and one line here. */
export const platforms: Partial<Record<PlatformName, Platform>> = {};

export function platformNamed(name: PlatformName): Platform | undefined {
  return platforms[name];
}
