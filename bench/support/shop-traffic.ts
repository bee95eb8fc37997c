import type { Random } from '../../sandbox/kit/random.ts';
import type { PlaceOrderInput } from '../../sandbox/shopify/place-order.ts';

const firstNames = [
  'Ada',
  'Ben',
  'Chiara',
  'Dan',
  'Elif',
  'Femi',
  'Greta',
  'Hana',
  'Ivo',
  'Jun',
  'Kaya',
  'Leo',
];
const lastNames = [
  'Abel',
  'Brandt',
  'Costa',
  'Diaz',
  'Egli',
  'Fischer',
  'Garcia',
  'Hoang',
  'Ito',
  'Jansen',
  'Kim',
  'Lund',
];
const streets = ['Main Street', 'Mill Lane', 'Station Road', 'Harbour View', 'Elm Avenue'];

/** Orders as a shop sees them: most customers have bought before, three in ten are new, one to four lines each. */
export function orderInput(
  random: Random,
  shop: { skus: readonly string[]; returning: readonly string[]; newCustomer: () => number },
): PlaceOrderInput {
  const isOnline = random.chance(0.7);
  return {
    channel: isOnline ? 'online' : 'pos',
    ...(random.chance(0.3)
      ? { customer: person(random, shop.newCustomer()) }
      : { customerEmail: random.pick(shop.returning) }),
    lines: distinct(random, shop.skus, random.int(1, 4)).map((sku) => ({
      sku,
      quantity: random.chance(0.8) ? 1 : 2,
    })),
    ...(isOnline ? { shipping: { title: 'Standard', price: '5.90' } } : {}),
    ...(random.chance(0.15) ? { discountCode: 'WELCOME10' } : {}),
    ...(random.chance(0.2) ? { note: 'Please ring twice and leave it with the neighbours.' } : {}),
  };
}

/** A customer who is told apart by a number. */
export function person(random: Random, number: number) {
  const firstName = random.pick(firstNames);
  const lastName = random.pick(lastNames);
  return {
    email: `${firstName}.${lastName}.${number}@example.com`.toLowerCase(),
    firstName,
    lastName: `${lastName} ${number}`,
    addresses: [
      {
        firstName,
        lastName,
        address1: `${random.int(1, 200)} ${random.pick(streets)}`,
        city: 'Phoenix',
        province: 'Arizona',
        provinceCode: 'AZ',
        country: 'United States',
        countryCode: 'US',
        zip: String(random.int(85_001, 85_099)),
      },
    ],
  };
}

function distinct(random: Random, items: readonly string[], count: number): string[] {
  const picked = new Set<string>();
  while (picked.size < Math.min(count, items.length)) picked.add(random.pick(items));
  return [...picked];
}
