import type { Books } from './books.ts';
import { minorNumber, minorText, toMinor } from './decimal.ts';
import type { Account, Entity, EntityType, Line, LinkedTxn, TransactionDraft } from './entities.ts';
import { entryOf, type NewLedgerLine } from './ledger.ts';
import { paidOnAccount } from './purchases.ts';
import { business, cannotLink, missingParameter } from './qbo-fault.ts';
import {
  applyCommon,
  currencyFacts,
  depositAccount,
  type Prepared,
  receivable,
  type SaveContext,
} from './transaction.ts';

/** Money from a customer, applied to invoices and to what was paid out to them; credit memos can be spent beside it. */
export function preparePayment(books: Books, draft: TransactionDraft, context: SaveContext): Prepared {
  if (draft.CustomerRef === undefined) throw missingParameter('CustomerRef');
  if (draft.TotalAmt === undefined) throw missingParameter('TotalAmt');
  const customer = books.resolve('Customer', draft.CustomerRef, 'CustomerRef');
  const money = currencyFacts(books, draft, customer);
  const date = draft.TxnDate ?? books.today();
  const totalMinor = toMinor(draft.TotalAmt);
  if (totalMinor < 0n) throw business('A payment must not be negative.', 'TotalAmt');

  const applied = new Map<string, bigint>();
  let invoices = 0n;
  let credits = 0n;
  for (const line of draft.Line ?? []) {
    const { type, id, amountMinor } = application(books, line, customer.Id, money.currency, context.id);
    const key = `${type}:${id}`;
    applied.set(key, (applied.get(key) ?? 0n) + amountMinor);
    if (type === 'CreditMemo') credits += amountMinor;
    else invoices += amountMinor;
  }
  for (const [key, amountMinor] of applied) {
    const open = openAmount(books, key, context.id);
    if (amountMinor > open)
      throw business(`${minorText(amountMinor)} is more than the open balance ${minorText(open)}.`, 'Amount');
  }
  if (invoices > totalMinor + credits)
    throw business('The amounts applied are more than the payment.', 'TotalAmt');

  const account = depositAccount(books, draft.DepositToAccountRef, money.currency);
  const entity = applyCommon(books, 'Payment', draft, context, { customer, money, date });
  entity.Line = (draft.Line ?? []).map((line) => ({ Amount: line.Amount, LinkedTxn: line.LinkedTxn }));
  entity.TotalAmt = minorNumber(totalMinor);
  entity.UnappliedAmt = minorNumber(totalMinor + credits - invoices);
  entity.ProcessPayment ??= false;
  entity.DepositToAccountRef = { value: account.Id, name: account.Name };
  const entry = entryOf({ type: 'Payment', id: context.id, date, ...money }, [
    { account: account.Id, amountMinor: totalMinor },
    { account: receivable(books, money.currency), amountMinor: -totalMinor, customer: customer.Id },
  ]);
  return { entity, entry, after: () => relink(books, context.id, context.previous, applied) };
}

/** Takes the payment off everything that it was applied to, and puts it onto what it is applied to now. */
export function relink(
  books: Books,
  paymentId: string,
  previous: Entity | null,
  applied: ReadonlyMap<string, bigint>,
): void {
  const touched = new Set(applied.keys());
  for (const key of linksOf(previous)) {
    touched.add(key);
    const payments = books.applied.get(key);
    payments?.delete(paymentId);
    if (payments?.size === 0) books.applied.delete(key);
  }
  for (const [key, amountMinor] of applied) {
    const payments = books.applied.get(key) ?? new Map<string, bigint>();
    payments.set(paymentId, amountMinor);
    books.applied.set(key, payments);
  }
  for (const key of touched) refreshBalance(books, key);
}

/** An invoice that goes away leaves its payments behind as credit of the customer. */
export function releasePayments(books: Books, type: EntityType, id: string): void {
  const key = `${type}:${id}`;
  const payments = books.applied.get(key);
  if (payments === undefined) return;
  books.applied.delete(key);
  for (const [paymentId, amountMinor] of payments) {
    const payment = books.find('Payment', paymentId);
    if (payment === undefined) continue;
    const lines = (payment.Line ?? []) as Line[];
    const sign = type === 'CreditMemo' ? -1n : 1n;
    books.save(
      'Payment',
      touchedCopy(books, payment, {
        Line: lines.filter((line) => line.LinkedTxn?.[0]?.TxnId !== id),
        UnappliedAmt: minorNumber(toMinor(Number(payment.UnappliedAmt ?? 0)) + sign * amountMinor),
      }),
      'Update',
    );
  }
}

/** Money on its way to the bank: from undeposited funds, and anything else that is named by account. */
export function prepareDeposit(books: Books, draft: TransactionDraft, context: SaveContext): Prepared {
  if (draft.DepositToAccountRef === undefined) throw missingParameter('DepositToAccountRef');
  if (draft.Line === undefined || draft.Line.length === 0) throw missingParameter('Line');
  const money = currencyFacts(books, draft, null);
  const date = draft.TxnDate ?? books.today();
  const bank = depositAccount(books, draft.DepositToAccountRef, money.currency);
  const linked: string[] = [];
  const credits: NewLedgerLine[] = [];
  const lines: Line[] = [];
  let totalMinor = 0n;
  for (const [index, line] of draft.Line.entries()) {
    const link = line.LinkedTxn?.[0];
    const amountMinor = link === undefined ? lineAmount(line) : linkedAmount(books, line, link, context.id);
    if (link !== undefined) linked.push(`${link.TxnType}:${link.TxnId}`);
    const account =
      link === undefined
        ? depositSource(books, line)
        : books.resolve<Account>(
            'Account',
            { value: books.settings.accounts.undepositedFunds },
            'AccountRef',
          );
    totalMinor += amountMinor;
    credits.push({ account: account.Id, amountMinor: -amountMinor });
    lines.push({
      ...line,
      Id: line.Id ?? String(index + 1),
      LineNum: index + 1,
      Amount: minorNumber(amountMinor),
      ...(link === undefined
        ? {
            DetailType: 'DepositLineDetail',
            DepositLineDetail: {
              ...line.DepositLineDetail,
              AccountRef: { value: account.Id, name: account.Name },
            },
          }
        : {}),
    });
  }
  const cashBack = draft.CashBack as { AccountRef?: { value: string }; Amount?: number } | undefined;
  if (cashBack?.Amount !== undefined && cashBack.AccountRef !== undefined) {
    const back = toMinor(cashBack.Amount);
    const account = books.resolve('Account', cashBack.AccountRef, 'CashBack');
    totalMinor -= back;
    credits.push({ account: account.Id, amountMinor: back });
  }
  if (totalMinor < 0n) throw business('The total of a deposit must not be negative.', 'TotalAmt');
  const entity = applyCommon(books, 'Deposit', draft, context, { customer: null, money, date });
  delete entity.LinkedTxn;
  entity.DepositToAccountRef = { value: bank.Id, name: bank.Name };
  entity.Line = lines;
  entity.TotalAmt = minorNumber(totalMinor);
  if (money.multi) entity.HomeTotalAmt = minorNumber(money.toHome(totalMinor));
  const entry = entryOf({ type: 'Deposit', id: context.id, date, ...money }, [
    { account: bank.Id, amountMinor: totalMinor },
    ...credits,
  ]);
  return { entity, entry, after: () => markDeposited(books, context.id, context.previous, linked) };
}

export function markDeposited(
  books: Books,
  depositId: string,
  previous: Entity | null,
  linked: readonly string[],
): void {
  for (const key of linksOf(previous)) books.deposited.delete(key);
  for (const key of linked) books.deposited.set(key, depositId);
}

/** Debits and credits by account, as an accountant writes them. */
export function prepareJournalEntry(books: Books, draft: TransactionDraft, context: SaveContext): Prepared {
  if (draft.Line === undefined || draft.Line.length === 0) throw missingParameter('Line');
  const money = currencyFacts(books, draft, null);
  const date = draft.TxnDate ?? books.today();
  const posted: NewLedgerLine[] = [];
  const lines: Line[] = [];
  let debits = 0n;
  let credits = 0n;
  for (const [index, line] of draft.Line.entries()) {
    if (line.DetailType === 'DescriptionOnly') {
      lines.push({ ...line, Id: line.Id ?? String(index) });
      continue;
    }
    const detail = line.JournalEntryLineDetail;
    if (detail === undefined) throw missingParameter('JournalEntryLineDetail');
    if (detail.AccountRef === undefined) throw missingParameter('AccountRef');
    if (detail.PostingType === undefined) throw missingParameter('PostingType');
    const account = books.resolve<Account>('Account', detail.AccountRef, 'AccountRef');
    const amountMinor = lineAmount(line);
    if (amountMinor < 0n) throw business('The amount of a journal line must not be negative.', 'Amount');
    const customer = journalCustomer(books, account, line);
    const debit = detail.PostingType === 'Debit';
    if (debit) debits += amountMinor;
    else credits += amountMinor;
    posted.push({
      account: account.Id,
      amountMinor: debit ? amountMinor : -amountMinor,
      ...(customer === null ? {} : { customer }),
    });
    lines.push({
      ...line,
      Id: line.Id ?? String(index),
      LineNum: index + 1,
      JournalEntryLineDetail: { ...detail, AccountRef: { value: account.Id, name: account.Name } },
    });
  }
  if (debits !== credits)
    throw business(
      `Debits and credits must balance. Debits ${minorText(debits)}, credits ${minorText(credits)}.`,
      'Line',
    );
  const entity = applyCommon(books, 'JournalEntry', draft, context, { customer: null, money, date });
  delete entity.LinkedTxn;
  entity.Line = lines;
  entity.TotalAmt = minorNumber(debits);
  entity.Adjustment ??= false;
  if (money.multi) entity.HomeTotalAmt = minorNumber(money.toHome(debits));
  return { entity, entry: entryOf({ type: 'JournalEntry', id: context.id, date, ...money }, posted) };
}

/** "Type:Id" of everything that the lines of a payment or deposit link to. */
export function linksOf(entity: Entity | null): string[] {
  return ((entity?.Line ?? []) as Line[]).flatMap((line) => (line.LinkedTxn ?? []).map(linkKey));
}

/** Money paid out is called by how it was paid where something links to it. */
export function linkKey(link: Pick<LinkedTxn, 'TxnId' | 'TxnType'>): string {
  const type = link.TxnType === 'Expense' || link.TxnType === 'Check' ? 'Purchase' : link.TxnType;
  return `${type}:${link.TxnId}`;
}

type Applied = 'Invoice' | 'CreditMemo' | 'Purchase';

function application(
  books: Books,
  line: Line,
  customerId: string,
  currency: string,
  paymentId: string,
): { type: Applied; id: string; amountMinor: bigint } {
  const link = line.LinkedTxn?.[0];
  if (link === undefined) throw missingParameter('LinkedTxn');
  const [type] = split(linkKey(link));
  if (!['Invoice', 'CreditMemo', 'Expense', 'Check'].includes(link.TxnType)) throw cannotLink(link.TxnId);
  const target = books.find(type, link.TxnId);
  const owner = ((target?.CustomerRef ?? target?.EntityRef) as { value: string } | undefined)?.value;
  if (target === undefined || owner !== customerId || paymentId === link.TxnId) throw cannotLink(link.TxnId);
  if ((target.CurrencyRef as { value: string }).value !== currency) throw cannotLink(link.TxnId);
  const amountMinor = lineAmount(line);
  if (amountMinor < 0n) throw business('The amount applied must not be negative.', 'Amount');
  return { type, id: link.TxnId, amountMinor };
}

/** What is open of an invoice or credit memo when this payment is left out of account. */
function openAmount(books: Books, key: string, paymentId: string): bigint {
  const [type, id] = split(key);
  const target = books.find(type, id);
  const total = type === 'Purchase' ? paidOnAccount(books, target) : toMinor(Number(target?.TotalAmt ?? 0));
  let used = 0n;
  for (const [payment, amountMinor] of books.applied.get(key) ?? [])
    if (payment !== paymentId) used += amountMinor;
  return total - used;
}

function refreshBalance(books: Books, key: string): void {
  const [type, id] = split(key);
  const target = books.find(type, id);
  if (target === undefined) return;
  const balance = minorNumber(openAmount(books, key, ''));
  const links: LinkedTxn[] = [...(books.applied.get(key)?.keys() ?? [])].map((payment) => ({
    TxnId: payment,
    TxnType: 'Payment',
  }));
  books.save(
    type,
    touchedCopy(books, target, {
      ...(type === 'Purchase' ? {} : { Balance: balance }),
      LinkedTxn: links,
      ...(type === 'CreditMemo' ? { RemainingCredit: balance } : {}),
    }),
    'Update',
  );
}

function touchedCopy(books: Books, entity: Entity, fields: Record<string, unknown>): Entity {
  return {
    ...entity,
    ...fields,
    SyncToken: String(Number(entity.SyncToken) + 1),
    MetaData: { ...entity.MetaData, LastUpdatedTime: books.stamp() },
  };
}

function linkedAmount(books: Books, line: Line, link: LinkedTxn, depositId: string): bigint {
  const { TxnType: type, TxnId: id } = link;
  if (type !== 'SalesReceipt' && type !== 'Payment') throw cannotLink(id);
  const target = books.find(type, id);
  const account = (target?.DepositToAccountRef as { value: string } | undefined)?.value;
  const holder = books.deposited.get(`${type}:${id}`);
  if (target === undefined || account !== books.settings.accounts.undepositedFunds) throw cannotLink(id);
  if (holder !== undefined && holder !== depositId) throw cannotLink(id);
  const totalMinor = toMinor(Number(target.TotalAmt ?? 0));
  if (line.Amount !== undefined && toMinor(line.Amount) !== totalMinor)
    throw business('The amount of a deposit line must equal the transaction it links.', 'Amount');
  return totalMinor;
}

function depositSource(books: Books, line: Line): Account {
  const ref = line.DepositLineDetail?.AccountRef;
  if (ref === undefined) throw missingParameter('AccountRef');
  return books.resolve<Account>('Account', ref, 'AccountRef');
}

function journalCustomer(books: Books, account: Account, line: Line): string | null {
  const entity = line.JournalEntryLineDetail?.Entity;
  const ref = entity?.EntityRef;
  if (account.AccountType === 'Accounts Receivable') {
    if (ref === undefined || entity?.Type !== 'Customer')
      throw business(
        'When you use Accounts Receivable, you must choose a customer in the Name field.',
        'Entity',
      );
    return books.resolve('Customer', ref, 'EntityRef').Id;
  }
  if (ref !== undefined && entity?.Type === 'Customer') books.resolve('Customer', ref, 'EntityRef');
  return null;
}

function lineAmount(line: Line): bigint {
  if (line.Amount === undefined) throw missingParameter('Line.Amount');
  return toMinor(line.Amount);
}

function split(key: string): [Applied, string] {
  const at = key.indexOf(':');
  return [key.slice(0, at) as Applied, key.slice(at + 1)];
}
