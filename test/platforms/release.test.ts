import { expect, test } from 'vitest';
import { amazon } from '../../src/sync/platforms/amazon/index.ts';
import { notificationTypes } from '../../src/sync/platforms/amazon/prepare.ts';
import { seller } from './amazon-support.ts';

// What is ended at a platform when its account is taken off: what we have asked for, and nothing else.

test('at Amazon the subscriptions to our destination end, those to another one and the destinations stay', async () => {
  await using shop = await seller({ webhookUrl: 'http://127.0.0.1:9/' });
  const { account } = shop.sandbox;
  await amazon.prepare(shop.session, { webhookUrl: '' });
  const [first] = account.state.subscriptions;
  if (first === undefined) throw new Error('nothing was subscribed to');
  first.destinationId = 'destination-of-somebody';
  const destinations = structuredClone(account.state.destinations);

  expect(await amazon.release?.(shop.session)).toBe(notificationTypes.length - 1);
  expect(account.state.subscriptions).toEqual([first]);
  expect(account.state.destinations).toEqual(destinations);
  expect(await amazon.release?.(shop.session)).toBe(0);

  account.state.destinations.splice(0);
  expect(await amazon.release?.(shop.session)).toBe(0);
  expect(account.state.subscriptions).toEqual([first]);
  expect(shop.violations).toEqual([]);
});
