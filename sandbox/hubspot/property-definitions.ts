import type { ObjectTypeId } from './object-types.ts';

export type PropertyType =
  | 'string'
  | 'number'
  | 'date'
  | 'datetime'
  | 'enumeration'
  | 'bool'
  | 'phone_number';

export interface PropertyOption {
  label: string;
  value: string;
  displayOrder: number;
  hidden: boolean;
  description: string;
}

export interface PropertyDefinition {
  name: string;
  label: string;
  description: string;
  groupName: string;
  type: PropertyType;
  fieldType: string;
  options: PropertyOption[];
  displayOrder: number;
  hasUniqueValue: boolean;
  hidden: boolean;
  formField: boolean;
  hubspotDefined: boolean;
  calculated: boolean;
  /** Options live elsewhere (owners): any value passes. */
  externalOptions: boolean;
  readOnlyValue: boolean;
  createdAtMs: number;
  updatedAtMs: number;
  archivedAtMs: number | null;
}

export interface PropertyGroup {
  name: string;
  label: string;
  displayOrder: number;
  hubspotDefined: boolean;
}

/** The form in which the properties API shows a definition. */
export function publicProperty(definition: PropertyDefinition): Record<string, unknown> {
  return {
    name: definition.name,
    label: definition.label,
    description: definition.description,
    groupName: definition.groupName,
    type: definition.type,
    fieldType: definition.fieldType,
    options: definition.options,
    displayOrder: definition.displayOrder,
    hasUniqueValue: definition.hasUniqueValue,
    hidden: definition.hidden,
    formField: definition.formField,
    hubspotDefined: definition.hubspotDefined,
    calculated: definition.calculated,
    externalOptions: definition.externalOptions,
    archived: definition.archivedAtMs !== null,
    ...(definition.archivedAtMs === null
      ? {}
      : { archivedAt: new Date(definition.archivedAtMs).toISOString() }),
    createdAt: new Date(definition.createdAtMs).toISOString(),
    updatedAt: new Date(definition.updatedAtMs).toISOString(),
    modificationMetadata: {
      archivable: !definition.hubspotDefined,
      readOnlyDefinition: definition.hubspotDefined,
      readOnlyOptions: definition.hubspotDefined,
      readOnlyValue: definition.readOnlyValue,
    },
  };
}

export function options(values: readonly (string | readonly [value: string, label: string])[]) {
  return values.map((one, index): PropertyOption => {
    const [value, label] = typeof one === 'string' ? [one, one] : one;
    return { label, value, displayOrder: index, hidden: false, description: '' };
  });
}

export const lifecycleStages = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
] as const;

export const orderPipeline = {
  id: '14a2e10e-5471-408a-906e-c51f3b04369e',
  label: 'Order Pipeline',
  stages: [
    ['4b27b500-f031-4927-9811-68a0b525cbae', 'Open', 'OPEN'],
    ['937ea84d-0a4f-4dcf-9028-3f9c2aafbf03', 'Processed', 'OPEN'],
    ['aa99e8d0-c1d5-4071-b915-d240bbb1aed9', 'Shipped', 'OPEN'],
    ['3725360f-519b-4b18-a593-494d60a29c9f', 'Delivered', 'CLOSED'],
    ['3c85a297-e9ce-400b-b42e-9f16853d69d6', 'Cancelled', 'CLOSED'],
  ],
} as const;

export const dealPipeline = {
  id: 'default',
  label: 'Sales Pipeline',
  stages: [
    ['appointmentscheduled', 'Appointment Scheduled', 'OPEN'],
    ['qualifiedtobuy', 'Qualified To Buy', 'OPEN'],
    ['presentationscheduled', 'Presentation Scheduled', 'OPEN'],
    ['decisionmakerboughtin', 'Decision Maker Bought-In', 'OPEN'],
    ['contractsent', 'Contract Sent', 'OPEN'],
    ['closedwon', 'Closed Won', 'CLOSED'],
    ['closedlost', 'Closed Lost', 'CLOSED'],
  ],
} as const;

type Draft = readonly [name: string, label: string, type: PropertyType, more?: Partial<PropertyDefinition>];

const readOnly: Partial<PropertyDefinition> = { readOnlyValue: true };
const calculated: Partial<PropertyDefinition> = { readOnlyValue: true, calculated: true };
const owner: Partial<PropertyDefinition> = { externalOptions: true, fieldType: 'select' };
const currencies: Partial<PropertyDefinition> = {
  fieldType: 'select',
  options: options(Intl.supportedValuesOf('currency')),
};

function pipelineDrafts(
  pipelineName: string,
  stageName: string,
  pipeline: typeof orderPipeline | typeof dealPipeline,
): Draft[] {
  const stages = pipeline.stages.map(([id, label]) => [id, label] as const);
  return [
    [pipelineName, 'Pipeline', 'enumeration', { options: options([[pipeline.id, pipeline.label]]) }],
    [stageName, 'Pipeline Stage', 'enumeration', { fieldType: 'radio', options: options(stages) }],
  ];
}

/** Every object carries these. */
function systemDrafts(createdProperty: string, modifiedProperty: string): Draft[] {
  return [
    [createdProperty, 'Create Date', 'datetime', readOnly],
    [modifiedProperty, 'Last Modified Date', 'datetime', readOnly],
    ['hs_object_id', 'Record ID', 'number', readOnly],
    ['hs_merged_object_ids', 'Merged Record IDs', 'enumeration', { ...readOnly, fieldType: 'checkbox' }],
    ['hs_object_source', 'Record creation source', 'string', readOnly],
    ['hs_object_source_id', 'Record creation source ID', 'string', readOnly],
    ['hs_object_source_label', 'Record source', 'string', readOnly],
    ['hubspot_owner_id', 'Owner', 'enumeration', owner],
    ['hs_unique_creation_key', 'Unique creation key', 'string', readOnly],
  ];
}

function addressDrafts(prefix: string, label: string): Draft[] {
  return [
    [`${prefix}_name`, `${label} Name`, 'string'],
    [`${prefix}_firstname`, `${label} First Name`, 'string'],
    [`${prefix}_lastname`, `${label} Last Name`, 'string'],
    [`${prefix}_email`, `${label} Email`, 'string'],
    [`${prefix}_phone`, `${label} Phone`, 'string'],
    [`${prefix}_street`, `${label} Street`, 'string'],
    [`${prefix}_street_2`, `${label} Street 2`, 'string'],
    [`${prefix}_city`, `${label} City`, 'string'],
    [`${prefix}_state`, `${label} State`, 'string'],
    [`${prefix}_postal_code`, `${label} ZIP/Postal Code`, 'string'],
    [`${prefix}_country`, `${label} Country`, 'string'],
  ];
}

const contactDrafts: readonly Draft[] = [
  ['email', 'Email', 'string'],
  ['firstname', 'First Name', 'string'],
  ['lastname', 'Last Name', 'string'],
  ['phone', 'Phone Number', 'string', { fieldType: 'phonenumber' }],
  ['mobilephone', 'Mobile Phone Number', 'string', { fieldType: 'phonenumber' }],
  ['address', 'Street Address', 'string'],
  ['city', 'City', 'string'],
  ['state', 'State/Region', 'string'],
  ['zip', 'Postal Code', 'string'],
  ['country', 'Country/Region', 'string'],
  ['company', 'Company Name', 'string'],
  ['jobtitle', 'Job Title', 'string'],
  ['salutation', 'Salutation', 'string'],
  ['website', 'Website URL', 'string'],
  ['fax', 'Fax Number', 'string'],
  ['message', 'Message', 'string', { fieldType: 'textarea' }],
  ['date_of_birth', 'Date of birth', 'string'],
  ['gender', 'Gender', 'string'],
  [
    'lifecyclestage',
    'Lifecycle Stage',
    'enumeration',
    { fieldType: 'radio', options: options(lifecycleStages) },
  ],
  [
    'hs_lead_status',
    'Lead Status',
    'enumeration',
    {
      fieldType: 'radio',
      options: options([
        'NEW',
        'OPEN',
        'IN_PROGRESS',
        'OPEN_DEAL',
        'UNQUALIFIED',
        'ATTEMPTED_TO_CONTACT',
        'CONNECTED',
        'BAD_TIMING',
      ]),
    },
  ],
  [
    'hs_language',
    'Preferred language',
    'enumeration',
    {
      fieldType: 'select',
      options: options([
        'da',
        'de',
        'en',
        'en-gb',
        'en-us',
        'es',
        'fi',
        'fr',
        'it',
        'ja',
        'nl',
        'nl-be',
        'no',
        'pl',
        'pt',
        'pt-br',
        'sv',
        'zh-cn',
      ]),
    },
  ],
  ['hs_additional_emails', 'Additional email addresses', 'string'],
  ['hs_email_optout', 'Unsubscribed from all email', 'bool', readOnly],
  [
    'hs_marketable_status',
    'Marketing contact status',
    'enumeration',
    { ...readOnly, options: options(['true', 'false']) },
  ],
  [
    'hs_legal_basis',
    "Legal basis for processing contact's data",
    'enumeration',
    {
      fieldType: 'checkbox',
      options: options([
        'Legitimate interest – prospect/lead',
        'Legitimate interest – existing customer',
        'Legitimate interest - other',
        'Performance of a contract',
        'Freely given consent from contact',
        'Not applicable',
      ]),
    },
  ],
  ['total_revenue', 'Total Revenue', 'number', calculated],
  ['num_associated_deals', 'Number of Associated Deals', 'number', calculated],
  ['recent_deal_amount', 'Recent Deal Amount', 'number', calculated],
];

const companyDrafts: readonly Draft[] = [
  ['name', 'Company name', 'string'],
  ['domain', 'Company Domain Name', 'string'],
  ['website', 'Website URL', 'string'],
  ['phone', 'Phone Number', 'string', { fieldType: 'phonenumber' }],
  ['address', 'Street Address', 'string'],
  ['address2', 'Street Address 2', 'string'],
  ['city', 'City', 'string'],
  ['state', 'State/Region', 'string'],
  ['zip', 'Postal Code', 'string'],
  ['country', 'Country/Region', 'string'],
  ['description', 'Description', 'string', { fieldType: 'textarea' }],
  ['annualrevenue', 'Annual Revenue', 'number'],
  ['numberofemployees', 'Number of Employees', 'number'],
  [
    'lifecyclestage',
    'Lifecycle Stage',
    'enumeration',
    { fieldType: 'radio', options: options(lifecycleStages) },
  ],
];

const dealDrafts: readonly Draft[] = [
  ['dealname', 'Deal Name', 'string'],
  ['amount', 'Amount', 'number'],
  ['closedate', 'Close Date', 'datetime'],
  ['description', 'Deal Description', 'string', { fieldType: 'textarea' }],
  [
    'dealtype',
    'Deal Type',
    'enumeration',
    { fieldType: 'radio', options: options(['newbusiness', 'existingbusiness']) },
  ],
  ['deal_currency_code', 'Currency', 'enumeration', currencies],
  ...pipelineDrafts('pipeline', 'dealstage', dealPipeline),
];

const productDrafts: readonly Draft[] = [
  ['name', 'Name', 'string'],
  ['description', 'Product description', 'string', { fieldType: 'textarea' }],
  ['price', 'Unit price', 'number'],
  ['hs_sku', 'SKU', 'string'],
  ['hs_url', 'URL', 'string'],
  ['hs_images', 'Images', 'string'],
  ['hs_cost_of_goods_sold', 'Unit cost', 'number'],
  [
    'hs_product_type',
    'Product Type',
    'enumeration',
    { fieldType: 'select', options: options(['inventory', 'non_inventory', 'service']) },
  ],
  [
    'hs_status',
    'Status',
    'enumeration',
    { fieldType: 'select', options: options(['active', 'inactive', 'draft']) },
  ],
];

const lineItemDrafts: readonly Draft[] = [
  ['name', 'Name', 'string'],
  ['description', 'Description', 'string', { fieldType: 'textarea' }],
  ['quantity', 'Quantity', 'number'],
  ['price', 'Unit price', 'number'],
  ['amount', 'Net price', 'number'],
  ['discount', 'Unit discount', 'number'],
  ['hs_discount_percentage', 'Discount percentage', 'number'],
  ['tax', 'Tax', 'number'],
  ['hs_tax_rate_group_id', 'Tax rate', 'enumeration', owner],
  ['hs_tax_amount', 'Tax amount', 'number', calculated],
  ['hs_total_discount', 'Calculated total discount', 'number', calculated],
  ['hs_pre_discount_amount', 'Pre discount amount', 'number', calculated],
  ['hs_post_tax_amount', 'Net price after tax', 'number', calculated],
  ['hs_sku', 'SKU', 'string'],
  ['hs_product_id', 'Product ID', 'number'],
  ['hs_url', 'URL', 'string'],
  ['hs_images', 'Images', 'string'],
  ['hs_cost_of_goods_sold', 'Unit cost', 'number'],
  ['hs_external_id', 'External ID', 'string'],
  ['hs_position_on_quote', 'Position on quote', 'number'],
  ['hs_line_item_currency_code', 'Currency', 'enumeration', currencies],
  [
    'recurringbillingfrequency',
    'Billing frequency',
    'enumeration',
    { fieldType: 'select', options: options(['weekly', 'biweekly', 'monthly', 'quarterly', 'annually']) },
  ],
];

const orderDrafts: readonly Draft[] = [
  ['hs_order_name', 'Name', 'string'],
  ['hs_currency_code', 'Currency Code', 'enumeration', currencies],
  ['hs_total_price', 'Total Price', 'number'],
  ['hs_subtotal_price', 'Subtotal Price', 'number'],
  ['hs_tax', 'Tax', 'number'],
  ['hs_order_discount', 'Order Discount', 'number'],
  ['hs_shipping_cost', 'Shipping Cost', 'number'],
  ['hs_refund_amount', 'Refund Amount', 'number'],
  ['hs_order_note', 'Order Note', 'string', { fieldType: 'textarea' }],
  ['hs_tags', 'Tags', 'string'],
  ['hs_source_store', 'Source Store', 'string'],
  ['hs_external_order_id', 'External Order ID', 'string'],
  ['hs_external_order_url', 'External Order URL', 'string'],
  ['hs_external_order_status', 'External Order Status', 'string'],
  ['hs_external_cart_id', 'External Cart ID', 'string'],
  ['hs_external_created_date', 'External Created Date', 'datetime'],
  ['hs_external_modified_date', 'External Modified Date', 'datetime'],
  ['hs_external_processed_date', 'External Processed Date', 'datetime'],
  ['hs_external_cancel_date', 'External Cancel Date', 'datetime'],
  ['hs_external_close_date', 'External Close Date', 'datetime'],
  ['hs_cancellation_reason', 'Cancellation Reason', 'string'],
  ['hs_payment_status', 'Payment Status', 'string'],
  ['hs_payment_processing_method', 'Payment Processing Method', 'string'],
  ['hs_fulfillment_status', 'Fulfillment Status', 'string'],
  ['hs_shipping_status_url', 'Shipping Status URL', 'string'],
  ['hs_shipping_tracking_number', 'Shipping Tracking Number', 'string'],
  ['hs_landing_site', 'Landing Site', 'string'],
  ['hs_referring_site', 'Referring Site', 'string'],
  ['hs_exchange_rate', 'Exchange Rate', 'number', calculated],
  ['hs_homecurrency_amount', 'Total in company currency', 'number', calculated],
  ...addressDrafts('hs_billing_address', 'Billing'),
  ...addressDrafts('hs_shipping_address', 'Shipping'),
  ...pipelineDrafts('hs_pipeline', 'hs_pipeline_stage', orderPipeline),
];

const byType: Record<ObjectTypeId, { group: PropertyGroup; drafts: readonly Draft[] }> = {
  '0-1': {
    group: group('contactinformation', 'Contact information'),
    drafts: [...contactDrafts, ...systemDrafts('createdate', 'lastmodifieddate')],
  },
  '0-2': {
    group: group('companyinformation', 'Company information'),
    drafts: [...companyDrafts, ...systemDrafts('createdate', 'hs_lastmodifieddate')],
  },
  '0-3': {
    group: group('dealinformation', 'Deal information'),
    drafts: [...dealDrafts, ...systemDrafts('createdate', 'hs_lastmodifieddate')],
  },
  '0-7': {
    group: group('productinformation', 'Product information'),
    drafts: [...productDrafts, ...systemDrafts('createdate', 'hs_lastmodifieddate')],
  },
  '0-8': {
    group: group('lineiteminformation', 'Line item information'),
    drafts: [...lineItemDrafts, ...systemDrafts('createdate', 'hs_lastmodifieddate')],
  },
  '0-123': {
    group: group('order_information', 'Order information'),
    drafts: [...orderDrafts, ...systemDrafts('hs_createdate', 'hs_lastmodifieddate')],
  },
};

/** The properties that a fresh portal has for a type, and the group they stand in. */
export function standardProperties(typeId: ObjectTypeId): {
  group: PropertyGroup;
  definitions: PropertyDefinition[];
} {
  const { group: theGroup, drafts } = byType[typeId];
  return {
    group: theGroup,
    definitions: drafts.map(([name, label, type, more], index) => ({
      name,
      label,
      description: '',
      groupName: theGroup.name,
      type,
      fieldType: defaultFieldType[type],
      options: type === 'bool' ? options([['true', 'True'] as const, ['false', 'False'] as const]) : [],
      displayOrder: index,
      hasUniqueValue: false,
      hidden: false,
      formField: false,
      hubspotDefined: true,
      calculated: false,
      externalOptions: false,
      readOnlyValue: false,
      createdAtMs: 0,
      updatedAtMs: 0,
      archivedAtMs: null,
      ...more,
    })),
  };
}

export const defaultFieldType: Record<PropertyType, string> = {
  string: 'text',
  number: 'number',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  bool: 'booleancheckbox',
  phone_number: 'phonenumber',
};

function group(name: string, label: string): PropertyGroup {
  return { name, label, displayOrder: 0, hubspotDefined: true };
}
