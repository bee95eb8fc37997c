import type { Books } from './books.ts';
import { minorNumber, toMinor } from './decimal.ts';
import type { Account, Entity, Line, TransactionDraft } from './entities.ts';
import { entryOf, type NewLedgerLine } from './ledger.ts';
import { business, missingParameter } from './qbo-fault.ts';
import { applyCommon, currencyFacts, type Prepared, type SaveContext } from './transaction.ts';

/** Account types that each way of paying takes its money from. */
const payable: Readonly<Record<string, readonly string[]>> = {
  Cash: ['Bank', 'Other Current Asset'],
  Check: ['Bank'],
  CreditCard: ['Credit Card'],
};

/** Money that goes out. Paid to a customer on their receivable, it settles what they have to their credit. */
export function preparePurchase(books: Books, draft: TransactionDraft, context: SaveContext): Prepared {
  if (draft.PaymentType === undefined) throw missingParameter('PaymentType');
  if (draft.AccountRef === undefined) throw missingParameter('AccountRef');
  if (draft.Line === undefined || draft.Line.length === 0) throw missingParameter('Line');
  const account = books.resolve<Account>('Account', draft.AccountRef, 'AccountRef');
  if (!(payable[draft.PaymentType] ?? []).includes(account.AccountType))
    throw business(`The account ${account.Name} cannot be paid from by ${draft.PaymentType}.`, 'AccountRef');
  const isCustomer = draft.EntityRef?.type === 'Customer';
  const customer =
    draft.EntityRef !== undefined && isCustomer
      ? books.resolve('Customer', draft.EntityRef, 'EntityRef')
      : null;
  const money = currencyFacts(books, draft, customer);
  const own = account.CurrencyRef.value;
  if (own !== money.currency && own !== books.homeCurrency)
    throw business(`${account.Name} is kept in ${own}.`, 'AccountRef');
  const date = draft.TxnDate ?? books.today();
  const posted: NewLedgerLine[] = [];
  const lines: Line[] = [];
  let totalMinor = 0n;
  for (const [index, line] of draft.Line.entries()) {
    const detail = line.AccountBasedExpenseLineDetail;
    if (detail === undefined) throw missingParameter('AccountBasedExpenseLineDetail');
    if (detail.AccountRef === undefined) throw missingParameter('AccountRef');
    if (line.Amount === undefined) throw missingParameter('Line.Amount');
    const target = books.resolve<Account>('Account', detail.AccountRef, 'AccountRef');
    const isReceivable = target.AccountType === 'Accounts Receivable';
    if (isReceivable && customer === null)
      throw business(
        'When you use Accounts Receivable, you must choose a customer in the Name field.',
        'EntityRef',
      );
    if (needsTaxCode(books, draft) && detail.TaxCodeRef === undefined)
      throw business('Make sure all your transactions have a tax rate before you save.', 'TaxCodeRef');
    const amountMinor = toMinor(line.Amount);
    totalMinor += amountMinor;
    posted.push({
      account: target.Id,
      amountMinor,
      ...(isReceivable && customer !== null ? { customer: customer.Id } : {}),
    });
    lines.push({
      ...line,
      Id: line.Id ?? String(index + 1),
      LineNum: index + 1,
      DetailType: 'AccountBasedExpenseLineDetail',
      AccountBasedExpenseLineDetail: { ...detail, AccountRef: { value: target.Id, name: target.Name } },
    });
  }
  if (totalMinor < 0n) throw business('The total of a transaction must not be negative.', 'TotalAmt');
  const entity = applyCommon(books, 'Purchase', draft, context, { customer: null, money, date });
  entity.AccountRef = { value: account.Id, name: account.Name };
  if (customer !== null)
    entity.EntityRef = { value: customer.Id, name: String(customer.DisplayName), type: 'Customer' };
  entity.Line = lines;
  entity.TotalAmt = minorNumber(totalMinor);
  entity.Credit ??= false;
  const entry = entryOf({ type: 'Purchase', id: context.id, date, ...money }, [
    { account: account.Id, amountMinor: -totalMinor },
    ...posted,
  ]);
  return { entity, entry };
}

/** What of a purchase was paid to the customer's account, and can be settled with their credit. */
export function paidOnAccount(books: Books, purchase: Entity | undefined): bigint {
  return ((purchase?.Line ?? []) as Line[]).reduce((sum, line) => {
    const account = books.find<Account>(
      'Account',
      line.AccountBasedExpenseLineDetail?.AccountRef?.value ?? '',
    );
    return account?.AccountType === 'Accounts Receivable' ? sum + toMinor(line.Amount ?? 0) : sum;
  }, 0n);
}

function needsTaxCode(books: Books, draft: TransactionDraft): boolean {
  return (
    books.settings.taxMode === 'global' &&
    books.preferences.TaxPrefs.UsingSalesTax &&
    draft.GlobalTaxCalculation !== 'NotApplicable'
  );
}
