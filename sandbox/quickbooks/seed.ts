import type { Random } from '../kit/random.ts';
import type { Books } from './books.ts';
import { type EntityType, isEntityType } from './entities.ts';
import { createEntity } from './service.ts';

export interface SeedPlan {
  /** How many customers to invent. */
  customers?: number;
  /** How many items with stock to invent. */
  products?: number;
  /** Objects to create as they stand, type by type. */
  entities?: Partial<Record<EntityType, Record<string, unknown>[]>>;
  /** Whether webhooks tell of what is seeded; off by default. */
  announce?: boolean;
}

/** Adds to the books what was there before the story begins; answers with the ids, type by type. */
export function seedBooks(books: Books, plan: SeedPlan, random: Random): Record<string, string[]> {
  const created: Record<string, string[]> = {};
  const add = (type: EntityType, body: Record<string, unknown>): void => {
    const ids = created[type] ?? [];
    ids.push(createEntity(books, type, body, { kind: 'person' }).Id);
    created[type] = ids;
  };
  for (const [type, bodies] of Object.entries(plan.entities ?? {})) {
    if (!isEntityType(type)) throw new RangeError(`no such entity: ${type}`);
    for (const body of bodies) add(type, body);
  }
  for (let index = 0; index < (plan.customers ?? 0); index += 1) {
    const given = random.pick(givenNames);
    const family = random.pick(familyNames);
    const number = books.next('seed:customer');
    add('Customer', {
      GivenName: given,
      FamilyName: family,
      DisplayName: `${given} ${family} ${number}`,
      PrimaryEmailAddr: { Address: `${given}.${family}.${number}@example.com`.toLowerCase() },
    });
  }
  for (let index = 0; index < (plan.products ?? 0); index += 1) {
    const number = books.next('seed:product');
    const price = random.int(500, 20_000);
    add('Item', {
      Name: `${random.pick(materials)} ${random.pick(goods)} ${number}`,
      Sku: `SKU-${String(number).padStart(5, '0')}`,
      Type: 'Inventory',
      UnitPrice: Number((price / 100).toFixed(2)),
      PurchaseCost: Number((Math.floor(price * 0.45) / 100).toFixed(2)),
      QtyOnHand: random.int(0, 200),
      InvStartDate: '2020-01-01',
      IncomeAccountRef: { value: named(books, 'Sales of Product Income') },
      AssetAccountRef: { value: named(books, 'Inventory Asset') },
      ExpenseAccountRef: { value: named(books, 'Cost of Goods Sold') },
    });
  }
  return created;
}

function named(books: Books, name: string): string {
  return books.of('Account').where('Name', name)?.[0]?.Id ?? '';
}

const givenNames = [
  'Ada',
  'Bruno',
  'Chidi',
  'Dana',
  'Elif',
  'Farah',
  'Goran',
  'Hana',
  'Ivo',
  'Jun',
  'Kemi',
  'Lena',
];
const familyNames = [
  'Abbott',
  'Baptiste',
  'Castro',
  'Dvorak',
  'Eriksen',
  'Fischer',
  'Greco',
  'Haddad',
  'Ito',
  'Jensen',
];
const materials = ['Oak', 'Wool', 'Linen', 'Copper', 'Canvas', 'Cork', 'Leather', 'Cotton'];
const goods = ['Jacket', 'Lantern', 'Backpack', 'Mug', 'Blanket', 'Boot', 'Tent', 'Scarf'];
