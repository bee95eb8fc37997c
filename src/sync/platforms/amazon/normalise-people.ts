import { type Address, normalizeEmail } from '../../../model/customer.ts';
import type { CanonicalOrder } from '../../../model/order.ts';
import type { AddressPayload, OrderPayload } from './payloads.ts';
import { textOf } from './vocabulary.ts';

/**
 * The buyer of this one order. Amazon tells no id, and its relay addresses stand for an order and not for a person: nobody
 * is recognised by them. Of orders that Amazon sends it tells no buyer at all.
 */
export function buyerOf(order: OrderPayload, address: Address | null): CanonicalOrder['customer'] {
  const name = textOf(order.buyer?.buyerName);
  const email = normalizeEmail(order.buyer?.buyerEmail);
  if (name === null && email === null) return null;
  const names = namesOf(name);
  // A parcel to somebody else is a present: where it goes says nothing about the buyer.
  const isOwn =
    address !== null && same(address.firstName, names.firstName) && same(address.lastName, names.lastName);
  return {
    ...{ remoteId: `order:${order.orderId}`, ...names, email, phone: null },
    ...(isOwn ? { address } : {}),
  };
}

function same(a: string | null, b: string | null): boolean {
  return a?.toLowerCase() === b?.toLowerCase();
}

function namesOf(name: string | null): { firstName: string | null; lastName: string | null } {
  const parts = name?.split(/\s+/) ?? [];
  if (parts.length < 2) return { firstName: name, lastName: null };
  return { firstName: parts.slice(0, -1).join(' '), lastName: parts.at(-1) ?? null };
}

export function addressOf(address: AddressPayload | null | undefined): Address | null {
  if (address == null) return null;
  const rest = [address.addressLine2, address.addressLine3].flatMap((line) => textOf(line) ?? []);
  return {
    ...namesOf(textOf(address.name)),
    company: textOf(address.companyName),
    address1: textOf(address.addressLine1),
    address2: rest.length === 0 ? null : rest.join(', '),
    city: textOf(address.city),
    province: textOf(address.stateOrRegion),
    zip: textOf(address.postalCode),
    countryCode: textOf(address.countryCode),
    phone: textOf(address.phone),
  };
}
