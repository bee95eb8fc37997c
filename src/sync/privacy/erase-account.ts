import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';
import { addCounts, completeRequest } from './requests.ts';

export interface EraseAccountOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
}

/** People, and deliveries, per transaction or statement: each holds its locks for moments. */
const batch = 200;

/**
 * Erases everybody that an account brought, a few at a time, and then what it sent. Each step is a transaction of its own, so that
 * it goes on where it was when its process died. Whoever also buys at another shop or marketplace stays: only what this
 * account told of them goes. The other platforms are the retailer's own and are not asked to erase.
 */
export async function eraseAccount(requestId: bigint, options: EraseAccountOptions): Promise<void> {
  const { pool, log } = options;
  const { rows } = await pool.query<Account>(
    `select c.id as "connectionId", c.platform from privacy_request r join connection c on c.id = r.connection_id
     where r.id = $1 and r.kind = 'erase_account' and r.completed_at is null`,
    [requestId],
  );
  const account = rows[0];
  if (account === undefined) return;
  const erase = async (who: { customerId: bigint | null; orderIds: bigint[] }): Promise<void> => {
    await transaction(pool, (tx) =>
      applyChanges(tx, {
        changes: [{ kind: 'customerErase', ...who, by: 'tributary', requestId, atPlatforms: false }],
        ...{ source: 'tributary', connectionId: null, deliveryId: null },
        now: new Date(),
        platforms: options.platforms,
      }),
    );
  };
  const people = await untilNone(pool, ownPeople, account, (customerId) =>
    erase({ customerId, orderIds: [] }),
  );
  await untilNone(pool, sharedIdentities, account, (identityId) =>
    forgetIdentity(identityId, account, options),
  );
  for (let orderIds = await ids(pool, openOrders, account); orderIds.length > 0; ) {
    await erase({ customerId: null, orderIds });
    orderIds = await ids(pool, openOrders, account);
  }
  const deliveries = await emptyDeliveries(pool, account.connectionId);
  await transaction(pool, async (tx) => {
    await addCounts(tx, requestId, { delivery: deliveries });
    await completeRequest(tx, requestId, 'tributary');
  });
  log.info(
    { connectionId: account.connectionId.toString(), people, deliveries },
    'Erased everybody that an account brought',
  );
}

interface Account {
  connectionId: bigint;
  platform: PlatformName;
}

const elsewhere = `exists (
  select 1 from customer_identity other join connection n on n.id = other.connection_id
  where other.customer_id = c.id and other.connection_id <> $1 and n.platform in ('shopify', 'amazon'))`;

const ownPeople = `select c.id from customer c
  where c.erased_at is null and c.merged_into_id is null and not ${elsewhere} and (
    exists (select 1 from customer_identity i where i.customer_id = c.id and i.connection_id = $1)
    or exists (select 1 from sales_order o where o.customer_id = c.id and o.connection_id = $1))
  order by c.id limit $2`;

const sharedIdentities = `select i.id from customer_identity i join customer c on c.id = i.customer_id
  where i.connection_id = $1 and c.erased_at is null and ${elsewhere} order by i.id limit $2`;

const openOrders =
  'select id from sales_order where connection_id = $1 and erased_at is null order by id limit $2';

async function ids(pool: Pool, text: string, { connectionId }: Account): Promise<bigint[]> {
  const { rows } = await pool.query<{ id: bigint }>(text, [connectionId, batch]);
  return rows.map((row) => row.id);
}

async function untilNone(
  pool: Pool,
  text: string,
  account: Account,
  work: (id: bigint) => Promise<void>,
): Promise<number> {
  for (let total = 0; ; ) {
    const found = await ids(pool, text, account);
    if (found.length === 0) return total;
    for (const id of found) await work(id);
    total += found.length;
  }
}

/** Of somebody who stays: the account's record of them, and what was made of it here. */
async function forgetIdentity(
  identityId: bigint,
  account: Account,
  { pool, platforms }: EraseAccountOptions,
): Promise<void> {
  await transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ remoteId: string; customerId: bigint }>(
      'delete from customer_identity where id = $1 returning remote_id as "remoteId", customer_id as "customerId"',
      [identityId],
    );
    const now = new Date();
    const common = { deliveryId: null, now, platforms };
    for (const { remoteId, customerId } of rows) {
      const version = { sourceUpdatedAt: now, observedAt: now };
      await applyChanges(tx, {
        ...common,
        changes: [{ kind: 'customerRemoved', remoteId, version }],
        source: account.platform,
        connectionId: account.connectionId,
      });
      await emptyWhatWasKept(tx, customerId, account, remoteId);
      await applyChanges(tx, {
        ...common,
        changes: [
          { kind: 'customersReview', ids: [customerId], forgetting: true },
          { kind: 'customFieldsReview', owner: 'Customer', ids: [customerId] },
        ],
        source: 'tributary',
        connectionId: null,
      });
      // What waited is planned anew by now.
      await emptyWhatWasWritten(tx, customerId);
    }
  });
}

const parts = '(select id from customer where id = $1 or merged_into_id = $1)';

/** Merges and the records in them remember what the account told, and can be undone no more; custom fields are made of it. */
async function emptyWhatWasKept(
  tx: Tx,
  customerId: bigint,
  { connectionId }: Account,
  remoteId: string,
): Promise<void> {
  await tx.query(
    `update customer_merge set before = '{}', edits = '{}' where survivor_id in ${parts} or absorbed_id in ${parts}`,
    [customerId],
  );
  await tx.query(
    `update customer set first_name = null, last_name = null, company = null, email = null, phone = null, default_address = null,
       note = null, tags = '{}', provenance = '{}', updated_at = clock_timestamp() where merged_into_id = $1`,
    [customerId],
  );
  await tx.query(
    `update source_statement set told = '{}' where connection_id = $1 and (kind, remote_id) in (('customer', $2), ('metafields', 'Customer:' || $2))`,
    [connectionId, remoteId],
  );
  await tx.query(
    `delete from custom_field_value v using connection n where n.id = $2 and v.entity_id = $1 and v.source = n.platform::text
       and v.field_id in (select id from custom_field where owner = 'Customer')`,
    [customerId, connectionId],
  );
}

async function emptyWhatWasWritten(tx: Tx, customerId: bigint): Promise<void> {
  const done = `subject_type = 'Customer' and subject_id in ${parts} and status in ('settled', 'superseded', 'dismissed')`;
  await tx.query(`update receipt set detail = '{}' where push_id in (select id from push where ${done})`, [
    customerId,
  ]);
  await tx.query(`update push set body = '{}', error = null, remedy = null where ${done}`, [customerId]);
}

async function emptyDeliveries(pool: Pool, connectionId: bigint): Promise<number> {
  for (let total = 0; ; ) {
    const { rowCount } = await pool.query(
      `update delivery set body = '', error = null, dismissed_reason = case when dismissed_reason is not null then '' end where id in (
         select id from delivery where connection_id = $1 and length(body) > 0 and status in ('settled', 'dead', 'dismissed') limit $2)`,
      [connectionId, batch],
    );
    total += rowCount ?? 0;
    if ((rowCount ?? 0) < batch) return total;
  }
}
