/** What somebody wants given back. Ids are the graph's; amounts are minor units of the shop's currency. */
export interface RefundWish {
  lines: { orderLineId: bigint; quantity: number; restock: 'return' | 'cancel' | 'no_restock' }[];
  /** All that is left of the shipping. */
  shipping: boolean;
  /** Null: what the lines and shipping are worth. */
  amountMinor: bigint | null;
  /** Why the amount differs from the worth. */
  discrepancyReason: 'restock' | 'damage' | 'customer' | 'other' | null;
  /** Back to where it was paid, or as credit with the shop. */
  to: 'original' | 'store_credit';
  note: string | null;
}
