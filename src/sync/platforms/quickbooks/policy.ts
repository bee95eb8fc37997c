import type { PolicyDesk, PolicyProblem } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession } from './client.ts';
import { readCompany } from './company.ts';
import { toAppError } from './fault.ts';
import { type QuickBooksCredentials, type QuickBooksSettings, quickBooksSettings } from './settings.ts';

/** Types of accounts that money can come into and be paid back from. */
const moneyTypes: readonly string[] = ['Bank', 'Other Current Asset'];

/** Reads, offers and checks the choices of how orders are posted. A wrong one is refused before anything is written with it. */
export const policyDesk: PolicyDesk<QuickBooksCredentials> = {
  read(settings) {
    return { ...quickBooksSettings.parse(settings) };
  },
  async choices(session) {
    const { accounts, classes, locations, company } = await read(session);
    return {
      accounts: accounts.map((one) => ({
        name: nameOf(one),
        type: String(one.AccountType ?? ''),
        money: isMoney(one),
      })),
      classes: classes.map(nameOf),
      locations: locations.map(nameOf),
      taxCodes: company.taxCodes.map((one) => one.name),
      closedUntil: company.closedUntil,
      currency: company.homeCurrency,
    };
  },
  async check(given, session) {
    const parsed = quickBooksSettings.safeParse(given);
    if (!parsed.success)
      return parsed.error.issues.map((issue) => ({
        field: String(issue.path[0] ?? ''),
        message: `${issue.path.join('.')}: ${issue.message}`,
      }));
    const settings = parsed.data;
    const { accounts, classes, locations, company } = await read(session);
    const problems: PolicyProblem[] = [];
    const refuse = (field: string, message: string): number => problems.push({ field, message });
    if (!isTimeZone(settings.timeZone))
      refuse('timeZone', `"${settings.timeZone}" is no time zone. Take a name such as Europe/Berlin.`);
    for (const { field, name } of moneyAccounts(settings)) {
      const account = accounts.find((one) => same(nameOf(one), name));
      if (account === undefined)
        refuse(field, `QuickBooks has no account "${name}". Make it there or choose another one.`);
      else if (!isMoney(account))
        refuse(
          field,
          `"${name}" is an account of the type ${String(account.AccountType)}: money needs a bank account or another current asset.`,
        );
    }
    for (const role of Object.values(settings.items)) {
      const account = accounts.find((one) => same(nameOf(one), role.account));
      if (
        account !== undefined &&
        ['Accounts Receivable', 'Accounts Payable'].includes(String(account.AccountType))
      )
        refuse('items', `The item "${role.item}" cannot earn to "${role.account}". Choose another account.`);
    }
    for (const name of Object.values(settings.classes))
      if (!classes.some((one) => same(nameOf(one), name)))
        refuse('classes', `QuickBooks has no class "${name}". Make it there or choose another one.`);
    for (const name of Object.values(settings.locations))
      if (!locations.some((one) => same(nameOf(one), name)))
        refuse('locations', `QuickBooks has no location "${name}". Make it there or choose another one.`);
    const codes = Object.values(settings.tax.codes);
    if (settings.tax.usCode !== null) codes.push(settings.tax.usCode);
    for (const name of codes)
      if (!company.taxCodes.some((one) => same(one.name, name) || one.id === name))
        refuse('taxCodes', `QuickBooks has no tax code "${name}". Make it there or choose another one.`);
    return problems;
  },
};

async function read(session: QuickBooksSession): Promise<{
  accounts: Entity[];
  classes: Entity[];
  locations: Entity[];
  company: Awaited<ReturnType<typeof readCompany>>;
}> {
  const books = booksOf(session);
  try {
    const [accounts, classes, locations, company] = await Promise.all([
      books.query('Account', 'maxresults 1000'),
      books.query('Class', 'maxresults 1000'),
      books.query('Department', 'maxresults 1000'),
      readCompany(session),
    ]);
    return { accounts, classes, locations, company };
  } catch (error) {
    throw toAppError(error, 'reading what the company has to choose from');
  }
}

function moneyAccounts(settings: QuickBooksSettings): { field: string; name: string }[] {
  return [
    ...(settings.depositAccount === null ? [] : [{ field: 'depositAccount', name: settings.depositAccount }]),
    ...Object.values(settings.gatewayAccounts).map((name) => ({ field: 'gatewayAccounts', name })),
  ];
}

function isMoney(account: Entity): boolean {
  return moneyTypes.includes(String(account.AccountType));
}

function nameOf(entity: Entity): string {
  return String(entity.Name ?? '');
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
