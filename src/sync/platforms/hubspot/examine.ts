import type { PropertyDefinition } from '../../crm/property-values.ts';
import type { Finding } from '../platform.ts';
import { checkAccount, wantedProperties } from './definitions.ts';
import type { HubSpotSession, ObjectName } from './gateway.ts';
import { crmGateway } from './interpret.ts';
import { toAppError } from './refusal.ts';
import { readSettings, stagesMisfit } from './settings.ts';

/** Whose token it is, and for each kind of record whether it may be read and has our properties. */
export async function examine(session: HubSpotSession): Promise<Finding[]> {
  await checkAccount(session);
  const objects = await Promise.all(
    wantedProperties.map(([object, properties]) => examineObject(session, object, properties)),
  );
  return [
    { subject: 'Token', state: 'good', message: `It is of account ${session.accountId}.`, remedy: null },
    ...objects,
    ...(await examineStages(session)),
  ];
}

/** Stages are chosen once; a pipeline can be changed in HubSpot later on. */
async function examineStages(session: HubSpotSession): Promise<Finding[]> {
  const { orderStages } = readSettings(session.settings);
  if (orderStages === null) return [];
  const misfit = await stagesMisfit(orderStages, session);
  const subject = 'Setting orderStages';
  if (misfit === null)
    return [{ subject, state: 'good', message: 'HubSpot has the stages that orders get.', remedy: null }];
  return [{ subject, state: 'broken', message: misfit, remedy: 'Choose others with connectionUpdate.' }];
}

async function examineObject(
  session: HubSpotSession,
  object: ObjectName,
  properties: readonly PropertyDefinition[],
): Promise<Finding> {
  const subject = `Records of ${object}`;
  const gateway = crmGateway(session);
  const doing = `reading ${object}`;
  try {
    const [existing] = await Promise.all([
      gateway.call(doing, (client) => client.crm.properties.coreApi.getAll(object)),
      gateway.call(doing, (client) => client.crm.objects.basicApi.getPage(object, 1)),
    ]);
    const known = new Map(existing.results.map((one) => [one.name, one]));
    const missing = properties.filter(({ name }) => !known.has(name));
    const notUnique = properties.find(
      ({ name, unique }) => unique === true && known.has(name) && known.get(name)?.hasUniqueValue !== true,
    );
    if (notUnique !== undefined)
      return {
        subject,
        state: 'broken',
        message: `The property ${notUnique.name} exists without unique values.`,
        remedy: `Delete the property ${notUnique.name} of ${object} in HubSpot for good; it is made again within the hour.`,
      };
    if (missing.length > 0)
      return {
        subject,
        state: 'broken',
        message: `${missing.length} of our ${properties.length} properties are not there: ${missing
          .slice(0, 3)
          .map(({ name }) => name)
          .join(', ')}${missing.length > 3 ? ', …' : ''}.`,
        remedy:
          'They are made at the start and once an hour; the token needs the scope of crm.schemas to write them.',
      };
    return {
      subject,
      state: 'good',
      message: `They can be read, and have our ${properties.length} properties.`,
      remedy: null,
    };
  } catch (error) {
    const refusal = toAppError(error, doing);
    if (refusal.code !== 'HUBSPOT_FORBIDDEN') throw refusal;
    return { subject, state: 'broken', message: refusal.publicMessage, remedy: refusal.remedy };
  }
}
