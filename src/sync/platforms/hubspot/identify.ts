import { z } from 'zod';
import { toAppError } from './refusal.ts';
import type { HubSpotCredentials } from './settings.ts';

const details = z.object({ portalId: z.number().int() });

/** Asks HubSpot whose token it is: there is no session yet, because the account is what a connection is known by. */
export async function identify(
  credentials: HubSpotCredentials,
  options: { baseUrl: string; timeoutMs: number },
): Promise<{ accountId: string; name: string }> {
  const doing = 'reading the account details';
  try {
    const response = await fetch(`${options.baseUrl}/account-info/v3/details`, {
      headers: { authorization: `Bearer ${credentials.accessToken}` },
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (!response.ok)
      throw Object.assign(new Error(doing), { code: response.status, body: await response.text() });
    const { portalId } = details.parse(await response.json());
    return { accountId: String(portalId), name: `HubSpot ${portalId}` };
  } catch (error) {
    throw toAppError(error, doing);
  }
}
