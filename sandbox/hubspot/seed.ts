import type { Random } from '../kit/random.ts';
import type { Actor, Crm } from './crm.ts';

const firstNames = [
  'Ava',
  'Noah',
  'Mila',
  'Finn',
  'Sara',
  'Omar',
  'Lena',
  'Theo',
  'Ines',
  'Hugo',
  'Nora',
  'Emil',
];
const lastNames = [
  'Berg',
  'Moreau',
  'Okafor',
  'Silva',
  'Tanaka',
  'Weber',
  'Novak',
  'Rossi',
  'Larsen',
  'Dubois',
];
const cities = [
  ['Portland', 'OR', '97201', 'United States'],
  ['Leeds', 'West Yorkshire', 'LS1 4AP', 'United Kingdom'],
  ['Utrecht', 'Utrecht', '3511', 'Netherlands'],
  ['Lyon', 'Auvergne-Rhône-Alpes', '69001', 'France'],
  ['Aarhus', 'Midtjylland', '8000', 'Denmark'],
] as const;

/** Contacts that were in the portal before anything was connected, some of them thin, as in any real one. */
export function seedContacts(crm: Crm, random: Random, count: number, actor: Actor): string[] {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const firstname = random.pick(firstNames);
    const lastname = random.pick(lastNames);
    const [city, state, zip, country] = random.pick(cities);
    const isThin = random.chance(0.2);
    const email = `${firstname}.${lastname}.${ids.length + 1}@example.com`.toLowerCase();
    if (crm.getBy('0-1', 'email', email) !== undefined) continue;
    const record = crm.create(
      '0-1',
      {
        email,
        firstname,
        lastname,
        ...(isThin
          ? {}
          : {
              phone: `+1503555${String(random.int(0, 9999)).padStart(4, '0')}`,
              address: `${random.int(1, 400)} ${random.pick(['Mill', 'Station', 'Harbour', 'Garden'])} Street`,
              city,
              state,
              zip,
              country,
            }),
        lifecyclestage: random.pick(['subscriber', 'lead', 'customer']),
      },
      [],
      actor,
    );
    ids.push(record.id);
  }
  return ids;
}
