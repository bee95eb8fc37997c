/** What the retailer chose of how orders are posted, as far as it decides which documents there are. */
export interface PostingPolicy {
  /** Orders placed earlier are left out: whoever kept the books before has them. Null takes all. */
  ordersFrom: Date | null;
  /** Orders that wait for all or some of their money: an invoice now, or nothing before it has come. */
  unpaidOrders: 'invoice' | 'wait';
  /**
   * `creditMemo`: what came back is an itemised credit memo; the money that went back is an expense from the account it
   * left, applied to it. `refundReceipt`: both in one document where the money equals what came back.
   */
  refunds: 'creditMemo' | 'refundReceipt';
  /** Account that money comes into and goes back from, by name; null is QuickBooks's own default. */
  depositAccount: string | null;
  /** Accounts of single gateways, by name. */
  gatewayAccounts: Readonly<Record<string, string>>;
}

/** Account that the money of a gateway moves through; null: the books' own default. */
export function accountOf(policy: PostingPolicy, gateway: string): string | null {
  return policy.gatewayAccounts[gateway] ?? policy.depositAccount;
}

export type Tender = 'giftCard' | 'storeCredit' | 'money';

/** What a gateway settles with: money, or a debt of the retailer's own that grows or shrinks. */
export function tenderOf(gateway: string): Tender {
  if (gateway === 'gift_card') return 'giftCard';
  return gateway === 'store_credit' || gateway === 'shopify_store_credit' ? 'storeCredit' : 'money';
}
