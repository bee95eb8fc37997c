import { naturalBatch } from '../natural-batch.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { incomeAccount, once } from './company.ts';
import { plain, withSuffix } from './customers.ts';
import { directoryOf } from './directory.ts';
import { isFault, nameTaken } from './fault.ts';

/** A product as an order line names it. */
export interface ProductBody {
  /** Graph id; null for products that are gone. */
  variantId: string | null;
  sku: string | null;
  name: string;
  /** Decimal string. */
  unitPrice: string;
}

/** QuickBooks ends long queries; so many values stay well below. */
const valuesPerQuery = 25;

/**
 * Items for products: known by link, found by SKU (or name, where there is none), made where missing. Ids come in the
 * order of the products. @param isForced look again although links say where they are.
 */
export async function ensureProducts(
  session: QuickBooksSession,
  products: readonly ProductBody[],
  isForced = false,
): Promise<string[]> {
  const unknown = products.flatMap((one) =>
    one.variantId !== null && !session.cache.has(keyOf(one)) ? [BigInt(one.variantId)] : [],
  );
  const links =
    unknown.length === 0 || isForced ? new Map() : await session.links.find('Variant', unknown, 'Item');
  return await Promise.all(
    products.map((product) =>
      once(session, keyOf(product), async () => {
        const link = product.variantId === null ? undefined : links.get(BigInt(product.variantId));
        if (link !== undefined) return String(link.remoteId);
        const isNew = !isForced && product.sku !== null && directoryOf(session).lacksSku(product.sku);
        const found = isNew ? null : await lookUp(session, product);
        const item = found ?? (await make(session, product));
        if (product.variantId !== null)
          await session.links.save({
            entityType: 'Variant',
            entityId: BigInt(product.variantId),
            remoteType: 'Item',
            remoteId: item.Id,
            remoteVersion: item.SyncToken,
            state: { name: item.Name ?? null, sku: item.Sku ?? null },
          });
        return item.Id;
      }),
    ),
  );
}

function keyOf(product: ProductBody): string {
  return product.variantId === null
    ? `quickbooks.product sku ${product.sku ?? product.name}`
    : `quickbooks.product ${product.variantId}`;
}

type Lookup = (value: string) => Promise<Entity | null>;

function lookUp(session: QuickBooksSession, product: ProductBody): Promise<Entity | null> {
  return product.sku === null
    ? lookupBy(session, 'Name')(itemName(product))
    : lookupBy(session, 'Sku')(product.sku.slice(0, 100));
}

/** Look-ups that are asked side by side become one query. */
function lookupBy(session: QuickBooksSession, field: 'Sku' | 'Name'): Lookup {
  const key = `quickbooks.lookup ${field}`;
  const kept = session.cache.get(key) as Lookup | undefined;
  if (kept !== undefined) return kept;
  const lookup = naturalBatch<string, Entity | null>({
    max: valuesPerQuery,
    concurrent: 3,
    run: async (values) => {
      const wanted = [...new Set(values)].map(quoted).join(', ');
      const found = await booksOf(session).query('Item', `where ${field} in (${wanted}) maxresults 1000`);
      return values.map((value) => ({
        ok: true,
        value: found.find((item) => String(item[field] ?? '').toLowerCase() === value.toLowerCase()) ?? null,
      }));
    },
  });
  session.cache.set(key, lookup);
  return lookup;
}

async function make(session: QuickBooksSession, product: ProductBody): Promise<Entity> {
  const books = booksOf(session);
  const account = await incomeAccount(session);
  const name = itemName(product);
  const unique = product.sku ?? product.variantId ?? '';
  const names = unique === '' ? [name] : [name, withSuffix(name, ` (${plain(unique, 40)})`)];
  let refusal: unknown;
  for (const candidate of names) {
    try {
      return await books.createSmall(
        'Item',
        {
          Name: candidate,
          Type: 'NonInventory',
          IncomeAccountRef: { value: account },
          UnitPrice: Number(product.unitPrice),
          ...(product.sku === null ? {} : { Sku: product.sku.slice(0, 100) }),
        },
        null,
      );
    } catch (error) {
      if (!isFault(error, nameTaken)) throw error;
      refusal = error;
      // Another process may have made it between our look and our write.
      const holder = await lookUp(session, product);
      if (holder !== null) return holder;
    }
  }
  throw refusal;
}

function itemName(product: ProductBody): string {
  return plain(product.name, 100) ?? plain(product.sku, 100) ?? `Product ${product.variantId ?? ''}`.trim();
}
