import { labelled, moneyAccount } from './accounts.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { isFault, nameTaken, toAppError } from './fault.ts';
import { type Role, readSettings } from './settings.ts';

/** What documents have to know of the company that they are written for. */
export interface Company {
  name: string;
  country: string;
  homeCurrency: string;
  isMultiCurrency: boolean;
  usesSalesTax: boolean;
  /** Last day of the closed books. */
  closedUntil: string | null;
  /** Whether lines may name a class, documents a location, and clients the number of a document. */
  tracksClasses: boolean;
  tracksLocations: boolean;
  takesDocNumbers: boolean;
  taxCodes: TaxCode[];
  /** Custom fields that people turned on for sales forms. */
  formFields: { id: string; name: string }[];
}

export interface TaxCode {
  id: string;
  name: string;
  rates: TaxRate[];
}

export interface TaxRate {
  id: string;
  name: string;
  /** Hundred-millionths: 19 % is 19,000,000. */
  units: bigint;
}

const ttlMs = 10 * 60_000;
const cacheKey = 'quickbooks.company';

interface Kept {
  company: Company;
  readAt: number;
}

/** The company as last read; an old reading still serves while it is read again. */
export async function companyOf(session: QuickBooksSession): Promise<Company> {
  const kept = session.cache.get(cacheKey) as Kept | undefined;
  if (kept === undefined) return await readCompany(session);
  if (session.now() - kept.readAt > ttlMs)
    readCompany(session).catch((error: unknown) =>
      session.log.warn({ err: error }, 'the company could not be read again'),
    );
  return kept.company;
}

/** How old a reading may be that says that the company lacks something. */
const lackTtlMs = 60_000;

/** The company; read again where it was without one of these custom fields when it was last read. */
export async function companyWithFields(
  session: QuickBooksSession,
  names: readonly string[],
): Promise<Company> {
  const company = await companyOf(session);
  const { readAt } = session.cache.get(cacheKey) as Kept;
  const lacks = names.some((name) => formFieldOf(company, name) === undefined);
  return lacks && session.now() - readAt > lackTtlMs ? await readCompany(session) : company;
}

/** Capitals make no difference. */
export function formFieldOf(company: Company, name: string): Company['formFields'][number] | undefined {
  return company.formFields.find((one) => one.name.toLowerCase() === name.toLowerCase());
}

/** Reads company, preferences and taxes in one call. */
export function readCompany(session: QuickBooksSession): Promise<Company> {
  const key = 'quickbooks.companyReading';
  const underWay = session.cache.get(key) as Promise<Company> | undefined;
  if (underWay !== undefined) return underWay;
  const reading = read(session).finally(() => session.cache.delete(key));
  session.cache.set(key, reading);
  return reading;
}

async function read(session: QuickBooksSession): Promise<Company> {
  const books = booksOf(session);
  const [infos, preferences, codes, rates] = await Promise.all([
    books.query('CompanyInfo', ''),
    books.query('Preferences', ''),
    books.query('TaxCode', 'maxresults 1000'),
    books.query('TaxRate', 'maxresults 1000'),
  ]).catch((error: unknown) => {
    throw toAppError(error, 'reading the company');
  });
  const company = companyFrom(infos[0], preferences[0], codes, rates);
  session.cache.set(cacheKey, { company, readAt: session.now() } satisfies Kept);
  if (company.formFields.length > 0) await session.fieldsFound(company.formFields.map(({ name }) => name));
  return company;
}

function companyFrom(
  info: Entity | undefined,
  preferences: Entity | undefined,
  codes: readonly Entity[],
  rates: readonly Entity[],
): Company {
  const currency = (preferences?.CurrencyPrefs ?? {}) as {
    HomeCurrency?: { value?: string };
    MultiCurrencyEnabled?: boolean;
  };
  const accounting = (preferences?.AccountingInfoPrefs ?? {}) as {
    BookCloseDate?: string;
    TrackDepartments?: boolean;
    ClassTrackingPerTxn?: boolean;
    ClassTrackingPerTxnLine?: boolean;
  };
  const closed = accounting.BookCloseDate;
  const forms = (preferences?.SalesFormsPrefs ?? {}) as { CustomTxnNumbers?: boolean };
  const ratesById = new Map(
    rates.map((rate): [string, TaxRate] => [
      rate.Id,
      { id: rate.Id, name: String(rate.Name), units: rateUnits(String(rate.RateValue ?? 0), 6) },
    ]),
  );
  return {
    name: String(info?.CompanyName ?? ''),
    country: String(info?.Country ?? 'US'),
    homeCurrency: currency.HomeCurrency?.value ?? 'USD',
    isMultiCurrency: currency.MultiCurrencyEnabled === true,
    usesSalesTax: (preferences?.TaxPrefs as { UsingSalesTax?: boolean } | undefined)?.UsingSalesTax === true,
    formFields: formFieldsIn(preferences),
    closedUntil: closed === undefined || closed === '' ? null : closed,
    // Classes stand on lines: a company that keeps one for a whole document takes them none the less.
    tracksClasses: accounting.ClassTrackingPerTxn === true || accounting.ClassTrackingPerTxnLine === true,
    tracksLocations: accounting.TrackDepartments === true,
    takesDocNumbers: forms.CustomTxnNumbers === true,
    taxCodes: codes.flatMap((code) => {
      const list = code.SalesTaxRateList as
        | { TaxRateDetail?: { TaxRateRef?: { value?: string } }[] }
        | undefined;
      // TAX and NON, which only say whether, have no list.
      if (list === undefined || code.Active === false) return [];
      const ownRates = (list.TaxRateDetail ?? []).flatMap(
        (one) => ratesById.get(one.TaxRateRef?.value ?? '') ?? [],
      );
      return [{ id: code.Id, name: String(code.Name), rates: ownRates }];
    }),
  };
}

/** QuickBooks tells of up to three custom fields as a switch (`UseSalesCustom1`) and a name (`SalesCustomName1`) each. */
function formFieldsIn(preferences: Entity | undefined): Company['formFields'] {
  const forms = preferences?.SalesFormsPrefs as { CustomField?: { CustomField?: unknown[] }[] } | undefined;
  const switches = (forms?.CustomField ?? []).flatMap(
    (one) => (one.CustomField ?? []) as { Name?: string; BooleanValue?: boolean; StringValue?: string }[],
  );
  return ['1', '2', '3'].flatMap((id) => {
    const told = (what: string) => switches.find((one) => one.Name === `SalesFormsPrefs.${what}${id}`);
    const name = told('SalesCustomName')?.StringValue?.trim() ?? '';
    return told('UseSalesCustom')?.BooleanValue === true && name !== '' ? [{ id, name }] : [];
  });
}

/** A decimal in hundred-millionths after moving its point: rates of orders are fractions (8), QuickBooks's are percents (6). */
export function rateUnits(decimal: string, scale: 6 | 8): bigint {
  const match = /^(\d+)(?:\.(\d*))?$/.exec(decimal.trim());
  if (match === null) return 0n;
  return BigInt((match[1] ?? '0') + (match[2] ?? '').slice(0, scale).padEnd(scale, '0'));
}

/** The item behind a kind of line; made, with its account, where the company has none of that name. */
export function roleItem(session: QuickBooksSession, role: Role): Promise<string> {
  const wanted = readSettings(session.settings).items[role];
  return once(session, `quickbooks.item ${wanted.item}`, async () => {
    const books = booksOf(session);
    const [existing] = await books.query('Item', `where Name = ${quoted(wanted.item)}`);
    if (existing !== undefined) return existing.Id;
    const account = await accountId(session, wanted.account, wanted.accountType, wanted.accountSubType);
    try {
      const created = await books.createSmall(
        'Item',
        { Name: wanted.item, Type: 'Service', IncomeAccountRef: { value: account } },
        null,
      );
      return created.Id;
    } catch (error) {
      if (!isFault(error, nameTaken)) throw error;
      const [rival] = await books.query('Item', `where Name = ${quoted(wanted.item)}`);
      if (rival === undefined) throw error;
      return rival.Id;
    }
  });
}

/** The account that products earn to. */
export function incomeAccount(session: QuickBooksSession): Promise<string> {
  const { account, accountType, accountSubType } = readSettings(session.settings).items.sale;
  return accountId(session, account, accountType, accountSubType);
}

/** An account of that name; made where there is none. */
export function accountId(
  session: QuickBooksSession,
  name: string,
  accountType: string,
  accountSubType: string,
): Promise<string> {
  return once(session, `quickbooks.account ${name}`, async () => {
    const books = booksOf(session);
    const [existing] = await books.query('Account', `where Name = ${quoted(name)}`);
    if (existing !== undefined) return existing.Id;
    const created = await books.createSmall(
      'Account',
      { Name: name, AccountType: accountType, AccountSubType: accountSubType },
      null,
    );
    return created.Id;
  });
}

/** Everything that documents may need: read, found or made now, so that the first receipt need not wait for it. */
export async function prepareCompany(session: QuickBooksSession): Promise<Company> {
  const settings = readSettings(session.settings);
  try {
    const [company] = await Promise.all([
      readCompany(session),
      ...(Object.keys(settings.items) as Role[]).map((role) => roleItem(session, role)),
      incomeAccount(session),
      ...namesOf(settings.gatewayAccounts, settings.depositAccount).map((name) =>
        moneyAccount(session, name),
      ),
      ...namesOf(settings.classes).map((name) => labelled(session, 'Class', name)),
      ...namesOf(settings.locations).map((name) => labelled(session, 'Department', name)),
    ]);
    return company;
  } catch (error) {
    throw toAppError(error, 'preparing the company');
  }
}

function namesOf(chosen: Readonly<Record<string, string>>, other: string | null = null): string[] {
  return [...new Set([...Object.values(chosen), ...(other === null ? [] : [other])])];
}

/** Forgets which items and accounts there are, because one of them turned out to be gone. */
export function forgetReferences(session: QuickBooksSession): void {
  for (const key of [...session.cache.keys()])
    if (/^quickbooks\.(item|deposit|account|customer|product) /.test(key)) session.cache.delete(key);
}

/**
 * One look-up for all who ask for the same thing; its answer is kept, its failure is not. What there are too many of
 * (buyers) is only shared while it is under way.
 */
export function once(
  session: QuickBooksSession,
  key: string,
  find: () => Promise<string>,
  isKept = true,
): Promise<string> {
  const known = session.cache.get(key) as Promise<string> | undefined;
  if (known !== undefined) return known;
  const finding = find();
  session.cache.set(key, finding);
  const forget = (): boolean => session.cache.delete(key);
  finding.then(isKept ? undefined : forget, forget);
  return finding;
}
