import { AppError } from '../../../errors.ts';
import { ownContactProperties } from '../../crm/contact.ts';
import { ownLineProperties, ownOrderProperties } from '../../crm/order.ts';
import type { PropertyDefinition, PropertyKind } from '../../crm/property-values.ts';
import { ensureCustomProperties, propertyGroup } from './custom-definitions.ts';
import type { Gateway, HubSpotSession, ObjectName } from './gateway.ts';
import { crmGateway } from './interpret.ts';
import { refusalOf, toAppError } from './refusal.ts';

export const wantedProperties: readonly (readonly [ObjectName, readonly PropertyDefinition[]])[] = [
  ['contacts', ownContactProperties],
  ['orders', ownOrderProperties],
  ['line_items', ownLineProperties],
];

/** Makes the group and the properties that are missing; one preparation at a time per connection. */
export function ensureDefinitions(session: HubSpotSession): Promise<void> {
  const underWay = session.cache.get('hubspot.definitions') as Promise<void> | undefined;
  if (underWay !== undefined) return underWay;
  const work = Promise.all(
    wantedProperties.map(([object, properties]) => ensureObject(session, object, properties)),
  )
    .then(() => undefined)
    .finally(() => session.cache.delete('hubspot.definitions'));
  session.cache.set('hubspot.definitions', work);
  return work;
}

/** That the token is for the account that the connection names. */
export async function checkAccount(session: HubSpotSession): Promise<void> {
  const doing = 'reading the account details';
  const details = await crmGateway(session).call(doing, async (client) => {
    const response = await client.apiRequest({ method: 'GET', path: '/account-info/v3/details' });
    const body = (await response.json()) as { portalId?: unknown };
    if (!response.ok) throw Object.assign(new Error(doing), { code: response.status, body });
    return body;
  });
  const portalId = String(details.portalId);
  if (portalId === session.accountId) return;
  throw new AppError({
    code: 'HUBSPOT_WRONG_ACCOUNT',
    retryable: false,
    publicMessage: `The token belongs to the HubSpot account ${portalId}, not to ${session.accountId}.`,
    remedy: `Connect with a token of account ${session.accountId}.`,
  });
}

async function ensureObject(
  session: HubSpotSession,
  object: ObjectName,
  properties: readonly PropertyDefinition[],
): Promise<void> {
  const gateway = crmGateway(session);
  const doing = `preparing the properties of ${object}`;
  try {
    const [groups, existing] = await Promise.all([
      gateway.call(doing, (client) => client.crm.properties.groupsApi.getAll(object)),
      gateway.call(doing, (client) => client.crm.properties.coreApi.getAll(object)),
    ]);
    if (!groups.results.some((group) => group.name === propertyGroup.name))
      await tolerateExisting(
        gateway.call(doing, (client) => client.crm.properties.groupsApi.create(object, propertyGroup)),
      );
    const known = new Map(existing.results.map((one) => [one.name, one]));
    for (const { name, unique } of properties) {
      const there = known.get(name);
      if (unique === true && there !== undefined && there.hasUniqueValue !== true)
        throw new AppError({
          code: 'HUBSPOT_PROPERTY_NOT_UNIQUE',
          retryable: false,
          publicMessage: `The property ${name} of ${object} exists in HubSpot without unique values.`,
          remedy: `Delete the property ${name} of ${object} in HubSpot for good, then retry; it is made again with unique values.`,
        });
    }
    const missing = properties.filter((one) => !known.has(one.name));
    if (missing.length > 0) await createMissing(gateway, object, missing);
    await ensureCustomProperties(session, gateway, object, existing.results);
  } catch (error) {
    throw toAppError(error, doing);
  }
}

async function createMissing(
  gateway: Gateway,
  object: ObjectName,
  missing: readonly PropertyDefinition[],
): Promise<void> {
  const doing = `preparing the properties of ${object}`;
  const answer = await gateway.call(doing, (client) =>
    client.crm.properties.batchApi.create(object, { inputs: missing.map(inputOf) }),
  );
  const errors = 'errors' in answer ? (answer.errors ?? []) : [];
  const real = errors.find((error) => !/already exists/i.test(error.message));
  if (real !== undefined)
    throw new AppError({
      code: 'HUBSPOT_PREPARATION_FAILED',
      retryable: false,
      publicMessage: `HubSpot refused a property of ${object}: ${real.message}`,
      remedy:
        'Free a unique property or correct the property settings in HubSpot, then prepare the connection again.',
    });
}

async function tolerateExisting(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (refusalOf(error)?.status !== 409) throw error;
  }
}

const shapes: Readonly<Record<PropertyKind, { type: string; fieldType: string }>> = {
  text: { type: 'string', fieldType: 'text' },
  email: { type: 'string', fieldType: 'text' },
  number: { type: 'number', fieldType: 'number' },
  datetime: { type: 'datetime', fieldType: 'date' },
};

function inputOf(definition: PropertyDefinition) {
  const { type, fieldType } = shapes[definition.kind];
  return {
    name: definition.name,
    label: definition.label,
    description: definition.description,
    groupName: propertyGroup.name,
    type: type as never,
    fieldType: fieldType as never,
    hasUniqueValue: definition.unique === true,
    formField: false,
  };
}
