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
}

/** A place where stock is kept or sold, as a platform tells it. */
export interface CanonicalLocation {
  name: string;
  active: boolean;
  address: import('./customer.ts').Address | null;
}
