import { minorNumber } from './decimal.ts';
import {
  type Account,
  type Entity,
  type EntityType,
  entityTypes,
  isEntityType,
  isListType,
  isNameType,
  isTransactionType,
  type NameType,
  type Preferences,
  type Ref,
} from './entities.ts';
import { entryFrom, Ledger, type LedgerEntryView, viewOf } from './ledger.ts';
import { type ClosedPeriodCode, invalidReference, objectNotFound } from './qbo-fault.ts';

export type Operation = 'Create' | 'Update' | 'Delete' | 'Void';

export interface Change {
  type: EntityType;
  id: string;
  operation: Operation;
  atMs: number;
}

/** What a company is beyond its preferences: the parts no API call can change. */
export interface CompanySettings {
  name: string;
  country: string;
  taxMode: 'us' | 'global';
  /** Home units per unit of a foreign currency, as decimal text; used where a transaction brings no rate. */
  exchangeRates: Record<string, string>;
  /** Whether a document number may be used once per type of transaction or once in the company. */
  docNumberScope: 'type' | 'company';
  /** How a posting into closed books is reported, and with which HTTP status. */
  closedPeriodCode: ClosedPeriodCode;
  closedPeriodStatus: number;
  /** An expired subscription refuses writes, oddly inside HTTP 200. */
  companyStatus: 'active' | 'expired';
  /** Accounts that postings fall back on, by role. */
  accounts: Record<AccountRole, string>;
  /** Receivable account per currency. */
  receivables: Record<string, string>;
  /** Payable account per tax rate. */
  taxPayables: Record<string, string>;
}

export type AccountRole =
  | 'undepositedFunds'
  | 'salesTaxPayable'
  | 'discounts'
  | 'shippingIncome'
  | 'openingBalanceEquity'
  | 'salesIncome';

export interface BooksSnapshot {
  version: 1;
  settings: CompanySettings;
  sequences: Record<string, number>;
  entities: Partial<Record<EntityType, Entity[]>>;
  tombstones: Tombstone[];
  entries: LedgerEntryView[];
}

export interface Tombstone {
  type: EntityType;
  id: string;
  lastUpdatedTime: string;
  atMs: number;
}

/** Company time: a fixed offset, so that a day is the same day on every machine. */
const offsetMinutes = -8 * 60;
const offsetText = '-08:00';

/** All objects of one company, their indexes, and the ledger that they post to. */
export class Books {
  readonly now: () => number;
  readonly ledger = new Ledger();
  /** Invoice or credit memo ("Type:Id") → payment id → what the payment applies to it. */
  readonly applied = new Map<string, Map<string, bigint>>();
  /** Transaction ("Type:Id") → deposit that took it to the bank. */
  readonly deposited = new Map<string, string>();
  settings: CompanySettings;
  #collections = new Map<EntityType, Collection>();
  #sequences = new Map<string, number>();
  #names = new Map<string, { type: NameType; id: string }>();
  #listeners: ((change: Change) => void)[] = [];
  #tombstones: Tombstone[] = [];

  constructor(settings: CompanySettings, now: () => number) {
    this.settings = settings;
    this.now = now;
    for (const type of entityTypes) this.#collections.set(type, new Collection(indexedFields(type)));
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  of(type: EntityType): Collection {
    const collection = this.#collections.get(type);
    if (collection === undefined) throw new Error(`no collection ${type}`);
    return collection;
  }

  find<T extends Entity = Entity>(type: EntityType, id: string): T | undefined {
    return this.of(type).byId.get(id) as T | undefined;
  }

  /** The object a reference names: 2500 where there is none, 610 where it was made inactive. */
  resolve<T extends Entity = Entity>(type: EntityType, ref: Ref, element: string): T {
    const entity = this.find<T>(type, ref.value);
    if (entity === undefined) throw invalidReference(element, plural(type), ref.value);
    if (entity.Active === false) throw objectNotFound(element);
    return entity;
  }

  get preferences(): Preferences {
    const preferences = this.find<Preferences>('Preferences', '1');
    if (preferences === undefined) throw new Error('a company without preferences');
    return preferences;
  }

  get homeCurrency(): string {
    return this.preferences.CurrencyPrefs.HomeCurrency.value;
  }

  /** Ids come from the platform's sequences: transactions share one, people and firms share one, every list has its own. */
  nextId(type: EntityType): string {
    return String(
      this.next(isTransactionType(type) ? 'transaction' : isNameType(type) ? 'name' : `list:${type}`),
    );
  }

  next(sequence: string): number {
    const value = (this.#sequences.get(sequence) ?? 0) + 1;
    this.#sequences.set(sequence, value);
    return value;
  }

  startSequence(sequence: string, lastUsed: number): void {
    this.#sequences.set(sequence, lastUsed);
  }

  /** Who holds a display name; customers, vendors and employees share one name space. */
  nameHolder(name: string): { type: NameType; id: string } | undefined {
    return this.#names.get(name.trim().toLowerCase());
  }

  save(type: EntityType, entity: Entity, operation: Operation): void {
    const previous = this.find(type, entity.Id);
    if (isNameType(type)) {
      if (previous !== undefined) this.#names.delete(String(previous.DisplayName).toLowerCase());
      this.#names.set(String(entity.DisplayName).trim().toLowerCase(), { type, id: entity.Id });
    }
    const atMs = this.now();
    this.of(type).put(entity, previous, atMs);
    this.#emit({ type, id: entity.Id, operation, atMs });
  }

  drop(type: EntityType, id: string): void {
    const entity = this.find(type, id);
    if (entity === undefined) return;
    const atMs = this.now();
    this.of(type).remove(entity);
    this.#tombstones.push({ type, id, lastUpdatedTime: this.stamp(atMs), atMs });
    this.#emit({ type, id, operation: 'Delete', atMs });
  }

  tombstonesSince(type: EntityType, sinceMs: number): Tombstone[] {
    return this.#tombstones.filter((one) => one.type === type && one.atMs >= sinceMs);
  }

  /** As the platform writes times: company zone, whole seconds. */
  stamp(atMs: number = this.now()): string {
    return `${new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, 19)}${offsetText}`;
  }

  /** The `time` of an answer: company zone, milliseconds. */
  answerTime(): string {
    return `${new Date(this.now() + offsetMinutes * 60_000).toISOString().slice(0, 23)}${offsetText}`;
  }

  today(): string {
    return this.stamp().slice(0, 10);
  }

  /** The object as the API shows it: with the balances that postings have made. */
  present(type: EntityType, entity: Entity): Entity {
    if (type === 'Customer') {
      const balance = minorNumber(this.ledger.customerBalance(entity.Id));
      return { ...entity, Balance: balance, BalanceWithJobs: balance };
    }
    if (type === 'Account') {
      const account = entity as Account;
      const sign = account.Classification === 'Asset' || account.Classification === 'Expense' ? 1n : -1n;
      const balance = minorNumber(sign * this.ledger.homeBalance(entity.Id));
      return { ...entity, CurrentBalance: balance, CurrentBalanceWithSubAccounts: balance };
    }
    if (type === 'Item' && entity.TrackQtyOnHand === true) {
      const { units, scale } = this.ledger.onHand(entity.Id);
      return { ...entity, QtyOnHand: Number(units) / 10 ** scale };
    }
    return entity;
  }

  snapshot(): BooksSnapshot {
    const entities: Partial<Record<EntityType, Entity[]>> = {};
    for (const type of entityTypes) entities[type] = [...this.of(type).byId.values()];
    return {
      version: 1,
      settings: this.settings,
      sequences: Object.fromEntries(this.#sequences),
      entities,
      tombstones: this.#tombstones,
      entries: [...this.ledger.entries()].map(viewOf),
    };
  }

  /** Fills empty books from a snapshot; links between transactions are read from the transactions themselves. */
  restore(snapshot: BooksSnapshot, link: (type: EntityType, entity: Entity) => void): void {
    this.settings = snapshot.settings;
    for (const [sequence, value] of Object.entries(snapshot.sequences)) this.#sequences.set(sequence, value);
    this.#tombstones = snapshot.tombstones;
    for (const [type, entities] of Object.entries(snapshot.entities)) {
      if (!isEntityType(type)) continue;
      for (const entity of entities) {
        this.of(type).put(entity, undefined, Date.parse(entity.MetaData.LastUpdatedTime));
        if (isNameType(type))
          this.#names.set(String(entity.DisplayName).toLowerCase(), { type, id: entity.Id });
        link(type, entity);
      }
      this.of(type).sortLog();
    }
    for (const entry of snapshot.entries) this.ledger.post(entryFrom(entry));
  }

  #emit(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** One type's objects, found by id and by the fields that queries ask for most. */
export class Collection {
  readonly byId = new Map<string, Entity>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  /** Changes in the order in which they happened; superseded ones are weeded out now and then. */
  #log: { id: string; atMs: number }[] = [];

  constructor(fields: readonly string[]) {
    for (const field of fields) this.#indexes.set(field, new Map());
  }

  put(entity: Entity, previous: Entity | undefined, atMs: number): void {
    if (previous !== undefined) this.#unindex(previous);
    this.byId.set(entity.Id, entity);
    for (const [field, index] of this.#indexes) {
      const key = indexKey(valueAt(entity, field));
      if (key === undefined) continue;
      const ids = index.get(key);
      if (ids === undefined) index.set(key, new Set([entity.Id]));
      else ids.add(entity.Id);
    }
    this.#log.push({ id: entity.Id, atMs });
    if (this.#log.length > 4 * this.byId.size + 1000) this.#weed();
  }

  remove(entity: Entity): void {
    this.#unindex(entity);
    this.byId.delete(entity.Id);
  }

  /** Objects whose field equals a value, or null where the field has no index. */
  where(field: string, value: string): Entity[] | null {
    const index = this.#indexes.get(field);
    if (index === undefined) return null;
    const found: Entity[] = [];
    for (const id of index.get(value.toLowerCase()) ?? []) {
      const entity = this.byId.get(id);
      if (entity !== undefined) found.push(entity);
    }
    return found;
  }

  /** Objects changed at or after a moment, the oldest change first. */
  changedSince(sinceMs: number): Entity[] {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle]?.atMs ?? 0) < sinceMs) low = middle + 1;
      else high = middle;
    }
    const latest = new Set<string>();
    for (const { id } of this.#log.slice(low)) {
      latest.delete(id);
      latest.add(id);
    }
    return [...latest].flatMap((id) => this.byId.get(id) ?? []);
  }

  sortLog(): void {
    this.#log.sort((a, b) => a.atMs - b.atMs);
  }

  #unindex(entity: Entity): void {
    for (const [field, index] of this.#indexes) {
      const key = indexKey(valueAt(entity, field));
      if (key === undefined) continue;
      const ids = index.get(key);
      ids?.delete(entity.Id);
      if (ids?.size === 0) index.delete(key);
    }
  }

  #weed(): void {
    const last = new Map<string, { id: string; atMs: number }>();
    for (const one of this.#log) {
      last.delete(one.id);
      if (this.byId.has(one.id)) last.set(one.id, one);
    }
    this.#log = [...last.values()];
  }
}

/** A field as queries see it: dotted paths are followed, references stand for their value, e-mail for its address. */
export function valueAt(entity: Entity, path: string): string | number | boolean | undefined {
  let value: unknown = entity;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>;
    value = record.value ?? record.Address ?? record.FreeFormNumber;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}

export function plural(type: string): string {
  return type === 'Class' ? 'Classes' : type.endsWith('y') ? `${type.slice(0, -1)}ies` : `${type}s`;
}

function indexKey(value: string | number | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value).toLowerCase();
}

function indexedFields(type: EntityType): readonly string[] {
  if (isNameType(type)) return ['DisplayName', 'PrimaryEmailAddr', 'CompanyName'];
  if (type === 'Item') return ['Name', 'FullyQualifiedName', 'Sku'];
  if (isTransactionType(type)) return ['DocNumber', 'CustomerRef', 'TxnDate'];
  if (isListType(type)) return ['Name', 'FullyQualifiedName'];
  return [];
}
