import type { PlatformChange, SourceVersion } from '../../model/change.ts';
import { type CanonicalCustomer, isRelayEmail, normalizeEmail } from '../../model/customer.ts';
import {
  type CustomerRecord,
  insertCustomer,
  loadCustomerRecord,
  updateCustomer,
} from '../identity/customer-record.ts';
import {
  type FactField,
  type Facts,
  isEmptyFact,
  personRecordOf,
  type Telling,
  tellFacts,
} from '../identity/facts.ts';
import { emptyGoldenRecord, foldGoldenRecord } from '../identity/golden-record.ts';
import { keysVersion, matchKeys } from '../identity/keys.ts';
import { findMergedCustomers, mergeCustomers } from '../identity/merge-customers.ts';
import { resolveDuplicates } from '../identity/resolve-duplicates.ts';
import {
  findIdentityClues,
  type IdentityClues,
  isGuest,
  type Resolution,
  resolveIdentity,
} from '../identity/resolve-identity.ts';
import { sameJson, toJson } from './canonical-json.ts';
import { differingFields, loadLink, type StoredLink, saveLink } from './links.ts';
import { lockCustomers } from './locks.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { judgeVersion } from './version.ts';
import {
  type ChangeOutcome,
  effectOnCustomer,
  eventOf,
  type PlatformContext,
  planLater,
} from './write-context.ts';

type CustomerChange = Extract<PlatformChange, { kind: 'customer' }>;
type CustomerRemoval = Extract<PlatformChange, { kind: 'customerRemoved' }>;

export async function applyCustomer(
  context: PlatformContext,
  change: CustomerChange,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const statement = await loadStatement(tx, connectionId, 'customer', change.remoteId);
  if (statement?.removed === true && judgeVersion(change.version, statement) !== 'newer') return 'stale';
  const mergedIds = (change.customer.mergedRemoteIds ?? []).filter((id) => id !== change.remoteId);
  const merged = await findMergedCustomers(context, mergedIds);
  const prepared = await prepareCustomer(context, { ...change, told: change.customer }, merged[0]);
  if (prepared === 'needsFresh') return 'needsFresh';
  // A platform that merged two records may tell so in the same breath as a statement that is otherwise stale.
  const written = prepared === 'nobody' ? null : await prepared.write();
  if (written === null) return 'unchanged';
  const absorbed = merged.filter((id) => id !== written.customerId);
  const remoteType = context.platforms[context.source]?.linkTypes.Customer ?? null;
  for (const id of absorbed)
    await mergeCustomers(context, written.customerId, id, {
      decidedBy: context.source,
      actor: null,
      evidence: { mergedIds },
      gone: { connectionId: context.connectionId, remoteType, remoteIds: mergedIds },
    });
  return absorbed.length > 0 ? 'applied' : written.outcome;
}

export async function applyCustomerRemoval(
  context: PlatformContext,
  change: CustomerRemoval,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const statement = await loadStatement(tx, connectionId, 'customer', change.remoteId);
  if (statement !== null) {
    const verdict = judgeVersion(change.version, statement);
    if (verdict !== 'newer') return statement.removed ? 'unchanged' : 'stale';
  }
  const linkType = context.platforms[context.source]?.linkTypes.Customer ?? null;
  const clues = await findIdentityClues(tx, connectionId, {
    remoteId: change.remoteId,
    email: null,
    linkType,
  });
  const newestFact = Object.values(clues.identity?.facts ?? {})
    .map((fact) => fact.toldAt)
    .sort()
    .at(-1);
  if (newestFact !== undefined && new Date(newestFact) > change.version.sourceUpdatedAt) return 'stale';
  await saveStatement(tx, connectionId, 'customer', change.remoteId, {
    version: change.version,
    hash: 'removed',
    removed: true,
  });
  const customerId = clues.identity?.customerId ?? clues.linkedCustomerId;
  if (customerId === null || customerId === undefined) return 'unchanged';
  await tx.query({
    name: 'forget-identity',
    text: `with identity as (delete from customer_identity where connection_id = $1 and remote_id = $2)
           delete from link where connection_id = $1 and remote_type = $3 and remote_id = $2`,
    values: [connectionId, change.remoteId, linkType],
  });
  // The customer stays: orders belong to them. Nothing is planned, so that the platform's row is not made again at once.
  context.effects.events.push(
    eventOf(
      context,
      'customer.removed',
      { type: 'Customer', id: customerId },
      { connectionId, platform: context.source },
    ),
  );
  return 'applied';
}

export interface Teller {
  remoteId: string;
  version: SourceVersion;
  told: CanonicalCustomer;
  observed?: Readonly<Record<string, unknown>>;
}

export interface PreparedCustomer {
  write(): Promise<{ customerId: bigint; outcome: ChangeOutcome }>;
}

/**
 * Finds out who a platform's customer is and what its statement changes, without writing anything yet.
 * `nobody`: not a customer of ours, and no reason to make one.
 */
export async function prepareCustomer(
  context: PlatformContext,
  teller: Teller,
  mergedCustomerId?: bigint,
): Promise<PreparedCustomer | 'needsFresh' | 'nobody'> {
  const linkType = isGuest(teller.remoteId)
    ? null
    : (context.platforms[context.source]?.linkTypes.Customer ?? null);
  const clues = await findIdentityClues(context.tx, context.connectionId, {
    remoteId: teller.remoteId,
    email: teller.told.email ?? observedEmail(teller.observed),
    linkType,
  });
  const resolution: Resolution =
    clues.identity === null && clues.linkedCustomerId === null && mergedCustomerId !== undefined
      ? { kind: 'known', customerId: mergedCustomerId }
      : resolveIdentity(context.source, clues, {
          email: teller.told.email ?? observedEmail(teller.observed),
          firstName: teller.told.firstName ?? null,
          lastName: teller.told.lastName ?? null,
          guest: isGuest(teller.remoteId),
        });
  if (resolution.kind === 'none') return 'nobody';
  const record =
    resolution.kind === 'known' ? await loadLockedCustomer(context, resolution.customerId) : null;
  const link =
    linkType === null || teller.observed === undefined
      ? null
      : await loadLink(context, linkType, teller.remoteId);
  const differing =
    link === null || teller.observed === undefined ? [] : differingFields(link, teller.observed);
  const telling = tellFacts(clues.identity?.facts ?? {}, teller.told, teller.version, {
    echoed: (value) =>
      link?.pushed === true &&
      differing.length === 0 &&
      contains(Object.values(teller.observed ?? {}), value),
    golden: (field) => goldenClaim(record, field),
  });
  if (telling.verdict === 'undecided') return 'needsFresh';
  if (telling.verdict !== 'stale' && differing.length > 0 && isOvertaken(teller.version, link))
    return 'needsFresh';
  return {
    write: () => writeCustomer(context, teller, { clues, record, linkType, link, differing, telling }),
  };
}

/** Said before the platform answered our latest push: what differs may be what that push has changed since. */
function isOvertaken({ observedAt, sourceUpdatedAt }: SourceVersion, link: StoredLink | null): boolean {
  return link?.pushed === true && (observedAt ?? sourceUpdatedAt) < link.seenAt;
}

async function writeCustomer(
  context: PlatformContext,
  teller: Teller,
  prepared: {
    clues: IdentityClues;
    record: CustomerRecord | null;
    linkType: string | null;
    link: StoredLink | null;
    differing: string[];
    telling: Telling;
  },
): Promise<{ customerId: bigint; outcome: ChangeOutcome }> {
  const { clues, record, linkType, link, differing, telling } = prepared;
  const told = {
    source: context.source,
    authority: clues.authority ?? null,
    guest: isGuest(teller.remoteId),
    facts: telling.facts,
  };
  const others = (record?.identities ?? []).filter((identity) => identity.id !== clues.identity?.id);
  const before = record?.golden ?? emptyGoldenRecord;
  const golden = foldGoldenRecord(before, [...others, told]);

  const customerId = record?.id ?? (await insertCustomer(context.tx, golden.record));
  const keys = newKeys(clues, telling.facts);
  if (clues.identity === null || telling.verdict !== 'stale')
    await saveIdentity(context, customerId, teller, telling.facts, keys);
  if (record !== null && !sameJson(before, golden.record))
    await updateCustomer(context.tx, customerId, golden.record);

  const observedNews =
    teller.observed !== undefined &&
    (link === null || differing.length > 0) &&
    (telling.verdict !== 'stale' || clues.identity === null);
  // A second row of the platform for one customer stays where it was put, and nothing is written to it.
  const linkOwnerId = clues.isLinkParked ? clues.linkedCustomerId : null;
  if (
    linkType !== null &&
    ((linkOwnerId === null && clues.linkedCustomerId !== customerId) || observedNews)
  ) {
    await saveLink(context, {
      entityType: 'Customer',
      entityId: linkOwnerId ?? customerId,
      remoteType: linkType,
      remoteId: teller.remoteId,
      // Where nothing differs the row knows it already, or knows better: a push may have settled since it was read.
      observed: observedNews ? teller.observed : undefined,
    });
  }

  const outcome = noteOutcome(context, {
    customerId,
    record,
    clues,
    telling,
    link,
    differing,
    golden,
    observedNews,
  });
  if (keys === null) return { customerId, outcome };
  const records = [...others.map((identity) => identity.facts), telling.facts].map(personRecordOf);
  const knownKeys = new Set(records.slice(0, -1).flatMap((one) => matchKeys(one, clues.country)));
  const resolved = await resolveDuplicates(context, {
    customerId,
    records,
    // Who else lives where they live counts as well, once there is anything new to go by.
    keys: keys.every((key) => knownKeys.has(key)) ? [] : [...new Set([...knownKeys, ...keys])],
    country: clues.country,
  });
  return { customerId: resolved.customerId, outcome: resolved.merged > 0 ? 'applied' : outcome };
}

/** What the statement came to; notes what is to be told and planned. */
function noteOutcome(
  context: PlatformContext,
  news: {
    customerId: bigint;
    record: CustomerRecord | null;
    clues: IdentityClues;
    telling: Telling;
    link: StoredLink | null;
    differing: readonly string[];
    golden: { changedFields: readonly string[] };
    observedNews: boolean;
  },
): ChangeOutcome {
  const { customerId, record, clues, telling, link, differing, golden, observedNews } = news;
  if (record === null) {
    const effect = effectOnCustomer(context.effects, customerId);
    effect.created = true;
    for (const field of golden.changedFields) effect.changedFields.add(field);
    planLater(context.effects, 'Customer', customerId);
    return 'applied';
  }
  if (golden.changedFields.length > 0 || observedNews) planLater(context.effects, 'Customer', customerId);
  const echo = link?.pushed === true && differing.length === 0;
  const identityNews = !echo && (clues.identity === null || telling.verdict === 'news');
  if (golden.changedFields.length > 0 || identityNews) {
    const { changedFields } = effectOnCustomer(context.effects, customerId);
    for (const field of golden.changedFields) changedFields.add(field);
    if (identityNews) changedFields.add('identities');
    return 'applied';
  }
  if (telling.verdict === 'stale' && clues.identity !== null) return 'stale';
  return echo ? 'echo' : 'unchanged';
}

const identifyingFields = ['email', 'phone', 'firstName', 'lastName', 'company', 'address'] as const;

/** The match keys of an identity that is new or says something new about who it is; null where all stays as it was. */
function newKeys(clues: IdentityClues, facts: Facts): bigint[] | null {
  const before = clues.identity?.facts;
  const isSame =
    before !== undefined &&
    identifyingFields.every((field) => sameJson(before[field]?.value, facts[field]?.value));
  return isSame ? null : matchKeys(personRecordOf(facts), clues.country);
}

async function loadLockedCustomer(context: PlatformContext, id: bigint): Promise<CustomerRecord | null> {
  await lockCustomers(context.tx, context.effects, [id]);
  const record = await loadCustomerRecord(context.tx, id);
  return record?.mergedIntoId == null ? record : loadLockedCustomer(context, record.mergedIntoId);
}

async function saveIdentity(
  context: PlatformContext,
  customerId: bigint,
  teller: Teller,
  facts: Facts,
  keys: readonly bigint[] | null,
): Promise<void> {
  const email = (facts.email?.value ?? null) as string | null;
  await context.tx.query({
    name: 'save-identity',
    // The keys change with the identity, in the same statement; null leaves them as they are.
    text: `with identity as (insert into customer_identity as i (customer_id, connection_id, remote_id, email, phone, first_name, last_name, company,
             address, relay_email, facts, source_updated_at, observed_at, keys_version)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11::jsonb, $12, $13,
             case when $14::bigint[] is null then 0 else ${keysVersion} end)
           on conflict (connection_id, remote_id) do update set
             customer_id = excluded.customer_id, email = excluded.email, phone = excluded.phone,
             first_name = excluded.first_name, last_name = excluded.last_name, company = excluded.company,
             address = excluded.address, relay_email = excluded.relay_email, facts = excluded.facts,
             source_updated_at = greatest(i.source_updated_at, excluded.source_updated_at),
             observed_at = excluded.observed_at, keys_version = greatest(i.keys_version, excluded.keys_version)
           returning i.id),
           outdated as (
             delete from identity_key k using identity
             where $14::bigint[] is not null and k.identity_id = identity.id and k.key <> all($14::bigint[]))
           insert into identity_key (key, identity_id) select key, identity.id from identity, unnest($14::bigint[]) as key
           on conflict do nothing`,
    values: [
      customerId,
      context.connectionId,
      teller.remoteId,
      email,
      facts.phone?.value ?? null,
      facts.firstName?.value ?? null,
      facts.lastName?.value ?? null,
      facts.company?.value ?? null,
      isEmptyFact(facts.address?.value) ? null : toJson(facts.address?.value),
      isRelayEmail(email),
      toJson(facts),
      teller.version.sourceUpdatedAt,
      teller.version.observedAt ?? context.now,
      keys,
    ],
  });
}

function goldenClaim(record: CustomerRecord | null, field: FactField): { value: unknown; at: string | null } {
  if (record === null) return { value: null, at: null };
  return { value: record.golden.values[field], at: record.golden.provenance[field]?.at ?? null };
}

/** A statement that is silent on the address may still show it among what the platform holds. */
export function observedEmail(observed: Readonly<Record<string, unknown>> | undefined): string | null {
  const email = observed?.email;
  return typeof email === 'string' ? normalizeEmail(email) : null;
}

/**
 * True when everything that the value consists of is among the observed ones. Observations are in the platform's words
 * and do not say which of our fields they stand for; what is not among them we never write, so it is no echo.
 */
function contains(observed: readonly unknown[], value: unknown): boolean {
  if (isEmptyFact(value)) return observed.some((seen) => isEmptyFact(seen) || seen === '');
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.values(value).every((part) => part === null || contains(observed, part));
  return observed.some(
    (seen) =>
      sameJson(seen, value) ||
      (typeof seen === 'string' &&
        typeof value === 'string' &&
        seen.trim().toLowerCase() === value.trim().toLowerCase()),
  );
}
