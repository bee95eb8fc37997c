import { AppError } from '../../../errors.ts';
import { booksOf, type QuickBooksSession, quoted } from './client.ts';
import { type Company, once } from './company.ts';

/** Account of that name; never made here: money must not land in an account nobody reconciles. */
export function moneyAccount(session: QuickBooksSession, name: string): Promise<string> {
  return once(session, `quickbooks.deposit ${name}`, async () => {
    const [account] = await booksOf(session).query('Account', `where Name = ${quoted(name)}`);
    if (account !== undefined) return account.Id;
    throw new AppError({
      code: 'QUICKBOOKS_ACCOUNT_MISSING',
      retryable: false,
      publicMessage: `QuickBooks has no account "${name}" for money.`,
      remedy: `Make the account "${name}" in QuickBooks or name another one in the posting policy, then retry.`,
    });
  });
}

/** Where QuickBooks itself puts money that no account was named for. */
export function undepositedFunds(session: QuickBooksSession): Promise<string> {
  return once(session, 'quickbooks.account undeposited funds', async () => {
    const [account] = await booksOf(session).query('Account', `where AccountSubType = 'UndepositedFunds'`);
    if (account !== undefined) return account.Id;
    throw new AppError({
      code: 'QUICKBOOKS_ACCOUNT_MISSING',
      retryable: false,
      publicMessage: 'QuickBooks has no account for undeposited funds.',
      remedy: 'Name the account that money moves through in the posting policy, then retry.',
    });
  });
}

/** The receivable of a currency: a foreign one has its own, once QuickBooks has made it. */
export function receivable(session: QuickBooksSession, company: Company, currency: string): Promise<string> {
  return once(session, `quickbooks.account receivable ${currency}`, async () => {
    const accounts = await booksOf(session).query('Account', `where AccountType = 'Accounts Receivable'`);
    const inCurrency = (wanted: string) =>
      accounts.find(
        (one) =>
          ((one.CurrencyRef as { value?: string } | undefined)?.value ?? company.homeCurrency) === wanted,
      );
    const account = inCurrency(currency) ?? inCurrency(company.homeCurrency) ?? accounts[0];
    if (account !== undefined) return account.Id;
    throw new AppError({
      code: 'QUICKBOOKS_ACCOUNT_MISSING',
      retryable: false,
      publicMessage: 'QuickBooks has no Accounts Receivable account.',
      remedy: 'Make an account of the type Accounts Receivable in QuickBooks, then retry.',
    });
  });
}

/** A class or location by name; null where none was chosen. */
export async function labelled(
  session: QuickBooksSession,
  entity: 'Class' | 'Department',
  name: string | null,
): Promise<string | null> {
  if (name === null) return null;
  return await once(session, `quickbooks.item ${entity} ${name}`, async () => {
    const [found] = await booksOf(session).query(entity, `where Name = ${quoted(name)}`);
    if (found !== undefined) return found.Id;
    const word = entity === 'Class' ? 'class' : 'location';
    throw new AppError({
      code: 'QUICKBOOKS_LABEL_MISSING',
      retryable: false,
      publicMessage: `QuickBooks has no ${word} "${name}".`,
      remedy: `Make the ${word} "${name}" in QuickBooks or name another one in the posting policy, then retry.`,
    });
  });
}
