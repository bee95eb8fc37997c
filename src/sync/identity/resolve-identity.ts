import type { Tx } from '../../db/pool.ts';
import { isRelayEmail } from '../../model/customer.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { Facts } from './facts.ts';

/** Everything that may say who a platform's customer is. */
export interface IdentityClues {
  /** The identity itself, when the platform's id is known. */
  identity: { id: bigint; customerId: bigint; facts: Facts } | null;
  /** The customer that we wrote to this very row of the platform. */
  linkedCustomerId: bigint | null;
  /** Customers with the same address, oldest first. */
  sameEmail: readonly bigint[];
}

export type Resolution = { kind: 'known'; customerId: bigint } | { kind: 'new' } | { kind: 'none' };

/** Remote id of those who ordered without an account. */
export function guestRemoteId(email: string): string {
  return `guest:${email}`;
}

export function isGuest(remoteId: string): boolean {
  return remoteId.startsWith('guest:');
}

/** Who a platform's customer is: whom its id already stands for, else whom we wrote there, else who has the same address. */
export function resolveIdentity(platform: PlatformName, clues: IdentityClues): Resolution {
  const customerId = clues.identity?.customerId ?? clues.linkedCustomerId ?? clues.sameEmail[0];
  if (customerId !== undefined) return { kind: 'known', customerId };
  // The books also list people who never bought from the shop: they describe customers, they do not bring any.
  return platform === 'quickbooks' ? { kind: 'none' } : { kind: 'new' };
}

/** Looks the clues up. A relay address is no clue: it stands for an order, not for a person. */
export async function findIdentityClues(
  tx: Tx,
  connectionId: bigint,
  who: { remoteId: string; email: string | null; linkType: string | null },
): Promise<IdentityClues> {
  const { rows } = await tx.query<{
    identityId: bigint | null;
    customerId: bigint | null;
    facts: Facts | null;
    linkedCustomerId: bigint | null;
    sameEmail: bigint[] | string[];
  }>({
    name: 'find-identity-clues',
    text: `select i.id as "identityId", i.customer_id as "customerId", i.facts,
             (select entity_id from link
              where connection_id = $1 and remote_type = $4 and remote_id = $2 and entity_type = 'Customer') as "linkedCustomerId",
             array(
               select customer_id from customer_identity where email = $3 and not relay_email
               union
               select id from customer where email = $3 and merged_into_id is null
               order by 1
             ) as "sameEmail"
           from (select 1) as one
           left join customer_identity i on i.connection_id = $1 and i.remote_id = $2`,
    values: [connectionId, who.remoteId, isRelayEmail(who.email) ? null : who.email, who.linkType],
  });
  const row = rows[0];
  if (row === undefined) return { identity: null, linkedCustomerId: null, sameEmail: [] };
  return {
    identity:
      row.identityId === null || row.customerId === null
        ? null
        : { id: row.identityId, customerId: row.customerId, facts: row.facts ?? {} },
    linkedCustomerId: row.linkedCustomerId,
    // Arrays of int8 reach us as text.
    sameEmail: row.sameEmail.map((id) => BigInt(id)),
  };
}
