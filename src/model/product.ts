/** A product as a platform tells it: always with all of its variants. */
export interface CanonicalProduct {
  title: string;
  vendor: string | null;
  productType: string | null;
  status: 'active' | 'draft' | 'archived';
  handle: string | null;
  tags: string[];
  variants: CanonicalVariant[];
}

export interface CanonicalVariant {
  remoteId: string;
  /** The id that stock is counted under. */
  inventoryItemRemoteId: string | null;
  sku: string | null;
  barcode: string | null;
  title: string;
  position: number;
  priceMinor: bigint;
  /** Undefined where the platform does not tell it here. */
  costMinor?: bigint | null;
  currency: string;
  taxable: boolean;
  tracked: boolean;
  /** The shop goes on selling it when there is none left. Undefined where the platform does not tell it here. */
  sellsWhenOutOfStock?: boolean;
}

/** A place where stock is kept or sold, as a platform tells it. */
export interface CanonicalLocation {
  name: string;
  active: boolean;
  address: import('./customer.ts').Address | null;
}

/**
 * An offer at a marketplace that keeps no catalogue of its own for us: it names goods by the retailer's own number and is
 * tied to the variant that carries the same number. Marketplaces without such a variant bring one.
 */
export interface CanonicalListing {
  sku: string;
  /** The marketplace's catalogue entry (ASIN). */
  productRemoteId: string;
  title: string;
  /** Who sends the goods: the retailer, out of stock of their own, or the marketplace, out of its own warehouse. */
  fulfilledBy: 'merchant' | 'marketplace';
  /** Can be bought now. */
  buyable: boolean;
  /** Null where the marketplace does not tell a price. */
  price: { amountMinor: bigint; currency: string } | null;
}
