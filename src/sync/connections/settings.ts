import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Platform, Session, Setting } from '../platforms/platform.ts';

/** What may be chosen for every account. */
const common: Readonly<Record<string, Setting>> = {
  country: {
    description:
      'Country of telephone numbers and addresses without one, as ISO 3166-1 alpha-2 (`US`). That of the shop unless chosen otherwise.',
    schema: z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, such as US'),
    fallback: null,
  },
};

export interface SettingValue {
  name: string;
  description: string;
  value: unknown;
  /** False where nobody has chosen it: the value is what holds then. */
  isChosen: boolean;
}

/** A choice as it is given; without a value it is what holds where nobody has chosen. */
export interface GivenSetting {
  name: string;
  value?: unknown;
}

/** All that may be chosen for an account of the platform, and what holds now. */
export function settingsOf(
  platform: Platform | undefined,
  stored: Readonly<Record<string, unknown>>,
): SettingValue[] {
  return Object.entries(known(platform)).map(([name, { description, fallback }]) => ({
    name,
    description,
    value: name in stored ? stored[name] : fallback,
    isChosen: name in stored,
  }));
}

/** What to store, what to take back, and whether the account's plans depend on any of it. @throws AppError SETTING_UNKNOWN, SETTING_INVALID */
export function checkSettings(
  platform: Platform | undefined,
  given: readonly GivenSetting[],
): { chosen: Record<string, unknown>; reset: string[]; decidesPlans: boolean } {
  const settings = known(platform);
  const chosen: Record<string, unknown> = {};
  const reset: string[] = [];
  for (const one of given) {
    const setting = settings[one.name];
    if (setting === undefined)
      throw refused(
        'SETTING_UNKNOWN',
        `There is no setting "${one.name.slice(0, 60)}". There are: ${Object.keys(settings).join(', ')}.`,
      );
    if (one.value === undefined) {
      reset.push(one.name);
      continue;
    }
    const { error } = setting.schema.safeParse(one.value);
    if (error !== undefined) {
      const [issue] = error.issues;
      const path = [one.name, ...(issue?.path ?? [])].join('.');
      throw refused('SETTING_INVALID', `${path}: ${issue?.message ?? 'is not what it takes'}.`);
    }
    chosen[one.name] = one.value;
  }
  const decidesPlans = given.some(({ name }) => settings[name]?.decidesPlans === true);
  return { chosen, reset, decidesPlans };
}

/**
 * Holds a choice against the account itself. Asks the platform: never inside a transaction.
 * @returns null where all fit; else what does not, with the remedy
 */
export async function settingsMisfit(
  platform: Platform | undefined,
  given: readonly GivenSetting[],
  session: () => Promise<Session<unknown>>,
): Promise<AppError | null> {
  const settings = known(platform);
  for (const { name, value } of given) {
    const misfit = await settings[name]?.misfit?.(value, await session());
    if (misfit != null) return refused('SETTING_INVALID', `${name}: ${misfit}`);
  }
  return null;
}

function known(platform: Platform | undefined): Readonly<Record<string, Setting>> {
  return { ...common, ...platform?.settings };
}

function refused(code: string, publicMessage: string): AppError {
  return new AppError({ code, retryable: false, publicMessage });
}
