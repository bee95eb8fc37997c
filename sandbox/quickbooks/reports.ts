import type { Books } from './books.ts';
import { minorText } from './decimal.ts';
import type { Account } from './entities.ts';
import { type LedgerEntryView, viewOf } from './ledger.ts';

export interface AccountBalance {
  id: string;
  name: string;
  type: string;
  /** Debit positive, in home currency. */
  home: string;
  /** Debit positive, per currency of the postings. */
  currencies: Record<string, string>;
}

export interface TrialBalance {
  currency: string;
  rows: { account: string; name: string; debit: string; credit: string }[];
  totalDebit: string;
  totalCredit: string;
  balanced: boolean;
}

export function accountBalances(books: Books): AccountBalance[] {
  return accountsInUse(books).map((account) => ({
    id: account.Id,
    name: account.FullyQualifiedName,
    type: account.AccountType,
    home: minorText(books.ledger.homeBalance(account.Id)),
    currencies: Object.fromEntries(
      [...books.ledger.balances(account.Id)].map(([currency, balance]) => [
        currency,
        minorText(balance.amountMinor),
      ]),
    ),
  }));
}

export function trialBalance(books: Books): TrialBalance {
  let debit = 0n;
  let credit = 0n;
  const rows = accountsInUse(books).flatMap((account) => {
    const balance = books.ledger.homeBalance(account.Id);
    if (balance === 0n) return [];
    if (balance > 0n) debit += balance;
    else credit -= balance;
    return [
      {
        account: account.Id,
        name: account.FullyQualifiedName,
        debit: minorText(balance > 0n ? balance : 0n),
        credit: minorText(balance < 0n ? -balance : 0n),
      },
    ];
  });
  return {
    currency: books.homeCurrency,
    rows,
    totalDebit: minorText(debit),
    totalCredit: minorText(credit),
    balanced: debit === credit,
  };
}

export function ledgerEntries(books: Books, filter: { type?: string; id?: string } = {}): LedgerEntryView[] {
  if (filter.type !== undefined && filter.id !== undefined) {
    const entry = books.ledger.entry(filter.type, filter.id);
    return entry === undefined ? [] : [viewOf(entry)];
  }
  return [...books.ledger.entries()]
    .filter((entry) => filter.type === undefined || entry.type === filter.type)
    .map(viewOf);
}

function accountsInUse(books: Books): Account[] {
  return [...books.of('Account').byId.values()].filter((account) =>
    books.ledger.usesAccount(account.Id),
  ) as Account[];
}
