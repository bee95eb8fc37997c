import { add, type Decimal, decimalText, minorText, negate, parseDecimal, toMinor } from './decimal.ts';

/** Debits are positive, credits negative. */
interface LedgerLine {
  account: string;
  /** In the currency of the transaction. */
  amountMinor: bigint;
  /** In the company's own currency. */
  homeMinor: bigint;
  /** Whose receivable the line changes. */
  customer?: string;
  taxRate?: string;
  memo?: string;
}

/** Without a home amount the rate gives it. */
export type NewLedgerLine = Omit<LedgerLine, 'homeMinor'> & { homeMinor?: bigint };

export interface StockMove {
  item: string;
  quantity: Decimal;
}

export interface LedgerEntry {
  type: string;
  id: string;
  date: string;
  currency: string;
  lines: LedgerLine[];
  stock: StockMove[];
}

/** How an entry looks to a reader and in the state file: exact decimal texts. */
export interface LedgerEntryView {
  type: string;
  id: string;
  date: string;
  currency: string;
  lines: {
    account: string;
    amount: string;
    home: string;
    customer?: string;
    taxRate?: string;
    memo?: string;
  }[];
  stock: { item: string; quantity: string }[];
}

interface Balance {
  amountMinor: bigint;
  homeMinor: bigint;
}

/** Double entry: each transaction owns one entry, which replaces the one before it; the sums are kept as entries come and go. */
export class Ledger {
  #entries = new Map<string, LedgerEntry>();
  /** account → currency → balance */
  #accounts = new Map<string, Map<string, Balance>>();
  #customers = new Map<string, bigint>();
  #stock = new Map<string, Decimal>();

  post(entry: LedgerEntry): void {
    assertBalanced(entry);
    const key = keyOf(entry.type, entry.id);
    const before = this.#entries.get(key);
    if (before !== undefined) this.#count(before, -1n);
    this.#entries.set(key, entry);
    this.#count(entry, 1n);
  }

  remove(type: string, id: string): void {
    const key = keyOf(type, id);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#count(entry, -1n);
    this.#entries.delete(key);
  }

  entry(type: string, id: string): LedgerEntry | undefined {
    return this.#entries.get(keyOf(type, id));
  }

  entries(): IterableIterator<LedgerEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** In home currency, debit positive. */
  homeBalance(account: string): bigint {
    let sum = 0n;
    for (const balance of this.#accounts.get(account)?.values() ?? []) sum += balance.homeMinor;
    return sum;
  }

  balances(account: string): ReadonlyMap<string, Balance> {
    return this.#accounts.get(account) ?? new Map();
  }

  usesAccount(account: string): boolean {
    return this.#accounts.has(account);
  }

  /** What a customer owes, in the customer's currency. */
  customerBalance(customer: string): bigint {
    return this.#customers.get(customer) ?? 0n;
  }

  onHand(item: string): Decimal {
    return this.#stock.get(item) ?? { units: 0n, scale: 0 };
  }

  #count(entry: LedgerEntry, sign: 1n | -1n): void {
    for (const line of entry.lines) {
      let currencies = this.#accounts.get(line.account);
      if (currencies === undefined) {
        currencies = new Map();
        this.#accounts.set(line.account, currencies);
      }
      const balance = currencies.get(entry.currency) ?? { amountMinor: 0n, homeMinor: 0n };
      balance.amountMinor += sign * line.amountMinor;
      balance.homeMinor += sign * line.homeMinor;
      currencies.set(entry.currency, balance);
      if (line.customer !== undefined)
        this.#customers.set(line.customer, this.customerBalance(line.customer) + sign * line.amountMinor);
    }
    for (const move of entry.stock) {
      const change = sign === 1n ? move.quantity : negate(move.quantity);
      this.#stock.set(move.item, add(this.onHand(move.item), change));
    }
  }
}

/**
 * Builds the entry of a transaction from lines in its own currency. Home amounts are rounded line by line, and the first
 * line, which is the money or the receivable, takes what rounding leaves, so that both columns balance.
 */
export function entryOf(
  facts: { type: string; id: string; date: string; currency: string; rate: Decimal },
  lines: readonly NewLedgerLine[],
  stock: readonly StockMove[] = [],
): LedgerEntry {
  const kept = lines.filter((line) => line.amountMinor !== 0n);
  const homes = kept.map(
    (line) =>
      line.homeMinor ?? toMinor({ units: line.amountMinor * facts.rate.units, scale: 2 + facts.rate.scale }),
  );
  const rest = homes.reduce((a, b) => a + b, 0n);
  if (homes[0] !== undefined) homes[0] -= rest;
  return {
    type: facts.type,
    id: facts.id,
    date: facts.date,
    currency: facts.currency,
    lines: kept.map((line, index) => ({ ...line, homeMinor: homes[index] ?? 0n })),
    stock: [...stock],
  };
}

export function viewOf(entry: LedgerEntry): LedgerEntryView {
  return {
    ...entry,
    lines: entry.lines.map(({ amountMinor, homeMinor, ...rest }) => ({
      ...rest,
      amount: minorText(amountMinor),
      home: minorText(homeMinor),
    })),
    stock: entry.stock.map((move) => ({ item: move.item, quantity: decimalText(move.quantity) })),
  };
}

export function entryFrom(view: LedgerEntryView): LedgerEntry {
  return {
    ...view,
    lines: view.lines.map(({ amount, home, ...rest }) => ({
      ...rest,
      amountMinor: toMinor(amount),
      homeMinor: toMinor(home),
    })),
    stock: view.stock.map((move) => ({ item: move.item, quantity: parseDecimal(move.quantity) })),
  };
}

function assertBalanced(entry: LedgerEntry): void {
  let amount = 0n;
  let home = 0n;
  for (const line of entry.lines) {
    amount += line.amountMinor;
    home += line.homeMinor;
  }
  if (amount !== 0n || home !== 0n)
    throw new Error(
      `${entry.type} ${entry.id} does not balance: ${minorText(amount)} ${entry.currency}, ${minorText(home)} at home`,
    );
}

function keyOf(type: string, id: string): string {
  return `${type}:${id}`;
}
