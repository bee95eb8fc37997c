import { HubSpotError } from './errors.ts';

export type ObjectTypeId = '0-1' | '0-2' | '0-3' | '0-7' | '0-8' | '0-123';

export interface ObjectType {
  id: ObjectTypeId;
  singular: string;
  plural: string;
  /** Ids count up from here, apart per type, so that mixing two types up is noticed. */
  firstId: number;
  createdProperty: string;
  modifiedProperty: string;
  /** Returned when the caller names no properties. */
  defaultProperties: readonly string[];
  /** What the free-text `query` of a search looks at. */
  queryProperties: readonly string[];
  /** Object types of the classic webhook names (`contact.creation`); orders never had one. */
  classicWebhooks: boolean;
}

const list: readonly ObjectType[] = [
  {
    id: '0-1',
    singular: 'contact',
    plural: 'contacts',
    firstId: 101_000_000_001,
    createdProperty: 'createdate',
    modifiedProperty: 'lastmodifieddate',
    defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    queryProperties: ['firstname', 'lastname', 'email', 'phone', 'hs_additional_emails', 'company'],
    classicWebhooks: true,
  },
  {
    id: '0-2',
    singular: 'company',
    plural: 'companies',
    firstId: 202_000_000_001,
    createdProperty: 'createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    queryProperties: ['name', 'domain', 'website', 'phone'],
    classicWebhooks: true,
  },
  {
    id: '0-3',
    singular: 'deal',
    plural: 'deals',
    firstId: 303_000_000_001,
    createdProperty: 'createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    queryProperties: ['dealname', 'pipeline', 'dealstage', 'description', 'dealtype'],
    classicWebhooks: true,
  },
  {
    id: '0-7',
    singular: 'product',
    plural: 'products',
    firstId: 707_000_000_001,
    createdProperty: 'createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'description', 'hs_lastmodifieddate', 'hs_object_id', 'name', 'price'],
    queryProperties: ['name', 'description', 'price', 'hs_sku'],
    classicWebhooks: true,
  },
  {
    id: '0-8',
    singular: 'line_item',
    plural: 'line_items',
    firstId: 808_000_000_001,
    createdProperty: 'createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['createdate', 'hs_lastmodifieddate', 'hs_object_id', 'hs_product_id', 'quantity'],
    queryProperties: ['name', 'description', 'hs_sku'],
    classicWebhooks: true,
  },
  {
    id: '0-123',
    singular: 'order',
    plural: 'orders',
    firstId: 540_000_000_001,
    createdProperty: 'hs_createdate',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    queryProperties: ['hs_order_name', 'hs_external_order_id', 'hs_source_store'],
    classicWebhooks: false,
  },
];

const byName = new Map<string, ObjectType>();
for (const type of list) for (const name of [type.id, type.singular, type.plural]) byName.set(name, type);

export const objectTypes: readonly ObjectType[] = list;

/** Accepts what HubSpot accepts: singular, plural and the type id. */
export function objectTypeNamed(name: string): ObjectType {
  const type = byName.get(name.toLowerCase());
  if (type === undefined)
    throw new HubSpotError(400, 'VALIDATION_ERROR', `Unable to infer object type from: ${name}`);
  return type;
}

export type AssociationCategory = 'HUBSPOT_DEFINED' | 'USER_DEFINED' | 'INTEGRATOR_DEFINED';

export interface AssociationType {
  from: ObjectTypeId;
  to: ObjectTypeId;
  typeId: number;
  category: AssociationCategory;
  label: string | null;
  /** The type that holds in the other direction. */
  inverseTypeId: number;
}

function pair(
  from: ObjectTypeId,
  to: ObjectTypeId,
  forward: number,
  backward: number,
  label: string | null = null,
): AssociationType[] {
  return [
    { from, to, typeId: forward, category: 'HUBSPOT_DEFINED', label, inverseTypeId: backward },
    { from: to, to: from, typeId: backward, category: 'HUBSPOT_DEFINED', label, inverseTypeId: forward },
  ];
}

/** HubSpot's own association types between the objects served here; the unlabelled one is the default. */
export const hubspotAssociationTypes: readonly AssociationType[] = [
  ...pair('0-1', '0-2', 279, 280),
  ...pair('0-1', '0-2', 1, 2, 'Primary'),
  ...pair('0-1', '0-3', 4, 3),
  ...pair('0-3', '0-2', 341, 342),
  ...pair('0-3', '0-2', 5, 6, 'Primary'),
  ...pair('0-3', '0-8', 19, 20),
  ...pair('0-123', '0-1', 507, 508),
  ...pair('0-123', '0-2', 509, 510),
  ...pair('0-123', '0-3', 512, 511),
  ...pair('0-123', '0-8', 513, 514),
];
