import type { PlatformChange } from '../../../model/change.ts';
import type { CustomFieldOwner } from '../../../model/custom-field.ts';
import { contactProperties, standardContactProperties } from '../../crm/contact.ts';
import {
  type Gateway,
  type HubSpotSession,
  mergedIdsOf,
  type ObjectName,
  type RemoteRecord,
  readWithHistory,
} from './gateway.ts';
import {
  contactChange,
  crmFieldsChange,
  crmGateway,
  lastWord,
  lookUpCustomNames,
  ownAppId,
} from './interpret.ts';
import { toAppError } from './refusal.ts';

/** The search shows writes seconds late; what changed in this span before is asked for again. */
const searchLagMs = 60_000;
const pageSize = 100;
/** The search ends here; a later search goes on from the last record seen. */
const searchMax = 10_000;

/**
 * All contacts, or those that changed: what was changed since, and by others. Of orders, which are ours alone, only what
 * people wrote into properties of custom fields.
 */
export async function* sweep(
  session: HubSpotSession,
  options: { since: Date | null },
): AsyncIterable<PlatformChange[]> {
  const gateway = crmGateway(session);
  const since = options.since === null ? null : new Date(options.since.getTime() - searchLagMs);
  yield* since === null ? everyContact(session, gateway) : changedContacts(session, gateway, since);
  if ((await lookUpCustomNames(session, 'Order')).length === 0) return;
  const pages =
    since === null ? everyId(session, 'orders') : changedIds(gateway, 'orders', 'hs_lastmodifieddate', since);
  for await (const ids of pages) {
    const told = await wordsOf(session, gateway, 'Order', ids, since);
    if (told.length > 0) yield told;
  }
}

async function* changedContacts(
  session: HubSpotSession,
  gateway: Gateway,
  since: Date,
): AsyncIterable<PlatformChange[]> {
  for await (const ids of changedIds(gateway, 'contacts', 'lastmodifieddate', since)) {
    const observedAt = new Date(session.now());
    const custom = await lookUpCustomNames(session, 'Customer');
    const records = await translated(() =>
      readWithHistory(gateway, 'contacts', ids, [...contactProperties, ...custom, 'hs_merged_object_ids']),
    );
    yield records.flatMap((record) => [
      contactChange(record, changedSince(session, record, standardContactProperties, since), observedAt, {
        mergedRemoteIds: mergedIdsOf(record),
      }),
      ...wordsIn(session, 'Customer', record, custom, since, observedAt),
    ]);
  }
}

async function* everyContact(session: HubSpotSession, gateway: Gateway): AsyncIterable<PlatformChange[]> {
  const told = new Set(standardContactProperties);
  for await (const { records, observedAt } of everyPage(session, 'contacts', [
    ...contactProperties,
    'hs_merged_object_ids',
  ])) {
    yield [
      ...records.map((record) =>
        contactChange(record, told, observedAt, { mergedRemoteIds: mergedIdsOf(record) }),
      ),
      ...(await wordsOf(
        session,
        gateway,
        'Customer',
        records.map((record) => record.id),
        null,
      )),
    ];
  }
}

/** What people wrote into the properties of custom fields of these records; `since` null: whenever. */
async function wordsOf(
  session: HubSpotSession,
  gateway: Gateway,
  owner: CustomFieldOwner,
  ids: readonly string[],
  since: Date | null,
): Promise<PlatformChange[]> {
  const custom = await lookUpCustomNames(session, owner);
  if (custom.length === 0) return [];
  const observedAt = new Date(session.now());
  const records = await translated(() =>
    readWithHistory(gateway, owner === 'Order' ? 'orders' : 'contacts', ids, custom),
  );
  return records.flatMap((record) => wordsIn(session, owner, record, custom, since, observedAt));
}

/** Each at its own time: who has the last word may hang on it. */
function wordsIn(
  session: HubSpotSession,
  owner: CustomFieldOwner,
  record: RemoteRecord,
  custom: readonly string[],
  since: Date | null,
  observedAt: Date,
): PlatformChange[] {
  return custom.flatMap((name) => {
    const word = lastWord(session, record.history[name] ?? []);
    if (word === null || (since !== null && word.at < since)) return [];
    return [crmFieldsChange(owner, record, name, word, observedAt)];
  });
}

async function* everyId(session: HubSpotSession, object: ObjectName): AsyncIterable<string[]> {
  for await (const { records } of everyPage(session, object, ['hs_object_id']))
    yield records.map((record) => record.id);
}

/** All records of a kind, each page with when it began to be read. */
async function* everyPage(
  session: HubSpotSession,
  object: ObjectName,
  properties: readonly string[],
): AsyncIterable<{ records: RemoteRecord[]; observedAt: Date }> {
  const gateway = crmGateway(session);
  let after: string | undefined;
  do {
    const observedAt = new Date(session.now());
    const page = await translated(() =>
      gateway.call(`listing ${object}`, (client) =>
        client.crm.objects.basicApi.getPage(object, pageSize, after, [...properties]),
      ),
    );
    const records = page.results.map(({ id, properties: held, updatedAt }) => ({
      id,
      properties: held,
      updatedAt: new Date(updatedAt),
      history: {},
    }));
    yield { records, observedAt };
    after = page.paging?.next?.after;
  } while (after !== undefined);
}

/** Ids in the order of their last change. A search that reaches its end begins anew from where it stopped. */
async function* changedIds(
  gateway: Gateway,
  object: ObjectName,
  changedAt: string,
  since: Date,
): AsyncIterable<string[]> {
  let from = since.getTime();
  let after: string | undefined;
  let read = 0;
  for (;;) {
    const page = await translated(() =>
      gateway.call(`searching ${object}`, (client) =>
        client.crm.objects.searchApi.doSearch(object, {
          filterGroups: [
            { filters: [{ propertyName: changedAt, operator: 'GTE' as never, value: String(from) }] },
          ],
          sorts: [changedAt],
          properties: [changedAt],
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
    const last = page.results.at(-1)?.properties[changedAt];
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
    throw toAppError(error, 'reading what changed');
  }
}
