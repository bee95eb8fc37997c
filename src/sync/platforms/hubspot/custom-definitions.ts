import type { CustomField } from '../../../model/custom-field.ts';
import { type CrmPropertyShape, shapeOf } from '../../crm/custom-properties.ts';
import type { Gateway, HubSpotSession, ObjectName } from './gateway.ts';
import { refusalOf } from './refusal.ts';

export const propertyGroup = { name: 'tributary', label: 'Tributary', displayOrder: -1 };

/** A property as HubSpot tells it. */
interface Standing {
  name: string;
  label: string;
  type: string;
  options: { value: string; label: string; displayOrder?: number; hidden?: boolean }[];
}

const ownersOf: Partial<Record<ObjectName, CustomField['owner']>> = { contacts: 'Customer', orders: 'Order' };

/**
 * Makes the properties of custom fields and keeps their options in step: new ones are added and renamed ones renamed.
 * Options that were taken away here stay there, because records may hold them and people may have added them. What HubSpot
 * refuses of one field is logged and holds up no other.
 */
export async function ensureCustomProperties(
  session: HubSpotSession,
  gateway: Gateway,
  object: ObjectName,
  standing: readonly Standing[],
): Promise<void> {
  const owner = ownersOf[object];
  if (owner === undefined) return;
  const fields = (await session.customFields()).filter(
    (field) => field.owner === owner && field.hubspotProperty !== null,
  );
  for (const field of fields) {
    const name = field.hubspotProperty ?? '';
    const there = standing.find((one) => one.name === name);
    try {
      if (there === undefined) await create(gateway, object, field, name);
      else await keepInStep(session, gateway, object, field, there);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null || refusal.status >= 500 || refusal.status === 429) throw error;
      // Somebody made it in the meantime.
      if (refusal.status !== 409)
        session.log.warn(
          { field: field.key, property: name, reason: refusal.message },
          'HubSpot refuses a property',
        );
    }
  }
}

async function create(gateway: Gateway, object: ObjectName, field: CustomField, name: string): Promise<void> {
  const shape = shapeOf(field);
  await gateway.call(`making the property ${name}`, (client) =>
    client.crm.properties.coreApi.create(object, {
      name,
      label: field.name,
      description: field.description ?? '',
      groupName: propertyGroup.name,
      type: shape.type as never,
      fieldType: shape.fieldType as never,
      hasUniqueValue: false,
      formField: false,
      options: shape.options.map(optionInput),
    }),
  );
}

async function keepInStep(
  session: HubSpotSession,
  gateway: Gateway,
  object: ObjectName,
  field: CustomField,
  there: Standing,
): Promise<void> {
  const shape = shapeOf(field);
  if (there.type !== shape.type) {
    session.log.warn(
      { field: field.key, property: there.name, is: there.type, needed: shape.type },
      'a custom field is sent to a property of another type; values that do not fit are left out',
    );
    return;
  }
  const options = mergedOptions(there.options, shape);
  if (options === null) return;
  await gateway.call(`keeping the options of ${there.name} in step`, (client) =>
    client.crm.properties.coreApi.update(object, there.name, { options }),
  );
}

/** Those that stand there, relabelled, and after them the new ones; null where nothing is to be done. */
function mergedOptions(
  standing: Standing['options'],
  shape: Pick<CrmPropertyShape, 'type' | 'options'>,
): ReturnType<typeof optionInput>[] | null {
  if (shape.type !== 'enumeration') return null;
  const wanted = new Map(shape.options.map((one) => [one.value, one.label]));
  const kept = standing.map((one) => ({ ...one, label: wanted.get(one.value) ?? one.label }));
  const added = shape.options.filter((one) => !standing.some((other) => other.value === one.value));
  const isSame = added.length === 0 && kept.every((one, index) => one.label === standing[index]?.label);
  return isSame ? null : [...kept, ...added].map(optionInput);
}

function optionInput(option: { value: string; label: string; hidden?: boolean }, index: number) {
  return { value: option.value, label: option.label, displayOrder: index, hidden: option.hidden ?? false };
}
