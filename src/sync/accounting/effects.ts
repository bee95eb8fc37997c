import { unreachable } from '../../errors.ts';
import type { PostingDocument, SalesForm } from './documents.ts';

/** What one document does to one account. Debits are positive, credits negative. */
export interface LedgerEffect {
  /**
   * `money` (with the account's name, where one was chosen), `receivable`, `tax <title> <rate>`, or the kind of the lines:
   * each kind has an account of its own.
   */
  account: string;
  amountMinor: bigint;
}

/** Debits and credits of a document, one per account; they add up to nothing. */
export function effectsOf(document: PostingDocument): LedgerEffect[] {
  switch (document.type) {
    case 'SalesReceipt':
    case 'Invoice':
      return formEffects(document, 1n);
    case 'CreditMemo':
    case 'RefundReceipt':
      return formEffects(document, -1n);
    case 'Payment':
      return [
        { account: moneyName(document.account), amountMinor: document.amountMinor },
        { account: 'receivable', amountMinor: -document.amountMinor },
      ];
    case 'Expense':
      return [
        { account: 'receivable', amountMinor: document.amountMinor },
        { account: moneyName(document.account), amountMinor: -document.amountMinor },
      ];
    case 'CreditApplication':
      return [];
    default:
      return unreachable(document);
  }
}

function formEffects(form: SalesForm, sign: bigint): LedgerEffect[] {
  const isReceipt = form.type === 'SalesReceipt' || form.type === 'RefundReceipt';
  const sums = new Map<string, bigint>();
  const add = (account: string, amountMinor: bigint): void => {
    sums.set(account, (sums.get(account) ?? 0n) + sign * amountMinor);
  };
  add(isReceipt ? moneyName(form.account) : 'receivable', form.totalMinor);
  for (const line of form.lines) add(accountName(line.kind), -line.netMinor);
  for (const tax of form.taxes) add(`tax ${tax.title} ${tax.rate}`, -tax.amountMinor);
  return [...sums].flatMap(([account, amountMinor]) =>
    amountMinor === 0n ? [] : [{ account, amountMinor }],
  );
}

function moneyName(account: string | null): string {
  return account === null ? 'money' : `money ${account}`;
}

/** Kinds that share an account with another one. */
function accountName(kind: SalesForm['lines'][number]['kind']): string {
  if (kind === 'giftCardTender') return 'giftCard';
  if (kind === 'notRestocked' || kind === 'notReturned') return 'sale';
  return kind === 'difference' ? 'rounding' : kind;
}
