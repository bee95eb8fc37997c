/** What a custom field can belong to. */
export const customFieldOwners = ['Customer', 'Order'] as const;
export type CustomFieldOwner = (typeof customFieldOwners)[number];

export const customFieldTypes = ['text', 'number', 'money', 'date', 'boolean', 'enumeration'] as const;
export type CustomFieldType = (typeof customFieldTypes)[number];

/** Where the value of a custom field comes from. */
export type CustomFieldSource =
  /** A metafield of the owner at Shopify. */
  | { kind: 'metafield'; namespace: string; key: string }
  /** A note attribute of the order: what the cart or the checkout asked for. */
  | { kind: 'attribute'; name: string }
  /** A property of the order's lines, such as an engraving. */
  | { kind: 'lineAttribute'; name: string }
  /** Tags that begin with this; the rest is the value. A tag that is nothing but the prefix says yes. */
  | { kind: 'tag'; prefix: string };

export interface CustomFieldOption {
  value: string;
  label: string;
  /** Other spellings of the same. */
  aliases: string[];
}

/** How what is told becomes the value. */
export interface CustomFieldTransform {
  /** Where the value stands in a JSON text, for example `details.items[0].serial`. */
  jsonPath?: string | undefined;
  /** Ways a date may be written, for example `DD.MM.YYYY`; ISO 8601 is always understood. */
  dateFormats?: string[] | undefined;
  /** The unit that numbers are kept in, for example `months` or `kg`; other units of its kind are converted. */
  unit?: string | undefined;
  /** `1.234,5` instead of `1,234.5`. */
  decimalComma?: boolean | undefined;
}

export interface CustomFieldLimits {
  /** Decimal strings. */
  min?: string | undefined;
  max?: string | undefined;
  /** Digits after the point that are kept; more of them are refused. */
  decimals?: number | undefined;
  maxLength?: number | undefined;
  /** What a money field is kept in; absent: the currency that is told beside the amount, else the owner's. */
  currency?: string | undefined;
}

/**
 * Who has the last word where HubSpot's people changed the property: the platform that it came from, HubSpot, or whoever
 * spoke last.
 */
export const customFieldAuthorities = ['source', 'hubspot', 'latest'] as const;
export type CustomFieldAuthority = (typeof customFieldAuthorities)[number];

/** A custom field as the retailer declared it. */
export interface CustomFieldDeclaration {
  owner: CustomFieldOwner;
  /** Stable name within its owner. */
  key: string;
  name: string;
  description: string | null;
  type: CustomFieldType;
  source: CustomFieldSource;
  transform: CustomFieldTransform;
  limits: CustomFieldLimits;
  /** Of an enumeration; empty for every other type. */
  options: CustomFieldOption[];
  /** HubSpot's internal name of the property; null: it is not sent there. */
  hubspotProperty: string | null;
  /** Name of the custom field on QuickBooks' sales forms; null: it is not sent there. Only of orders. */
  quickbooksField: string | null;
  /** What people write over it in HubSpot, and is believed, goes back into the metafield that it comes from. */
  writeBack: boolean;
  authority: CustomFieldAuthority;
}

export interface CustomField extends CustomFieldDeclaration {
  id: bigint;
  declaredBy: 'api' | 'file';
}

/**
 * A value in its one spelling: text as it is, a number as a plain decimal, a date as `YYYY-MM-DD`, an option by its value,
 * yes and no as `true` and `false`, money as `12.50 EUR`.
 */
export type CustomFieldText = string;

/** A custom field of one customer or order, as planning sees it. */
export interface CustomFieldState
  extends Pick<CustomField, 'key' | 'name' | 'type' | 'hubspotProperty' | 'quickbooksField'> {
  value: CustomFieldText | null;
  /** Of the option that it is; null for every other type. */
  label: string | null;
  /** What people wrote into the property has the last word and is not understood: it is left to them as it stands. */
  isLeft?: boolean;
  /**
   * The metafield that is behind: its type where it stands, what it was read as and since when, and when people wrote what it
   * should say. Absent: none is.
   */
  behind?: {
    namespace: string;
    key: string;
    type: string | null;
    was: string | null;
    at: string | null;
    saidAt: string | null;
  } | null;
}

/** A metafield as Shopify tells it. */
export interface MetafieldValue {
  type: string;
  value: string;
  /** When it was last written, ISO 8601; absent where that was not told. */
  at?: string;
}
