import type { AppContext } from '../context.ts';
import { transaction } from '../db/transaction.ts';
import type { Change } from '../model/change.ts';
import { readGlobalId } from '../schema/global-id.ts';
import { applyChanges } from '../sync/apply-changes.ts';
import { platforms } from '../sync/platforms/index.ts';
import { customerWithEmail, exportPerson } from '../sync/privacy/export.ts';
import { withContext } from './with-context.ts';

/** What the law asks for: who asked, what is kept about somebody, and its erasure. */
export async function privacyCommand(options: {
  action: string;
  email: string | null;
  id: string | null;
  request: string | null;
}): Promise<number> {
  switch (options.action) {
    case 'requests':
      return withContext(requests);
    case 'export':
      return withContext((context) => exportOne(context, options));
    case 'erase':
      return withContext((context) => eraseOne(context, options));
    default:
      console.error('privacy requests, privacy export --email …, or privacy erase --email ….');
      return 2;
  }
}

type Who = { email: string | null; id: string | null; request: string | null };

async function requests({ pool }: AppContext): Promise<number> {
  const { rows } = await pool.query(
    `select id, kind, requested_by, customer_id, requested_at, due_at, completed_at from privacy_request
     order by completed_at nulls first, due_at limit 200`,
  );
  if (rows.length === 0) {
    console.log('Nobody has asked for anything: no request to know and none to erase is on record.');
    return 0;
  }
  console.table(
    rows.map((row) => ({ ...row, id: String(row.id), customer_id: row.customer_id?.toString() ?? null })),
  );
  return 0;
}

async function exportOne(context: AppContext, who: Who): Promise<number> {
  const customerId = await find(context, who);
  const data = customerId === null ? null : await exportPerson(context.pool, customerId, new Date());
  if (data === null) return nobody(who);
  console.log(
    JSON.stringify(data, (_key, value) => (typeof value === 'bigint' ? value.toString() : value), 2),
  );
  if (who.request !== null)
    await apply(context, { kind: 'privacyRequestComplete', requestId: BigInt(who.request), by: 'cli' });
  return 0;
}

async function eraseOne(context: AppContext, who: Who): Promise<number> {
  const customerId = await find(context, who);
  if (customerId === null) return nobody(who);
  await apply(context, {
    kind: 'customerErase',
    customerId,
    orderIds: [],
    by: 'cli',
    requestId: null,
    atPlatforms: true,
  });
  console.log(`Erased customer ${customerId}. Orders and amounts stay for the books.`);
  return 0;
}

async function find({ pool }: AppContext, { email, id, request }: Who): Promise<bigint | null> {
  if (id !== null) return customerNumber(id);
  if (email !== null) return customerWithEmail(pool, email);
  if (request === null || !/^\d{1,18}$/.test(request)) return null;
  const { rows } = await pool.query<{ id: bigint | null }>(
    'select customer_id as id from privacy_request where id = $1',
    [request],
  );
  return rows[0]?.id ?? null;
}

/** As the tables of this command write it, or as the API does. */
function customerNumber(id: string): bigint | null {
  if (/^\d{1,18}$/.test(id)) return BigInt(id);
  const given = readGlobalId(id);
  return given?.typename === 'Customer' ? BigInt(given.id) : null;
}

function nobody({ email, id, request }: Who): number {
  const given = [
    ...(email === null ? [] : [`--email ${email}`]),
    ...(id === null ? [] : [`--id ${id}`]),
    ...(request === null ? [] : [`--request ${request}`]),
  ];
  console.error(
    given.length === 0
      ? 'Say who: --email <address>, --id <customer> or, of an export, --request <id>.'
      : `Nobody is known by ${given.join(', ')}. An address is one that a customer or a platform's record has; an id is one of "customers" in the API or its number.`,
  );
  return 1;
}

async function apply({ pool }: AppContext, change: Change): Promise<void> {
  await transaction(pool, (tx) =>
    applyChanges(tx, {
      changes: [change],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(),
      platforms,
    }),
  );
}
