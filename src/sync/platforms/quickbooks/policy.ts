import { isTimeZone } from '../../../model/day.ts';
import type { PolicyDesk, PolicyProblem } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession } from './client.ts';
import { readCompany } from './company.ts';
import { toAppError } from './fault.ts';
import {
  type QuickBooksCredentials,
  type QuickBooksSettings,
  quickBooksSettings,
  type Role,
} from './settings.ts';

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
        severity: 'refuse',
      }));
    return problemsOf(parsed.data, await read(session));
  },
};

/** Everything of a company that settings may name. */
type Known = Awaited<ReturnType<typeof read>>;

/** What of the settings does not fit the company. Pure. */
function problemsOf(settings: QuickBooksSettings, known: Known): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const say =
    (severity: PolicyProblem['severity']) =>
    (field: string, message: string): void => {
      problems.push({ field, message, severity });
    };
  const refuse = say('refuse');
  const warn = say('warn');
  if (!isTimeZone(settings.timeZone))
    refuse('timeZone', `"${settings.timeZone}" is no time zone. Take a name such as Europe/Berlin.`);
  checkMoneyAccounts(settings, known, refuse);
  checkPayouts(settings, known, refuse);
  checkItems(settings, known, refuse);
  checkLabels(settings, known, refuse);
  checkTaxCodes(settings, known, refuse);
  checkCurrencies(settings, known, refuse, warn);
  if (!known.company.takesDocNumbers)
    warn(
      'docNumberPrefix',
      'QuickBooks numbers its forms itself, so that they do not carry the numbers of the orders, which their notes tell: turn on custom transaction numbers for that (Account and settings, Sales, Sales form content).',
    );
  return problems;
}

type Say = (field: string, message: string) => void;

function checkMoneyAccounts(settings: QuickBooksSettings, { accounts }: Known, refuse: Say): void {
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
}

/** A deposit needs one bank account: the one that is named, or the only one that it can be. */
function checkPayouts({ payouts }: QuickBooksSettings, { accounts }: Known, refuse: Say): void {
  if (!payouts.post) return;
  const banks = accounts.filter((one) => one.AccountType === 'Bank');
  if (payouts.bankAccount !== null) {
    const named = accounts.find((one) => same(nameOf(one), payouts.bankAccount ?? ''));
    if (named === undefined)
      refuse(
        'payoutBankAccount',
        `QuickBooks has no account "${payouts.bankAccount}". Make it there or choose another one.`,
      );
    else if (!isMoney(named))
      refuse(
        'payoutBankAccount',
        `"${payouts.bankAccount}" is no bank account. Choose the one that payouts arrive at.`,
      );
    return;
  }
  const possible = banks.length > 1 ? banks.filter((one) => one.AccountSubType === 'Checking') : banks;
  if (possible.length !== 1)
    refuse(
      'payoutBankAccount',
      `QuickBooks has ${banks.length} bank accounts: name the one that payouts arrive at, or leave payouts out.`,
    );
}

/** Roles whose money belongs to somebody else: an account of income would count it as earned. */
const debts: readonly Role[] = [
  'giftCard',
  'duties',
  'tip',
  'channelTax',
  'otherTax',
  'overpayment',
  'giftCardTender',
  'storeCreditTender',
  'exchangeTender',
];
const liabilityTypes: readonly string[] = ['Other Current Liability', 'Long Term Liability'];

function checkItems(settings: QuickBooksSettings, { accounts }: Known, refuse: Say): void {
  const seen = new Set<string>();
  for (const [role, { item, account: name }] of Object.entries(settings.items)) {
    const account = accounts.find((one) => same(nameOf(one), name));
    if (account === undefined || seen.has(`${item} ${name}`)) continue;
    seen.add(`${item} ${name}`);
    const type = String(account.AccountType);
    if (['Accounts Receivable', 'Accounts Payable', 'Bank'].includes(type))
      refuse('items', `The item "${item}" cannot earn to "${name}" (${type}). Choose another account.`);
    // Tips may be the shop's own, as its contract with its people says.
    else if (debts.includes(role as Role) && role !== 'tip' && !liabilityTypes.includes(type))
      refuse(
        'items',
        `The item "${item}" stands for money that is owed, and "${name}" is an account of the type ${type}. Choose a liability.`,
      );
  }
}

function checkLabels(settings: QuickBooksSettings, known: Known, refuse: Say): void {
  const labels = [
    ['classes', 'class', 'class tracking', known.classes, known.company.tracksClasses],
    ['locations', 'location', 'location tracking', known.locations, known.company.tracksLocations],
  ] as const;
  for (const [field, word, preference, there, isTracked] of labels) {
    const names = Object.values(settings[field]);
    if (names.length > 0 && !isTracked)
      refuse(field, `QuickBooks has ${preference} turned off. Turn it on there or choose no ${field}.`);
    for (const name of names)
      if (!there.some((one) => same(nameOf(one), name)))
        refuse(field, `QuickBooks has no ${word} "${name}". Make it there or choose another one.`);
  }
}

function checkTaxCodes({ tax }: QuickBooksSettings, { company }: Known, refuse: Say): void {
  const names = [...Object.values(tax.codes), ...(tax.usCode === null ? [] : [tax.usCode])];
  for (const name of names)
    if (!company.taxCodes.some((one) => same(one.name, name) || one.id === name))
      refuse('taxCodes', `QuickBooks has no tax code "${name}". Make it there or choose another one.`);
}

function checkCurrencies(
  { exchangeRates }: QuickBooksSettings,
  { company }: Known,
  refuse: Say,
  warn: Say,
): void {
  for (const [currency, rate] of Object.entries(exchangeRates)) {
    if (!/^[A-Z]{3}$/.test(currency))
      refuse('exchangeRates', `"${currency}" is no currency. Take a code such as EUR.`);
    if (!/^\d{1,9}(\.\d{1,9})?$/.test(rate) || Number(rate) === 0)
      refuse('exchangeRates', `The rate of ${currency}, "${rate}", is no number above zero, such as 1.0842.`);
  }
  const others = Object.keys(exchangeRates).filter((one) => one !== company.homeCurrency);
  if (others.length > 0 && !company.isMultiCurrency)
    warn(
      'exchangeRates',
      `QuickBooks keeps ${company.homeCurrency} alone: orders in ${others.join(', ')} wait for a person until multicurrency is turned on there.`,
    );
}

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
