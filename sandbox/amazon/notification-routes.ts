import type { Subscription } from './account.ts';
import type { Call } from './api.ts';
import { ApiError, invalidInput } from './errors.ts';

/** Kinds that the account can announce. */
const announced = [
  'ORDER_CHANGE',
  'TRANSACTION_UPDATE',
  'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
  'FBA_INVENTORY_AVAILABILITY_CHANGES',
];

export function getSubscription({ account, path }: Call): object {
  const known = account.state.subscriptions.find((one) => one.notificationType === path[0]);
  if (known === undefined) throw new ApiError(404, 'NotFound', `There is no subscription to ${path[0]}.`);
  return { payload: view(known) };
}

export function createSubscription({ account, path, request }: Call): object {
  const type = path[0] ?? '';
  const body = JSON.parse(request.body.toString('utf8')) as {
    payloadVersion?: string;
    destinationId?: string;
  };
  if (!announced.includes(type)) throw invalidInput(`${type} is not supported.`);
  if (body.payloadVersion !== '1.0') throw invalidInput('payloadVersion must be 1.0.');
  if (!account.state.destinations.some((one) => one.destinationId === body.destinationId))
    throw invalidInput('The destination is not known.');
  if (account.state.subscriptions.some((one) => one.notificationType === type))
    throw new ApiError(409, 'Conflict', `A subscription to ${type} exists.`);
  const subscription: Subscription = {
    subscriptionId: `subscription-${account.next('subscription')}`,
    notificationType: type,
    payloadVersion: '1.0',
    destinationId: body.destinationId ?? '',
  };
  account.state.subscriptions.push(subscription);
  return { payload: view(subscription) };
}

export function deleteSubscription({ account, path }: Call): object {
  const index = account.state.subscriptions.findIndex(
    (one) => one.notificationType === path[0] && one.subscriptionId === path[1],
  );
  if (index === -1) throw new ApiError(404, 'NotFound', 'There is no such subscription.');
  account.state.subscriptions.splice(index, 1);
  return {};
}

export function getDestinations({ account }: Call): object {
  return { payload: account.state.destinations };
}

export function createDestination({ account, request }: Call): object {
  const body = JSON.parse(request.body.toString('utf8')) as {
    name?: string;
    resourceSpecification?: Record<string, Record<string, unknown>>;
  };
  const { name, resourceSpecification: resource } = body;
  if (name === undefined || resource === undefined)
    throw invalidInput('name and resourceSpecification are required.');
  const bridge = resource.eventBridge;
  const destination = {
    destinationId: `destination-${account.next('destination')}`,
    name,
    resource:
      bridge === undefined
        ? { sqs: resource.sqs ?? {} }
        : {
            eventBridge: {
              ...bridge,
              name: `aws.partner/sellingpartnerapi.amazon.com/${bridge.accountId}/app`,
            },
          },
  };
  account.state.destinations.push(destination);
  return { payload: destination };
}

function view({ subscriptionId, payloadVersion, destinationId }: Subscription): object {
  return { subscriptionId, payloadVersion, destinationId };
}
