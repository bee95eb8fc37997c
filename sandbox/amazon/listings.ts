import { type Account, AccountError, type FulfilledBy, type Listing } from './account.ts';

export interface ListingInput {
  sku: string;
  title?: string;
  price?: string;
  quantity?: number;
  fulfilledBy?: FulfilledBy;
  behaviour?: Listing['behaviour'];
}

/** Makes an offer or changes it, as a person in Seller Central does. */
export function upsertListing(account: Account, input: ListingInput): Listing {
  const known = account.state.listings[input.sku];
  const nowMs = account.tick();
  const listing: Listing = known ?? {
    sku: input.sku,
    asin: `B0${account.digits('asin', 8)}`,
    title: input.title ?? input.sku,
    productType: 'PRODUCT',
    priceMinor: 1_000,
    currency: account.profile.currency,
    fulfilledBy: 'MERCHANT',
    quantity: 0,
    createdMs: nowMs,
    updatedMs: nowMs,
    issues: [],
    behaviour: 'apply',
  };
  account.state.listings[input.sku] = listing;
  listing.updatedMs = nowMs;
  if (input.title !== undefined) listing.title = input.title;
  if (input.price !== undefined) listing.priceMinor = Math.round(Number(input.price) * 100);
  if (input.fulfilledBy !== undefined) listing.fulfilledBy = input.fulfilledBy;
  if (input.behaviour !== undefined) listing.behaviour = input.behaviour;
  if (listing.fulfilledBy === 'AMAZON') {
    account.state.inventory[listing.sku] ??= {
      sku: listing.sku,
      fulfillable: 0,
      reserved: 0,
      inbound: 0,
      updatedMs: nowMs,
    };
    if (input.quantity !== undefined) setInventory(account, listing.sku, { fulfillable: input.quantity });
  } else if (input.quantity !== undefined) setQuantity(account, listing, input.quantity);
  return listing;
}

/** However it comes about, Amazon announces it. */
export function setQuantity(account: Account, listing: Listing, quantity: number): void {
  if (!Number.isInteger(quantity) || quantity < 0)
    throw new AccountError('quantity must be a whole number from 0 on');
  if (listing.quantity === quantity) return;
  listing.quantity = quantity;
  listing.updatedMs = account.tick();
  account.tell({ kind: 'quantity', sku: listing.sku });
}

export function moveInventory(
  account: Account,
  sku: string,
  by: { fulfillable?: number; reserved?: number; inbound?: number },
): void {
  const level = account.state.inventory[sku];
  if (level === undefined) return;
  setInventory(account, sku, {
    fulfillable: level.fulfillable + (by.fulfillable ?? 0),
    reserved: level.reserved + (by.reserved ?? 0),
    inbound: level.inbound + (by.inbound ?? 0),
  });
}

export function setInventory(
  account: Account,
  sku: string,
  to: { fulfillable?: number; reserved?: number; inbound?: number },
): void {
  const level = account.state.inventory[sku];
  if (level === undefined) throw new AccountError(`${sku} is not in Amazon's warehouses`);
  level.fulfillable = Math.max(0, to.fulfillable ?? level.fulfillable);
  level.reserved = Math.max(0, to.reserved ?? level.reserved);
  level.inbound = Math.max(0, to.inbound ?? level.inbound);
  level.updatedMs = account.tick();
  account.tell({ kind: 'inventory', sku });
}

const availabilityAttribute = 'fulfillment_availability';

/** Applies a quantity that was accepted some time ago, or says why not. */
export function applySubmission(account: Account, sku: string, quantity: number): void {
  const listing = account.state.listings[sku];
  if (listing === undefined || listing.behaviour === 'ignore') return;
  listing.issues = listing.issues.filter((issue) => !issue.attributeNames.includes(availabilityAttribute));
  if (listing.behaviour === 'refuse') {
    listing.issues.push({
      code: '8560',
      message: 'The quantity cannot be changed while the offer is under review.',
      severity: 'ERROR',
      attributeNames: [availabilityAttribute],
      categories: ['INVALID_ATTRIBUTE'],
    });
    listing.updatedMs = account.tick();
    return;
  }
  setQuantity(account, listing, quantity);
}
