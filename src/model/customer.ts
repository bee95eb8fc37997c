export interface Address {
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  address1: string | null;
  address2: string | null;
  city: string | null;
  /** State, province or region, in the platform's words. */
  province: string | null;
  /** Postal code. */
  zip: string | null;
  /** ISO 3166-1 alpha-2. */
  countryCode: string | null;
  phone: string | null;
}

/** A customer as a platform tells them. Undefined fields are not told and stay as they are; null means empty. */
export interface CanonicalCustomer {
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  /** Trimmed and lower-cased by `normalizeEmail`. */
  email?: string | null;
  /** E.164 where it can be read as such, else as given. */
  phone?: string | null;
  address?: Address | null;
  note?: string | null;
  tags?: string[];
  taxExempt?: boolean;
  /** The platform's record is a merge of these others (HubSpot, Shopify). */
  mergedRemoteIds?: string[];
}

/** Trims and lower-cases; null where there is no address. Provider rules belong to identity resolution, not here. */
export function normalizeEmail(email: string | null | undefined): string | null {
  const trimmed = email?.trim().toLowerCase() ?? '';
  return trimmed === '' ? null : trimmed;
}

/**
 * Which part of the pieces bought came back, as a decimal with four digits, rounded half up: `"0.25"` is a quarter. Null where
 * nothing was bought.
 */
export function returnsRate(customer: { piecesSold: number; piecesReturned: number }): string | null {
  const { piecesSold, piecesReturned } = customer;
  if (piecesSold === 0) return null;
  const parts = Math.floor((20_000 * piecesReturned + piecesSold) / (2 * piecesSold));
  const digits = String(parts).padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, '');
}

/** Marketplaces' relay addresses stand for an order, not for a person. */
export function isRelayEmail(email: string | null): boolean {
  return email !== null && /@marketplace\.amazon\.[a-z.]+$/.test(email);
}
