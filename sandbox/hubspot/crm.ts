import type { Random } from '../kit/random.ts';
import { type AssociationEdge, type AssociationSpec, Associations } from './associations.ts';
import {
  badRequest,
  contactExists,
  HubSpotError,
  type InvalidValue,
  invalidValues,
  notFound,
} from './errors.ts';
import {
  type AssociationCategory,
  type AssociationType,
  hubspotAssociationTypes,
  type ObjectType,
  type ObjectTypeId,
  objectTypes,
} from './object-types.ts';
import {
  defaultFieldType,
  lifecycleStages,
  options as makeOptions,
  type PropertyDefinition,
  type PropertyGroup,
  type PropertyOption,
  type PropertyType,
  standardProperties,
} from './property-definitions.ts';
import { normaliseEmail, normaliseValue } from './property-values.ts';
import { SearchIndex } from './search.ts';

/** Who makes a change: it stands in the webhooks and in the history of a property. */
export interface Actor {
  changeSource: string;
  sourceId: string;
}

interface HistoryEntry {
  value: string;
  timestampMs: number;
  sourceType: string;
  sourceId: string;
}

export interface CrmRecord {
  id: string;
  typeId: ObjectTypeId;
  /** Never changed in place: the search index shares it. An absent name is a null value. */
  properties: Readonly<Record<string, string>>;
  createdAtMs: number;
  updatedAtMs: number;
  archivedAtMs: number | null;
  /** Newest first. Of other records than contacts only what was changed since they were made: see `historyOf`. */
  history: Record<string, HistoryEntry[]>;
}

export type CrmEvent = { typeId: ObjectTypeId; id: string; atMs: number; actor: Actor } & (
  | { kind: 'creation' }
  | { kind: 'deletion' }
  | { kind: 'privacyDeletion' }
  | { kind: 'propertyChange'; name: string; value: string | null }
  | { kind: 'merge'; mergedIds: string[]; newId: string; propertiesMoved: number }
  | { kind: 'associationChange'; edge: AssociationEdge; removed: boolean }
);

export interface AssociationInput {
  toId: string;
  specs: AssociationSpec[];
}

export interface CrmOptions {
  portalId: number;
  random: Random;
  now: () => number;
  searchLagMs: readonly [number, number];
  onEvent: (event: CrmEvent) => void;
  onChange: () => void;
}

export interface CrmState {
  records: CrmRecord[];
  nextIds: Record<string, number>;
  properties: Record<string, PropertyDefinition[]>;
  groups: Record<string, PropertyGroup[]>;
  associations: AssociationEdge[];
  associationTypes: AssociationType[];
  merged: Record<string, [oldId: string, newId: string][]>;
}

interface Store {
  type: ObjectType;
  records: Map<string, CrmRecord>;
  /** Ids in ascending order, purged ones included: what list pages over. */
  ids: string[];
  nextId: number;
  properties: Map<string, PropertyDefinition>;
  groups: Map<string, PropertyGroup>;
  /** Property → value → record id. E-mail of contacts holds the additional addresses too. */
  unique: Map<string, Map<string, string>>;
  mergedInto: Map<string, string>;
}

const historyLimit = 20;
const uniquePropertiesLimit = 10;
const firstCustomLabel = 1001;

/** What a property has held, newest first. A value that stands since the record was made needs no entry of its own. */
export function historyOf(record: CrmRecord, name: string): HistoryEntry[] {
  const value = record.properties[name];
  const changes = record.history[name];
  if (changes !== undefined || value === undefined) return changes ?? [];
  return [
    {
      value,
      timestampMs: record.createdAtMs,
      sourceType: record.properties.hs_object_source ?? '',
      sourceId: record.properties.hs_object_source_id ?? '',
    },
  ];
}

/** The portal's records, properties and associations, and the rules that hold between them. */
export class Crm {
  readonly search: SearchIndex;
  readonly associations = new Associations();
  #options: CrmOptions;
  #stores = new Map<ObjectTypeId, Store>();
  #associationTypes: AssociationType[] = [...hubspotAssociationTypes];

  constructor(options: CrmOptions) {
    this.#options = options;
    this.search = new SearchIndex(options.random, options.now, options.searchLagMs);
    this.reset();
  }

  reset(): void {
    this.associations.clear();
    this.search.clear();
    this.#associationTypes = [...hubspotAssociationTypes];
    for (const type of objectTypes) {
      const { group, definitions } = standardProperties(type.id);
      this.#stores.set(type.id, {
        type,
        records: new Map(),
        ids: [],
        nextId: type.firstId,
        properties: new Map(definitions.map((one) => [one.name, one])),
        groups: new Map([[group.name, group]]),
        unique: type.id === '0-1' ? new Map([['email', new Map()]]) : new Map(),
        mergedInto: new Map(),
      });
    }
    this.#options.onChange();
  }

  // Reading

  /** The live record behind an id; an id that was merged away leads to the survivor. */
  get(typeId: ObjectTypeId, id: string): CrmRecord | undefined {
    const record = this.#at(typeId, id);
    return record?.archivedAtMs === null ? record : undefined;
  }

  getArchived(typeId: ObjectTypeId, id: string): CrmRecord | undefined {
    const record = this.#at(typeId, id);
    return record?.archivedAtMs === null ? undefined : record;
  }

  /** The live record that carries a value of a unique property. Other properties are refused. */
  getBy(typeId: ObjectTypeId, idProperty: string, value: string): CrmRecord | undefined {
    const store = this.#store(typeId);
    const index = store.unique.get(idProperty);
    if (index === undefined) throw this.#notUnique(typeId, idProperty);
    const id = index.get(uniqueKey(idProperty, value));
    return id === undefined ? undefined : this.get(typeId, id);
  }

  /** By id, or by the value of a unique property where one is named. */
  lookUp(typeId: ObjectTypeId, idOrValue: string, idProperty: string | undefined): CrmRecord | undefined {
    return idProperty === undefined ? this.get(typeId, idOrValue) : this.getBy(typeId, idProperty, idOrValue);
  }

  /** One page in ascending order of ids, starting at `fromId`. */
  list(
    typeId: ObjectTypeId,
    page: { fromId: string | null; limit: number; archived: boolean },
  ): { records: CrmRecord[]; nextId: string | null } {
    const store = this.#store(typeId);
    const records: CrmRecord[] = [];
    for (
      let at = page.fromId === null ? 0 : position(store.ids, page.fromId);
      at < store.ids.length;
      at += 1
    ) {
      const id = store.ids[at] ?? '';
      const record = store.records.get(id);
      if (record === undefined || (record.archivedAtMs !== null) !== page.archived) continue;
      if (records.length === page.limit) return { records, nextId: id };
      records.push(record);
    }
    return { records, nextId: null };
  }

  *records(typeId: ObjectTypeId): Generator<CrmRecord> {
    for (const record of this.#store(typeId).records.values()) if (record.archivedAtMs === null) yield record;
  }

  count(typeId: ObjectTypeId): number {
    let count = 0;
    for (const record of this.#store(typeId).records.values()) if (record.archivedAtMs === null) count += 1;
    return count;
  }

  // Writing records

  create(
    typeId: ObjectTypeId,
    given: Record<string, unknown>,
    associations: readonly AssociationInput[],
    actor: Actor,
  ): CrmRecord {
    const store = this.#store(typeId);
    const values = this.#validate(store, given, undefined);
    this.#refuseTaken(store, values, undefined);
    const edges = associations.flatMap((one) =>
      one.specs.map((spec): { type: AssociationType; toId: string } => {
        const type = this.#associationType(spec, typeId);
        return { type, toId: this.#target(type.to, one.toId).id };
      }),
    );
    const now = this.#options.now();
    const id = String(store.nextId);
    store.nextId += 1;
    const properties: Record<string, string> = {};
    for (const [name, value] of values) if (value !== null) properties[name] = value;
    properties.hs_object_id = id;
    properties.hs_object_source = actor.changeSource;
    properties.hs_object_source_id = actor.sourceId;
    properties.hs_object_source_label = actor.changeSource;
    properties[store.type.createdProperty] = new Date(now).toISOString();
    properties[store.type.modifiedProperty] = new Date(now).toISOString();
    const record: CrmRecord = {
      id,
      typeId,
      properties,
      createdAtMs: now,
      updatedAtMs: now,
      archivedAtMs: null,
      history: {},
    };
    store.records.set(id, record);
    store.ids.push(id);
    this.#index(store, record);
    this.#event({ kind: 'creation', typeId, id, atMs: now, actor });
    for (const [name, value] of values) {
      if (value === null) continue;
      if (typeId === '0-1') this.#note(record, name, value, now, actor);
      this.#event({ kind: 'propertyChange', typeId, id, atMs: now, actor, name, value });
    }
    for (const edge of edges) this.#associate(edge.type, id, edge.toId, actor);
    this.#surface(record);
    this.#options.onChange();
    return record;
  }

  update(record: CrmRecord, given: Record<string, unknown>, actor: Actor): CrmRecord {
    const store = this.#store(record.typeId);
    const values = this.#validate(store, given, record);
    this.#refuseTaken(store, values, record);
    const changed = new Map<string, string | null>();
    for (const [name, value] of values)
      if ((record.properties[name] ?? null) !== value && !isStepBack(name, record.properties[name], value))
        changed.set(name, value);
    if (changed.size > 0) this.#apply(store, record, changed, actor);
    return record;
  }

  /** Updates the record that carries the value, or creates one that does. */
  upsert(
    typeId: ObjectTypeId,
    idProperty: string,
    idValue: string,
    given: Record<string, unknown>,
    actor: Actor,
  ): { record: CrmRecord; isNew: boolean } {
    const existing = this.getBy(typeId, idProperty, idValue);
    if (existing !== undefined) return { record: this.update(existing, given, actor), isNew: false };
    return { record: this.create(typeId, { [idProperty]: idValue, ...given }, [], actor), isNew: true };
  }

  archive(record: CrmRecord, actor: Actor): void {
    const store = this.#store(record.typeId);
    const now = this.#options.now();
    this.#unindex(store, record);
    for (const edge of this.associations.edgesOf(record.typeId, record.id)) this.#disconnect(edge);
    record.archivedAtMs = now;
    record.updatedAtMs = now;
    this.search.write(record.typeId, record.id, null);
    this.#event({ kind: 'deletion', typeId: record.typeId, id: record.id, atMs: now, actor });
    this.#options.onChange();
  }

  /** Deletion for the sake of privacy: nothing of the record stays. */
  purge(record: CrmRecord, actor: Actor): void {
    const store = this.#store(record.typeId);
    if (record.archivedAtMs === null) this.#unindex(store, record);
    for (const edge of this.associations.edgesOf(record.typeId, record.id)) this.#disconnect(edge);
    store.records.delete(record.id);
    this.search.write(record.typeId, record.id, null);
    const atMs = this.#options.now();
    this.#event({ kind: 'privacyDeletion', typeId: record.typeId, id: record.id, atMs, actor });
    this.#options.onChange();
  }

  /**
   * Merges two records into a third with an id of its own; there is no way back. The primary's values win, the
   * secondary's address stays as an additional one, and both old ids lead to the survivor.
   */
  merge(typeId: ObjectTypeId, primaryId: string, secondaryId: string, actor: Actor): CrmRecord {
    const store = this.#store(typeId);
    const primary = this.get(typeId, primaryId);
    const secondary = this.get(typeId, secondaryId);
    if (primary === undefined || secondary === undefined) throw notFound();
    if (primary.id === secondary.id)
      throw badRequest(`Cannot merge ${primaryId} with ${secondaryId}: they are the same record`);
    const now = this.#options.now();
    const id = String(store.nextId);
    store.nextId += 1;
    const moved = Object.keys(secondary.properties).filter(
      (name) => primary.properties[name] === undefined && store.properties.get(name)?.readOnlyValue !== true,
    );
    const properties: Record<string, string> = { ...primary.properties };
    for (const name of moved) properties[name] = secondary.properties[name] ?? '';
    if (typeId === '0-1') {
      const additional = [...emailsOf(primary), ...emailsOf(secondary)].filter(
        (email) => email !== properties.email,
      );
      if (additional.length > 0) properties.hs_additional_emails = [...new Set(additional)].join(';');
    }
    const mergedIds = [primary, secondary].flatMap((one) => [
      ...(one.properties.hs_merged_object_ids?.split(';') ?? []),
      one.id,
    ]);
    const createdAtMs = Math.min(primary.createdAtMs, secondary.createdAtMs);
    properties.hs_merged_object_ids = mergedIds.join(';');
    properties.hs_object_id = id;
    properties[store.type.createdProperty] = new Date(createdAtMs).toISOString();
    properties[store.type.modifiedProperty] = new Date(now).toISOString();
    const survivor: CrmRecord = {
      id,
      typeId,
      properties,
      createdAtMs,
      updatedAtMs: now,
      archivedAtMs: null,
      history: { ...secondary.history, ...primary.history },
    };
    const edges = [primary, secondary].flatMap((one) => this.associations.edgesOf(typeId, one.id));
    for (const one of [primary, secondary]) {
      this.#unindex(store, one);
      store.records.delete(one.id);
      store.mergedInto.set(one.id, id);
      this.search.write(typeId, one.id, null);
    }
    for (const edge of edges) {
      this.#disconnect(edge);
      const toId = this.#resolve(this.#store(edge.toType), edge.toId);
      if (edge.toType === typeId && toId === id) continue;
      const type = this.#associationType(edge, typeId, edge.toType);
      this.#connect(type, id, toId);
    }
    store.records.set(id, survivor);
    store.ids.push(id);
    this.#index(store, survivor);
    this.#surface(survivor);
    this.#event({
      kind: 'merge',
      typeId,
      id: primary.id,
      atMs: now,
      actor,
      mergedIds: [secondary.id],
      newId: id,
      propertiesMoved: moved.length,
    });
    // The record merged away is reported as deleted too; changed values of the survivor are not reported.
    this.#event({ kind: 'deletion', typeId, id: secondary.id, atMs: now, actor });
    this.#options.onChange();
    return survivor;
  }

  // Associations

  associationTypes(from: ObjectTypeId, to: ObjectTypeId): AssociationType[] {
    return this.#associationTypes.filter((type) => type.from === from && type.to === to);
  }

  defaultAssociation(from: ObjectTypeId, to: ObjectTypeId): AssociationType {
    const type = this.#associationTypes.find(
      (one) => one.from === from && one.to === to && one.label === null && one.category === 'HUBSPOT_DEFINED',
    );
    if (type === undefined) throw badRequest(`No default association exists between ${from} and ${to}`);
    return type;
  }

  associate(
    from: ObjectTypeId,
    fromId: string,
    to: ObjectTypeId,
    toId: string,
    specs: readonly AssociationSpec[],
    actor: Actor,
  ): { fromId: string; toId: string; types: AssociationType[] } {
    const types = specs.map((spec) => this.#associationType(spec, from, to));
    const source = this.#target(from, fromId);
    const target = this.#target(to, toId);
    for (const type of types) this.#associate(type, source.id, target.id, actor);
    // A label implies the plain association, as in the real portal.
    if (types.some((type) => type.label !== null)) {
      const plain = this.defaultAssociation(from, to);
      this.#associate(plain, source.id, target.id, actor);
    }
    this.#options.onChange();
    return { fromId: source.id, toId: target.id, types };
  }

  /** Takes away the named types, or every tie between the two. */
  dissociate(
    from: ObjectTypeId,
    fromId: string,
    to: ObjectTypeId,
    toId: string,
    specs: readonly AssociationSpec[] | null,
    actor: Actor,
  ): void {
    const source = this.#resolve(this.#store(from), fromId);
    const target = this.#resolve(this.#store(to), toId);
    for (const spec of specs ?? [...this.associations.between(from, source, to, target)]) {
      const edge: AssociationEdge = {
        fromType: from,
        fromId: source,
        toType: to,
        toId: target,
        category: spec.category,
        typeId: spec.typeId,
      };
      const inverse = this.#disconnect(edge);
      if (inverse === null) continue;
      const atMs = this.#options.now();
      for (const one of [edge, inverse])
        this.#event({
          kind: 'associationChange',
          typeId: one.fromType,
          id: one.fromId,
          atMs,
          actor,
          edge: one,
          removed: true,
        });
    }
    this.#options.onChange();
  }

  createLabel(
    from: ObjectTypeId,
    to: ObjectTypeId,
    label: string,
    inverseLabel: string | undefined,
  ): AssociationType[] {
    const custom = this.#associationTypes.filter((type) => type.category === 'USER_DEFINED').length;
    const forward = firstCustomLabel + custom;
    const backward = forward + (inverseLabel === undefined && from === to ? 0 : 1);
    const category: AssociationCategory = 'USER_DEFINED';
    const created: AssociationType[] = [
      { from, to, typeId: forward, category, label, inverseTypeId: backward },
    ];
    if (backward !== forward)
      created.push({
        from: to,
        to: from,
        typeId: backward,
        category,
        label: inverseLabel ?? label,
        inverseTypeId: forward,
      });
    this.#associationTypes.push(...created);
    this.#options.onChange();
    return created;
  }

  // Properties

  properties(typeId: ObjectTypeId): PropertyDefinition[] {
    return [...this.#store(typeId).properties.values()];
  }

  property(typeId: ObjectTypeId, name: string): PropertyDefinition | undefined {
    return this.#store(typeId).properties.get(name);
  }

  isCustomProperty(typeId: ObjectTypeId, name: string): boolean {
    return this.#store(typeId).properties.get(name)?.hubspotDefined === false;
  }

  createProperty(typeId: ObjectTypeId, given: Record<string, unknown>): PropertyDefinition {
    const store = this.#store(typeId);
    const name = typeof given.name === 'string' ? given.name : '';
    const existing = store.properties.get(name);
    if (existing !== undefined && existing.archivedAtMs === null)
      throw new HubSpotError(409, 'OBJECT_ALREADY_EXISTS', `A property named '${name}' already exists.`, {
        subCategory: 'Properties.PROPERTY_ALREADY_EXISTS',
        context: { name: [name] },
      });
    if (!/^[a-z][a-z0-9_]*$/.test(name) || name.length > 100)
      throw badRequest(
        `Property name '${name}' is not valid: lower-case letters, digits and underscores, beginning with a letter.`,
      );
    for (const field of ['label', 'groupName', 'type', 'fieldType'])
      if (typeof given[field] !== 'string')
        throw badRequest(`Invalid input JSON: Some required fields were not set: [${field}]`);
    const groupName = String(given.groupName);
    if (!store.groups.has(groupName))
      throw new HubSpotError(400, 'VALIDATION_ERROR', `Property group '${groupName}' does not exist`, {
        context: { groupName: [groupName] },
      });
    const type = String(given.type) as PropertyType;
    if (!(type in defaultFieldType)) throw badRequest(`Invalid property type: ${type}`);
    const hasUniqueValue = given.hasUniqueValue === true;
    if (hasUniqueValue && type !== 'string' && type !== 'number')
      throw badRequest(`Properties of type ${type} cannot have unique values.`);
    if (hasUniqueValue && uniqueCount(store) >= uniquePropertiesLimit)
      throw badRequest(
        `Cannot create another unique property: the limit is ${uniquePropertiesLimit} per object type.`,
      );
    const options = readOptions(given.options);
    if (type === 'enumeration' && options.length === 0 && given.externalOptions !== true)
      throw badRequest(`Property '${name}' of type enumeration needs options.`);
    const now = this.#options.now();
    const definition: PropertyDefinition = {
      name,
      label: String(given.label),
      description: typeof given.description === 'string' ? given.description : '',
      groupName,
      type,
      fieldType: String(given.fieldType),
      options:
        type === 'bool' && options.length === 0
          ? makeOptions([['true', 'True'] as const, ['false', 'False'] as const])
          : options,
      displayOrder: typeof given.displayOrder === 'number' ? given.displayOrder : -1,
      hasUniqueValue,
      hidden: given.hidden === true,
      formField: given.formField === true,
      hubspotDefined: false,
      calculated: false,
      externalOptions: given.externalOptions === true,
      readOnlyValue: false,
      createdAtMs: now,
      updatedAtMs: now,
      archivedAtMs: null,
    };
    store.properties.set(name, definition);
    if (hasUniqueValue) store.unique.set(name, new Map());
    this.#options.onChange();
    return definition;
  }

  updateProperty(typeId: ObjectTypeId, name: string, given: Record<string, unknown>): PropertyDefinition {
    const store = this.#store(typeId);
    const definition = store.properties.get(name);
    if (definition === undefined || definition.archivedAtMs !== null) throw propertyMissing(name);
    if (definition.hubspotDefined && definition.readOnlyValue)
      throw badRequest(`Property '${name}' is read only; its definition cannot be changed.`);
    if (given.type !== undefined && given.type !== definition.type && definition.hasUniqueValue)
      throw badRequest('The type of a property with unique values cannot be changed.');
    if (given.groupName !== undefined && !store.groups.has(String(given.groupName)))
      throw badRequest(`Property group '${String(given.groupName)}' does not exist`);
    const next: PropertyDefinition = {
      ...definition,
      ...(typeof given.label === 'string' ? { label: given.label } : {}),
      ...(typeof given.description === 'string' ? { description: given.description } : {}),
      ...(typeof given.groupName === 'string' ? { groupName: given.groupName } : {}),
      ...(typeof given.fieldType === 'string' ? { fieldType: given.fieldType } : {}),
      ...(typeof given.type === 'string' ? { type: given.type as PropertyType } : {}),
      ...(typeof given.displayOrder === 'number' ? { displayOrder: given.displayOrder } : {}),
      ...(typeof given.hidden === 'boolean' ? { hidden: given.hidden } : {}),
      ...(given.options === undefined ? {} : { options: readOptions(given.options) }),
      updatedAtMs: this.#options.now(),
    };
    store.properties.set(name, next);
    this.#options.onChange();
    return next;
  }

  /** Archiving a property hides its values everywhere. */
  archiveProperty(typeId: ObjectTypeId, name: string): void {
    const store = this.#store(typeId);
    const definition = store.properties.get(name);
    if (definition === undefined || definition.archivedAtMs !== null) throw propertyMissing(name);
    if (definition.hubspotDefined)
      throw badRequest(`Property '${name}' is HubSpot defined; it cannot be archived.`);
    store.properties.set(name, { ...definition, archivedAtMs: this.#options.now() });
    store.unique.delete(name);
    for (const record of store.records.values()) {
      if (record.properties[name] === undefined) continue;
      const { [name]: _gone, ...properties } = record.properties;
      record.properties = properties;
      if (record.archivedAtMs === null) this.#surface(record);
    }
    this.#options.onChange();
  }

  groups(typeId: ObjectTypeId): PropertyGroup[] {
    return [...this.#store(typeId).groups.values()];
  }

  createGroup(typeId: ObjectTypeId, given: Record<string, unknown>): PropertyGroup {
    const store = this.#store(typeId);
    if (typeof given.name !== 'string' || typeof given.label !== 'string')
      throw badRequest('Invalid input JSON: Some required fields were not set: [name, label]');
    if (store.groups.has(given.name))
      throw new HubSpotError(
        409,
        'OBJECT_ALREADY_EXISTS',
        `A property group named '${given.name}' already exists.`,
        { subCategory: 'Properties.PROPERTY_GROUP_ALREADY_EXISTS' },
      );
    const group: PropertyGroup = {
      name: given.name,
      label: given.label,
      displayOrder: typeof given.displayOrder === 'number' ? given.displayOrder : -1,
      hubspotDefined: false,
    };
    store.groups.set(group.name, group);
    this.#options.onChange();
    return group;
  }

  updateGroup(typeId: ObjectTypeId, name: string, given: Record<string, unknown>): PropertyGroup {
    const group = this.#store(typeId).groups.get(name);
    if (group === undefined) throw notFound();
    if (typeof given.label === 'string') group.label = given.label;
    if (typeof given.displayOrder === 'number') group.displayOrder = given.displayOrder;
    this.#options.onChange();
    return group;
  }

  archiveGroup(typeId: ObjectTypeId, name: string): void {
    const store = this.#store(typeId);
    const group = store.groups.get(name);
    if (group === undefined) throw notFound();
    for (const definition of store.properties.values())
      if (definition.groupName === name && definition.archivedAtMs === null)
        throw badRequest(`Property group '${name}' still has properties.`);
    store.groups.delete(name);
    this.#options.onChange();
  }

  // State

  state(): CrmState {
    const stores = [...this.#stores.values()];
    return {
      records: stores.flatMap((store) => [...store.records.values()]),
      nextIds: Object.fromEntries(stores.map((store) => [store.type.id, store.nextId])),
      properties: Object.fromEntries(
        stores.map((store) => [
          store.type.id,
          [...store.properties.values()].filter((one) => !one.hubspotDefined),
        ]),
      ),
      groups: Object.fromEntries(stores.map((store) => [store.type.id, [...store.groups.values()]])),
      associations: [...this.associations.all()],
      associationTypes: this.#associationTypes.filter((type) => type.category === 'USER_DEFINED'),
      merged: Object.fromEntries(stores.map((store) => [store.type.id, [...store.mergedInto]])),
    };
  }

  restore(state: CrmState): void {
    this.reset();
    this.#associationTypes.push(...state.associationTypes);
    for (const store of this.#stores.values()) {
      const typeId = store.type.id;
      store.nextId = state.nextIds[typeId] ?? store.nextId;
      for (const group of state.groups[typeId] ?? []) store.groups.set(group.name, group);
      for (const definition of state.properties[typeId] ?? []) {
        store.properties.set(definition.name, definition);
        if (definition.hasUniqueValue && definition.archivedAtMs === null)
          store.unique.set(definition.name, new Map());
      }
      store.mergedInto = new Map(state.merged[typeId] ?? []);
    }
    for (const record of state.records) {
      const store = this.#store(record.typeId);
      store.records.set(record.id, record);
      store.ids.push(record.id);
      if (record.archivedAtMs !== null) continue;
      this.#index(store, record);
      this.#surface(record);
    }
    for (const store of this.#stores.values()) store.ids.sort((a, b) => Number(a) - Number(b));
    for (const edge of state.associations) this.associations.add(edge);
  }

  // Helpers

  #store(typeId: ObjectTypeId): Store {
    const store = this.#stores.get(typeId);
    if (store === undefined) throw new Error(`no store for ${typeId}`);
    return store;
  }

  #resolve(store: Store, id: string): string {
    let at = id;
    for (let next = store.mergedInto.get(at); next !== undefined; next = store.mergedInto.get(at)) at = next;
    return at;
  }

  #at(typeId: ObjectTypeId, id: string): CrmRecord | undefined {
    const store = this.#store(typeId);
    return store.records.get(this.#resolve(store, id));
  }

  #target(typeId: ObjectTypeId, id: string): CrmRecord {
    const record = this.get(typeId, id);
    if (record !== undefined) return record;
    const { singular } = this.#store(typeId).type;
    throw new HubSpotError(
      404,
      'OBJECT_NOT_FOUND',
      `Could not find ${singular.toUpperCase()} with id ${id} to associate.`,
      { context: { ids: [id] } },
    );
  }

  #notUnique(typeId: ObjectTypeId, name: string): HubSpotError {
    return badRequest(
      `Unable to perform update/upsert by non-unique ${typeId} property ${name} in portal ID ${this.#options.portalId}`,
    );
  }

  /** Every refused value of the input is named at once; nothing is written unless all pass. */
  #validate(
    store: Store,
    given: Record<string, unknown>,
    record: CrmRecord | undefined,
  ): Map<string, string | null> {
    const values = new Map<string, string | null>();
    const invalid: InvalidValue[] = [];
    for (const [name, raw] of Object.entries(given)) {
      const definition = store.properties.get(name);
      if (definition === undefined || definition.archivedAtMs !== null) {
        invalid.push({
          name,
          error: 'PROPERTY_DOESNT_EXIST',
          message: `Property "${name}" does not exist`,
        });
        continue;
      }
      if (definition.readOnlyValue) {
        invalid.push({
          name,
          error: 'READ_ONLY_VALUE',
          message: `"${name}" is a read only property; its value cannot be set.`,
        });
        continue;
      }
      const normal = normaliseValue(definition, raw, record?.properties[name]);
      if (!normal.ok) {
        invalid.push({ name, ...normal.invalid });
        continue;
      }
      values.set(name, normal.value);
    }
    if (store.type.id === '0-1') invalid.push(...this.#checkEmails(values));
    if (invalid.length > 0) throw invalidValues(invalid, this.#options.portalId);
    if (store.type.id === '0-1') keepAddressesApart(values, record);
    return values;
  }

  #checkEmails(values: Map<string, string | null>): InvalidValue[] {
    const invalid: InvalidValue[] = [];
    for (const name of ['email', 'hs_additional_emails']) {
      const value = values.get(name);
      if (value === undefined || value === null) continue;
      const addresses = (name === 'email' ? [value] : value.split(';')).map((given) => ({
        given,
        normal: normaliseEmail(given),
      }));
      for (const { given, normal } of addresses)
        if (normal === null)
          invalid.push({
            name,
            error: 'INVALID_EMAIL',
            message: `Email address ${given} is invalid`,
            value: given,
          });
      values.set(name, addresses.map((one) => one.normal ?? '').join(';'));
    }
    return invalid;
  }

  /** Unique values and e-mail addresses belong to one record each. */
  #refuseTaken(store: Store, values: ReadonlyMap<string, string | null>, own: CrmRecord | undefined): void {
    const invalid: InvalidValue[] = [];
    for (const [name, value] of values) {
      if (value === null) continue;
      if (store.type.id === '0-1' && (name === 'email' || name === 'hs_additional_emails')) {
        for (const email of value.split(';')) {
          const holder = store.unique.get('email')?.get(email);
          if (holder !== undefined && holder !== own?.id) throw contactExists(holder);
        }
        continue;
      }
      const holder = store.unique.get(name)?.get(uniqueKey(name, value));
      if (holder !== undefined && holder !== own?.id)
        invalid.push({
          name,
          error: 'CONFLICTING_UNIQUE_VALUE',
          message: `${holder} already has that value.`,
          value,
        });
    }
    if (invalid.length > 0) throw invalidValues(invalid, this.#options.portalId);
  }

  #apply(store: Store, record: CrmRecord, changed: ReadonlyMap<string, string | null>, actor: Actor): void {
    const now = this.#options.now();
    this.#unindex(store, record);
    const before = record.properties;
    const properties: Record<string, string> = { ...before };
    for (const [name, value] of changed) {
      if (value === null) delete properties[name];
      else properties[name] = value;
    }
    properties[store.type.modifiedProperty] = new Date(now).toISOString();
    record.properties = properties;
    record.updatedAtMs = now;
    this.#index(store, record);
    for (const [name, value] of changed) {
      record.history[name] ??= historyOf({ ...record, properties: before }, name);
      this.#note(record, name, value ?? '', now, actor);
      this.#event({
        kind: 'propertyChange',
        typeId: record.typeId,
        id: record.id,
        atMs: now,
        actor,
        name,
        value,
      });
    }
    this.#surface(record);
    this.#options.onChange();
  }

  #note(record: CrmRecord, name: string, value: string, timestampMs: number, actor: Actor): void {
    const entry: HistoryEntry = {
      value,
      timestampMs,
      sourceType: actor.changeSource,
      sourceId: actor.sourceId,
    };
    record.history[name] = [entry, ...(record.history[name] ?? [])].slice(0, historyLimit);
  }

  #index(store: Store, record: CrmRecord): void {
    for (const [name, index] of store.unique)
      for (const key of uniqueKeys(store, record, name)) index.set(key, record.id);
  }

  #unindex(store: Store, record: CrmRecord): void {
    for (const [name, index] of store.unique)
      for (const key of uniqueKeys(store, record, name)) if (index.get(key) === record.id) index.delete(key);
  }

  #surface(record: CrmRecord): void {
    this.search.write(record.typeId, record.id, {
      id: record.id,
      properties: record.properties,
      createdAtMs: record.createdAtMs,
      updatedAtMs: record.updatedAtMs,
    });
  }

  /** The type that a spec names; where `to` is open, the type decides what kind of record it leads to. */
  #associationType(spec: AssociationSpec, from: ObjectTypeId, to?: ObjectTypeId): AssociationType {
    const type = this.#associationTypes.find(
      (one) =>
        one.typeId === spec.typeId &&
        one.category === spec.category &&
        one.from === from &&
        (to === undefined || one.to === to),
    );
    if (type === undefined)
      throw badRequest(
        `Invalid association type: ${spec.category} ${spec.typeId} is not defined for ${this.#store(from).type.singular}${to === undefined ? '' : ` to ${this.#store(to).type.singular}`}.`,
      );
    return type;
  }

  #associate(type: AssociationType, fromId: string, toId: string, actor: Actor): void {
    const edges = this.#connect(type, fromId, toId);
    const atMs = this.#options.now();
    for (const edge of edges)
      this.#event({
        kind: 'associationChange',
        typeId: edge.fromType,
        id: edge.fromId,
        atMs,
        actor,
        edge,
        removed: false,
      });
  }

  /** Both directions; empty where the tie stood already. */
  #connect(type: AssociationType, fromId: string, toId: string): AssociationEdge[] {
    const { category } = type;
    const forward: AssociationEdge = {
      fromType: type.from,
      fromId,
      toType: type.to,
      toId,
      category,
      typeId: type.typeId,
    };
    const backward = this.#inverse(forward, type);
    const isNew = this.associations.add(forward);
    this.associations.add(backward);
    return isNew ? [forward, backward] : [];
  }

  #disconnect(edge: AssociationEdge): AssociationEdge | null {
    const inverse = this.#inverse(edge, this.#associationType(edge, edge.fromType, edge.toType));
    const removed = this.associations.remove(edge);
    this.associations.remove(inverse);
    return removed ? inverse : null;
  }

  #inverse(edge: AssociationEdge, type: AssociationType): AssociationEdge {
    return {
      fromType: edge.toType,
      fromId: edge.toId,
      toType: edge.fromType,
      toId: edge.fromId,
      category: edge.category,
      typeId: type.inverseTypeId,
    };
  }

  #event(event: CrmEvent): void {
    this.#options.onEvent(event);
  }
}

export function propertyMissing(name: string): HubSpotError {
  return new HubSpotError(404, 'OBJECT_NOT_FOUND', `Property '${name}' does not exist.`, {
    subCategory: 'Properties.PROPERTY_NOT_FOUND',
    context: { propertyName: [name] },
  });
}

/** HubSpot moves a lifecycle stage forward only and ignores the rest without a word. */
function isStepBack(name: string, before: string | undefined, after: string | null): boolean {
  if (name !== 'lifecyclestage' || before === undefined || after === null) return false;
  const stages: readonly string[] = lifecycleStages;
  return stages.indexOf(after) < stages.indexOf(before);
}

/**
 * An address is either the primary or an additional one. An additional address made primary changes places with the
 * old primary.
 */
function keepAddressesApart(values: Map<string, string | null>, record: CrmRecord | undefined): void {
  const before = record?.properties.email;
  const given = values.get('email');
  const email = given === undefined ? before : (given ?? undefined);
  const additionalBefore = record?.properties.hs_additional_emails;
  const additional = values.get('hs_additional_emails') ?? additionalBefore;
  if (email === undefined || !additional?.split(';').includes(email)) return;
  if (values.get('hs_additional_emails') === null) return;
  const left = additional.split(';').filter((one) => one !== email);
  if (before !== undefined && before !== email && !left.includes(before)) left.push(before);
  values.set('hs_additional_emails', left.length === 0 ? null : left.join(';'));
}

function emailsOf(record: CrmRecord): string[] {
  return [record.properties.email, ...(record.properties.hs_additional_emails?.split(';') ?? [])].filter(
    (email): email is string => email !== undefined && email !== '',
  );
}

function uniqueKeys(store: Store, record: CrmRecord, name: string): string[] {
  if (store.type.id === '0-1' && name === 'email') return emailsOf(record);
  const value = record.properties[name];
  return value === undefined ? [] : [uniqueKey(name, value)];
}

function uniqueKey(name: string, value: string): string {
  return name === 'email' ? value.trim().toLowerCase() : value;
}

function uniqueCount(store: Store): number {
  return [...store.properties.values()].filter((one) => one.hasUniqueValue && one.archivedAtMs === null)
    .length;
}

/** Where an id stands, or would stand, in the ascending list. */
function position(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Number(ids[middle]) < Number(id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readOptions(given: unknown): PropertyOption[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw badRequest('options must be an array');
  return given.map((one: Partial<PropertyOption>, index) => {
    if (typeof one?.label !== 'string' || typeof one.value !== 'string')
      throw badRequest('Invalid input JSON: every option needs a label and a value');
    return {
      label: one.label,
      value: one.value,
      displayOrder: one.displayOrder ?? index,
      hidden: one.hidden ?? false,
      description: one.description ?? '',
    };
  });
}
