import { z } from 'zod';
import type { PostingPolicy } from '../../accounting/policy.ts';

export const quickBooksCredentials = z.object({
  realmId: z.string().regex(/^\d+$/),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Rotates with every renewal of the access token. */
  refreshToken: z.string().min(1),
  accessToken: z.string().min(1).optional(),
  expiresAt: z.coerce.date().optional(),
  /** Signs the webhooks; another secret than the client's. */
  verifierToken: z.string().min(1),
});
export type QuickBooksCredentials = z.infer<typeof quickBooksCredentials>;

/** What a line that is no product is sold as: an item of that name, which earns to that account. Both are made where they are missing. */
function role(item: string, account: string, accountType: string, accountSubType: string) {
  return z
    .object({
      item: z.string().default(item),
      account: z.string().default(account),
      accountType: z.string().default(accountType),
      accountSubType: z.string().default(accountSubType),
    })
    .prefault({});
}

/** An account by name, and what it is made as where it is missing. */
function account(name: string, accountType: string, accountSubType: string) {
  return z
    .object({
      account: z.string().default(name),
      accountType: z.string().default(accountType),
      accountSubType: z.string().default(accountSubType),
    })
    .prefault({});
}

/** The choices made for one company, with what holds where none was made. */
export const quickBooksSettings = z.object({
  /** Orders placed earlier are left out: whoever kept the books before has them. Null takes all. */
  ordersFrom: z.coerce.date().nullable().default(null),
  /** Time zone whose day a document is dated by. Set to the shop's before the first document, where nobody has chosen one. */
  timeZone: z.string().default('UTC'),
  /** Put in front of the order's number. */
  docNumberPrefix: z.string().max(10).default(''),
  /** Link to the order in the note; `{remoteId}` and `{number}` are filled in. */
  orderUrl: z.string().nullable().default(null),
  /** Account that receives the money, by name; null is QuickBooks's own default, undeposited funds. */
  depositAccount: z.string().nullable().default(null),
  /** Accounts that the money of single gateways moves through, by name, for example `{ "cash": "Cash Register" }`. */
  gatewayAccounts: z.record(z.string(), z.string()).default({}),
  /** Orders that wait for their money: an invoice at once, or nothing before it has come. */
  unpaidOrders: z.enum(['invoice', 'wait']).default('invoice'),
  /** A document for each order and refund, or one for each day, channel, currency and account. */
  posting: z.enum(['perOrder', 'daily']).default('perOrder'),
  /** How long after midnight the documents of a day are written; what comes later changes them. */
  dailyDelayMinutes: z.number().nonnegative().default(60),
  /** What was given back: an itemised credit memo with the money applied to it, or a refund receipt where that says it all. */
  refunds: z.enum(['creditMemo', 'refundReceipt']).default('creditMemo'),
  /** Class by channel (`online_store`, `point_of_sale`, `amazon`, `other`), by name. */
  classes: z.record(z.string(), z.string()).default({}),
  /** Location by the name of the shop's location or by channel, by name. */
  locations: z.record(z.string(), z.string()).default({}),
  /** Customer of orders without one. */
  guestCustomer: z.string().default('Guest'),
  /** Home units per unit of a foreign currency, as decimal text; others are left to QuickBooks. */
  exchangeRates: z.record(z.string(), z.string()).default({}),
  /** Sales dated into closed books: on the first open day, or left to a person. */
  closedBooks: z.enum(['firstOpenDay', 'refuse']).default('firstOpenDay'),
  /** What the parts of an order may lack of its total before a person has to look, in minor units. */
  differenceLimitMinor: z.number().int().nonnegative().default(100),
  /** What a payment company pays out: one deposit per payout. */
  payouts: z
    .object({
      post: z.boolean().default(true),
      /** Bank account that payouts arrive at, by name; null is the only one there is, or the only checking account. */
      bankAccount: z.string().nullable().default(null),
      /** Payments and refunds that are not in the books: waited for, or, once the wait is over, on an account of their own. */
      unmatched: z.enum(['wait', 'post']).default('post'),
      /** How long they are waited for, from when the payout became known. */
      waitHours: z.number().nonnegative().default(72),
      /** What is no payment and no refund; accounts are made where they are missing. */
      accounts: z
        .object({
          fees: account('Payment Processing Fees', 'Expense', 'BankCharges'),
          disputes: account('Disputed Payments', 'Expense', 'OtherMiscellaneousServiceCost'),
          reserves: account('Payout Reserves', 'Other Current Asset', 'OtherCurrentAssets'),
          adjustments: account('Payout Adjustments', 'Expense', 'OtherMiscellaneousServiceCost'),
          returned: account('Payouts Sent Back', 'Other Current Asset', 'OtherCurrentAssets'),
          unmatched: account('Payouts Not Matched', 'Other Current Asset', 'OtherCurrentAssets'),
          residual: account('Payout Differences', 'Expense', 'OtherMiscellaneousServiceCost'),
        })
        .prefault({}),
    })
    .prefault({}),
  tax: z
    .object({
      /** `us`: one code per receipt, our sums override; `global`: a code per line; `auto`: by the company's country. */
      mode: z.enum(['auto', 'us', 'global']).default('auto'),
      /** `asOrder`: with tax where the shop's prices contain it (never in the US); `excluded`: net always. */
      prices: z.enum(['asOrder', 'excluded']).default('asOrder'),
      /** US: code (name or id) of receipts whose rates no code matches exactly; null takes the first with a rate. */
      usCode: z.string().nullable().default(null),
      /** Elsewhere: code (name or id) by rates, for example `{ "0.19": "19 % VAT", "0": "Exempt" }`; others are matched by their rates. */
      codes: z.record(z.string(), z.string()).default({}),
      /** Tax that no code covers: a line on a liability account, or a person; `auto` is the line in the US, the person elsewhere. */
      unmatched: z.enum(['auto', 'line', 'refuse']).default('auto'),
    })
    .prefault({}),
  items: z
    .object({
      sale: role('Sales', 'Sales of Product Income', 'Income', 'SalesOfProductIncome'),
      giftCard: role(
        'Gift Card',
        'Gift Card Liability',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      discount: role('Discounts', 'Discounts Given', 'Income', 'DiscountsRefundsGiven'),
      shipping: role('Shipping', 'Shipping Income', 'Income', 'OtherPrimaryIncome'),
      duties: role('Duties', 'Duties Payable', 'Other Current Liability', 'OtherCurrentLiabilities'),
      tip: role('Tips', 'Tips Payable', 'Other Current Liability', 'OtherCurrentLiabilities'),
      channelTax: role(
        'Channel Tax',
        'Tax Owed by Sales Channels',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      otherTax: role(
        'Sales Tax',
        'Other Sales Tax Payable',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      rounding: role('Rounding', 'Rounding', 'Other Expense', 'OtherMiscellaneousExpense'),
      difference: role('Rounding', 'Rounding', 'Other Expense', 'OtherMiscellaneousExpense'),
      notRestocked: role(
        'Returns Not Restocked',
        'Sales of Product Income',
        'Income',
        'SalesOfProductIncome',
      ),
      // Income given up, not a cost: at the selling price a cost account would leave sales standing that are undone.
      damaged: role('Returns Damaged', 'Damaged Goods Written Off', 'Income', 'DiscountsRefundsGiven'),
      notReturned: role('Returns Not Received', 'Sales of Product Income', 'Income', 'SalesOfProductIncome'),
      refundAdjustment: role('Refund Adjustments', 'Refund Adjustments', 'Income', 'DiscountsRefundsGiven'),
      overpayment: role(
        'Overpayments',
        'Customer Credit',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      giftCardTender: role(
        'Gift Card',
        'Gift Card Liability',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      storeCreditTender: role(
        'Store Credit',
        'Store Credit Liability',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
      exchangeTender: role(
        'Exchange',
        'Exchange Clearing',
        'Other Current Liability',
        'OtherCurrentLiabilities',
      ),
    })
    .prefault({}),
});
export type QuickBooksSettings = z.infer<typeof quickBooksSettings>;
export type Role = keyof QuickBooksSettings['items'];

/** What of the settings decides which documents there are. */
export function policyOf(settings: QuickBooksSettings): PostingPolicy {
  const { ordersFrom, unpaidOrders, refunds, depositAccount, gatewayAccounts } = settings;
  return { ordersFrom, unpaidOrders, refunds, depositAccount, gatewayAccounts };
}

export function readSettings(settings: Readonly<Record<string, unknown>>): QuickBooksSettings {
  return quickBooksSettings.parse(settings);
}
