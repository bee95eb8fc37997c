import type { PlatformChange } from '../../../model/change.ts';
import { contactProperties, standardContactProperties } from '../../crm/contact.ts';
import {
  type Gateway,
  type HubSpotSession,
  mergedIdsOf,
  type RemoteRecord,
  readWithHistory,
} from './gateway.ts';
import { contactChange, crmFieldsChange, crmGateway, lookUpCustomNames, ownAppId } from './interpret.ts';
import { toAppError } from './refusal.ts';

/** The search shows writes seconds late; what changed in this span before is asked for again. */
const searchLagMs = 60_000;
const pageSize = 100;
/** The search ends here; a later search goes on from the last record seen. */
const searchMax = 10_000;

/** All contacts, or those that changed: what was changed since, and by others. */
export async function* sweep(
  session: HubSpotSession,
  options: { since: Date | null },
): AsyncIterable<PlatformChange[]> {
  const gateway = crmGateway(session);
  if (options.since === null) {
    yield* everyContact(session, gateway);
    return;
  }
  const since = new Date(options.since.getTime() - searchLagMs);
  for await (const ids of changedIds(gateway, since)) {
    const observedAt = new Date(session.now());
    const custom = await lookUpCustomNames(session);
    const records = await translated(() =>
      readWithHistory(gateway, 'contacts', ids, [...contactProperties, ...custom, 'hs_merged_object_ids']),
    );
    yield records.flatMap((record) => [
      contactChange(record, changedSince(session, record, standardContactProperties, since), observedAt, {
        mergedRemoteIds: mergedIdsOf(record),
      }),
      // Each at its own time: who has the last word may hang on it.
      ...[...changedSince(session, record, custom, since)].map((name) =>
        crmFieldsChange(record, name, record.history[name]?.[0]?.at ?? record.updatedAt, observedAt),
      ),
    ]);
  }
}

async function* everyContact(session: HubSpotSession, gateway: Gateway): AsyncIterable<PlatformChange[]> {
  const told = new Set(standardContactProperties);
  let after: string | undefined;
  do {
    const observedAt = new Date(session.now());
    const page = await translated(() =>
      gateway.call('listing contacts', (client) =>
        client.crm.objects.basicApi.getPage('contacts', pageSize, after, [
          ...contactProperties,
          'hs_merged_object_ids',
        ]),
      ),
    );
    yield page.results.map((result) => {
      const record: RemoteRecord = {
        id: result.id,
        properties: result.properties,
        updatedAt: new Date(result.updatedAt),
        history: {},
      };
      return contactChange(record, told, observedAt, { mergedRemoteIds: mergedIdsOf(record) });
    });
    after = page.paging?.next?.after;
  } while (after !== undefined);
}

/** Ids in the order of their last change. A search that reaches its end begins anew from where it stopped. */
async function* changedIds(gateway: Gateway, since: Date): AsyncIterable<string[]> {
  let from = since.getTime();
  let after: string | undefined;
  let read = 0;
  for (;;) {
    const page = await translated(() =>
      gateway.call('searching contacts', (client) =>
        client.crm.objects.searchApi.doSearch('contacts', {
          filterGroups: [
            {
              filters: [{ propertyName: 'lastmodifieddate', operator: 'GTE' as never, value: String(from) }],
            },
          ],
          sorts: ['lastmodifieddate'],
          properties: ['lastmodifieddate'],
          limit: pageSize,
          ...(after === undefined ? {} : { after }),
        }),
      ),
    );
    if (page.results.length > 0) yield page.results.map((one) => one.id);
    read += page.results.length;
    after = page.paging?.next?.after;
    if (after === undefined) return;
    if (read + pageSize <= searchMax) continue;
    const last = page.results.at(-1)?.properties.lastmodifieddate;
    const next = last === undefined || last === null ? Number.NaN : Date.parse(last);
    // Ten thousand changes within one millisecond cannot be told apart by time.
    if (!(next > from)) return;
    from = next;
    after = undefined;
    read = 0;
  }
}

/** The properties whose latest value is younger than that, and not of our own making. */
function changedSince(
  session: HubSpotSession,
  record: RemoteRecord,
  names: readonly string[],
  since: Date,
): Set<string> {
  const appId = ownAppId(session);
  return new Set(
    names.filter((name) => {
      const latest = record.history[name]?.[0];
      if (latest === undefined || latest.at < since) return false;
      // Until a webhook has told our own app's id, every app's write is taken for ours.
      return latest.sourceType !== 'INTEGRATION' || (appId !== null && latest.sourceId !== appId);
    }),
  );
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toAppError(error, 'reading contacts');
  }
}
