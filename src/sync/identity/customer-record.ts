import type { Tx } from '../../db/pool.ts';
import type { Source } from '../../model/platform-name.ts';
import { toJson } from '../graph/canonical-json.ts';
import type { FactField, Facts } from './facts.ts';
import type { GoldenRecord, Provenance, ToldBy } from './golden-record.ts';
import { isGuest } from './resolve-identity.ts';

export interface CustomerRecord {
  id: bigint;
  mergedIntoId: bigint | null;
  golden: GoldenRecord;
  identities: IdentityRow[];
}

export interface IdentityRow extends ToldBy {
  id: bigint;
  connectionId: bigint;
  remoteId: string;
}

/** The golden record's columns of a customer's row. */
export interface GoldenRow {
  first_name: string | null;
  last_name: string | null;
  company: string | null;
  email: string | null;
  phone: string | null;
  default_address: unknown;
  note: string | null;
  tags: string[] | null;
  tax_exempt: boolean;
  provenance: Provenance;
}

/** A customer with all that platforms say of them. Callers hold the customer's lock. */
export async function loadCustomerRecord(tx: Tx, id: bigint): Promise<CustomerRecord | null> {
  const { rows } = await tx.query<
    GoldenRow & {
      merged_into_id: bigint | null;
      identities: {
        id: string;
        connectionId: string;
        remoteId: string;
        source: Source;
        authority: ToldBy['authority'];
        facts: Facts;
      }[];
    }
  >({
    name: 'load-customer-record',
    text: `select c.merged_into_id, c.first_name, c.last_name, c.company, c.email, c.phone, c.default_address, c.note, c.tags,
             c.tax_exempt, c.provenance,
             coalesce((
               select json_agg(json_build_object('id', i.id::text, 'connectionId', i.connection_id::text,
                 'remoteId', i.remote_id, 'source', n.platform,
                 'authority', n.settings->'fieldAuthority', 'facts', i.facts) order by i.id)
               from customer_identity i join connection n on n.id = i.connection_id
               where i.customer_id = c.id
             ), '[]'::json) as identities
           from customer c where c.id = $1`,
    values: [id],
  });
  const row = rows[0];
  if (row === undefined) return null;
  return {
    id,
    mergedIntoId: row.merged_into_id,
    golden: goldenOfRow(row),
    identities: row.identities.map((identity) => ({
      id: BigInt(identity.id),
      connectionId: BigInt(identity.connectionId),
      remoteId: identity.remoteId,
      source: identity.source,
      authority: identity.authority ?? null,
      guest: isGuest(identity.remoteId),
      facts: identity.facts,
    })),
  };
}

export function goldenOfRow(row: GoldenRow): GoldenRecord {
  return {
    values: {
      firstName: row.first_name,
      lastName: row.last_name,
      company: row.company,
      email: row.email,
      phone: row.phone,
      address: row.default_address,
      note: row.note,
      tags: row.tags ?? [],
      taxExempt: row.tax_exempt,
    },
    provenance: row.provenance,
  };
}

const goldenColumns = `first_name text, last_name text, company text, email text, phone text, default_address jsonb, note text,
  tags text[], tax_exempt boolean, provenance jsonb`;

export async function insertCustomer(tx: Tx, record: GoldenRecord): Promise<bigint> {
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'insert-customer',
    text: `insert into customer (first_name, last_name, company, email, phone, default_address, note, tags, tax_exempt, provenance)
           select x.* from jsonb_to_record($1::jsonb) as x(${goldenColumns})
           returning id`,
    values: [toJson(columnsOf(record))],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  return id;
}

export async function updateCustomer(tx: Tx, id: bigint, record: GoldenRecord): Promise<void> {
  await tx.query({
    name: 'update-customer',
    text: `update customer set (first_name, last_name, company, email, phone, default_address, note, tags, tax_exempt, provenance,
             updated_at) = (select x.*, clock_timestamp() from jsonb_to_record($2::jsonb) as x(${goldenColumns}))
           where id = $1`,
    values: [id, toJson(columnsOf(record))],
  });
}

function columnsOf({ values, provenance }: GoldenRecord): Record<string, unknown> {
  const columns: Record<FactField, string> = {
    firstName: 'first_name',
    lastName: 'last_name',
    company: 'company',
    email: 'email',
    phone: 'phone',
    address: 'default_address',
    note: 'note',
    tags: 'tags',
    taxExempt: 'tax_exempt',
  };
  return {
    ...Object.fromEntries(
      Object.entries(columns).map(([field, column]) => [column, values[field as FactField]]),
    ),
    provenance,
  };
}
