import type { Tx } from '../../db/pool.ts';
import { isRelayEmail } from '../../model/customer.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { compareFirstNames, compareLastNames } from './compare.ts';
import type { Facts } from './facts.ts';
import type { ToldBy } from './golden-record.ts';
import { emailParts } from './normalise-email.ts';
import { personName } from './normalise-name.ts';

/** Everything that may say who a platform's customer is. */
export interface IdentityClues {
  /** The identity itself, when the platform's id is known. */
  identity: { id: bigint; customerId: bigint; facts: Facts } | null;
  /** The customer that we wrote to this very row of the platform. */
  linkedCustomerId: bigint | null;
  /** True where that customer has become part of another one, whose own row of the platform is another. */
  isLinkParked: boolean;
  /** Who has the same mailbox, oldest customers first: one entry per record that says so. */
  sameEmail: readonly EmailUser[];
  /** Country of the shop, for telephone numbers without one. */
  country: string | null;
  /** How far the account that asks is believed, by field. */
  authority: ToldBy['authority'];
}

export interface EmailUser {
  customerId: bigint;
  firstName: string | null;
  lastName: string | null;
  /** The record is of the same account at a platform as the one that asks. */
  isHere: boolean;
  guest: boolean;
}

/** Who asks: what a platform's record says of itself. */
export interface Asking {
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  guest: boolean;
}

export type Resolution = { kind: 'known'; customerId: bigint } | { kind: 'new' } | { kind: 'none' };

/** Remote id of those who ordered without an account. */
export function guestRemoteId(email: string): string {
  return `guest:${email}`;
}

export function isGuest(remoteId: string): boolean {
  return remoteId.startsWith('guest:');
}

/** Who a platform's customer is: whom its id already stands for, else whom we wrote there, else whose mailbox it is. */
export function resolveIdentity(platform: PlatformName, clues: IdentityClues, asking: Asking): Resolution {
  const customerId =
    clues.identity?.customerId ?? clues.linkedCustomerId ?? ownerOfMailbox(asking, clues.sameEmail);
  if (customerId !== null) return { kind: 'known', customerId };
  // The books also list people who never bought from the shop: they describe customers, they do not bring any.
  return platform === 'quickbooks' ? { kind: 'none' } : { kind: 'new' };
}

/** From so many different people on, a mailbox is nobody's in particular. */
const manyUsers = 3;

/**
 * The customer whose mailbox it is, unless names speak against it. A desk's mailbox (info@) and one that many people use
 * are nobody's: there the name has to agree.
 */
function ownerOfMailbox(asking: Asking, users: readonly EmailUser[]): bigint | null {
  const name = personName(asking.firstName, asking.lastName);
  const known = users.map((user) => ({ ...user, name: personName(user.firstName, user.lastName) }));
  const isShared =
    emailParts(asking.email)?.kind === 'role' || countPeople(known.map((user) => user.name)) >= manyUsers;
  const fits = ({ customerId, name: theirs, isHere, guest }: (typeof known)[number]): boolean => {
    // At one account of a platform a guest and a customer with one address are one to the platform, too.
    if (!isShared && isHere && (asking.guest || guest)) return true;
    const other =
      theirs ?? known.find((user) => user.customerId === customerId && user.name !== null)?.name ?? null;
    if (name === null || other === null) return !isShared;
    const first = compareFirstNames(name.first, other.first);
    const last = compareLastNames(name.last, other.last);
    if (isShared) return (first === 'same' || first === 'alias') && (last === 'same' || last === 'close');
    return first !== 'different' && last !== 'different';
  };
  return known.find(fits)?.customerId ?? null;
}

function countPeople(names: readonly ReturnType<typeof personName>[]): number {
  const people: NonNullable<(typeof names)[number]>[] = [];
  for (const name of names)
    if (name !== null && people.every((one) => compareFirstNames(one.first, name.first) === 'different'))
      people.push(name);
  return people.length;
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
    isLinkParked: boolean | null;
    sameEmail: (Omit<EmailUser, 'customerId'> & { customerId: string })[];
    country: string | null;
    authority: ToldBy['authority'];
  }>({
    name: 'find-identity-clues',
    text: `select i.id as "identityId", i.customer_id as "customerId", i.facts,
             l.entity_id as "linkedCustomerId",
             (select c.merged_into_id is not null from customer c where c.id = l.entity_id) as "isLinkParked",
             coalesce((select json_agg(json_build_object('customerId', u.id::text, 'firstName', u.first_name,
               'lastName', u.last_name, 'isHere', u.is_here, 'guest', u.guest) order by u.id) from (
                 (select customer_id as id, first_name, last_name, connection_id = $1 as is_here,
                    remote_id like 'guest:%' as guest from customer_identity
                  where email = $3 and not relay_email order by customer_id limit 25)
                 union all
                 (select id, first_name, last_name, false, false from customer where email = $3 and merged_into_id is null
                  order by id limit 25)) as u), '[]') as "sameEmail",
             (select settings ->> 'country' from connection where id = $1) as country,
             (select settings -> 'fieldAuthority' from connection where id = $1) as authority
           from (select 1) as one
           left join customer_identity i on i.connection_id = $1 and i.remote_id = $2
           left join link l on l.connection_id = $1 and l.remote_type = $4 and l.remote_id = $2 and l.entity_type = 'Customer'`,
    values: [connectionId, who.remoteId, isRelayEmail(who.email) ? null : who.email, who.linkType],
  });
  const row = rows[0];
  if (row === undefined)
    return {
      identity: null,
      linkedCustomerId: null,
      isLinkParked: false,
      sameEmail: [],
      country: null,
      authority: null,
    };
  return {
    identity:
      row.identityId === null || row.customerId === null
        ? null
        : { id: row.identityId, customerId: row.customerId, facts: row.facts ?? {} },
    linkedCustomerId: row.linkedCustomerId,
    isLinkParked: row.isLinkParked ?? false,
    sameEmail: row.sameEmail.map((user) => ({ ...user, customerId: BigInt(user.customerId) })),
    country: row.country,
    authority: row.authority,
  };
}
