import { createHash } from 'node:crypto';
import { AppError } from '../../../errors.ts';
import { dayIn } from '../../../model/day.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import type { PayoutSnapshot } from '../../../model/snapshot.ts';
import { depositInBookDecimals } from '../../accounting/book-decimals.ts';
import { type DepositLine, depositOf } from '../../accounting/deposit.ts';
import { accountOf } from '../../accounting/policy.ts';
import type { LinkFacts, PlanContext, PushOutcome, PushPlan, PushTask } from '../platform.ts';
import { moneyAccount, undepositedFunds } from './accounts.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import { accountId, companyOf } from './company.ts';
import { requestIdOf } from './customers.ts';
import { shareType } from './day-share.ts';
import { amountText, markIn, noteWithMark } from './form-body.ts';
import { jsonAmount, postingDate } from './form-entity.ts';
import { policyOf, type QuickBooksSettings, readSettings } from './settings.ts';

/** A deposit in words that a bookkeeper reads; amounts are decimal strings. */
interface DepositBody {
  source: string;
  /** Changes with anything that is written. */
  mark: string;
  date: string;
  note: string;
  currency: string;
  total: string;
  residual: string;
  /** The bank sent the money back: it goes to the account for failed payouts. */
  isReturned: boolean;
  /** When the payout became known: from then on its receipts are waited for. */
  knownAt: string;
  lines: BodyLine[];
}

interface BodyLine {
  kind: DepositLine['kind'];
  title: string;
  amount: string;
  orderId: string | null;
  refundId: string | null;
  /** Account that the money of its gateway moves through; null is undeposited funds. */
  account: string | null;
  /** Its document is from before the books were handed over and never comes into them. */
  isEarlier?: true;
}

/** One deposit per payout, once it is in the bank. */
export function planDeposit(payout: PayoutSnapshot, context: PlanContext): PushPlan[] {
  const settings = readSettings(context.settings);
  if (!settings.payouts.post) return [];
  const posting = depositOf(payout);
  if (posting.status !== 'post') return [];
  const document = depositInBookDecimals(posting.document);
  if (document.lines.length === 0) return [];
  const policy = policyOf(settings);
  const money = (minor: bigint): string => formatMinor(minor, payout.currency);
  const content = {
    source: `${payout.platform}:payout:${payout.remoteId}`,
    date: dayIn(settings.timeZone, payout.issuedAt),
    note: `Payout ${payout.remoteId}${payout.traceId === null ? '' : `, ${payout.traceId}`}`,
    currency: payout.currency,
    total: money(document.totalMinor),
    residual: money(document.residualMinor),
    isReturned: payout.status === 'failed',
    knownAt: payout.createdAt.toISOString(),
    lines: document.lines.map(
      (line): BodyLine => ({
        kind: line.kind,
        title: line.title,
        amount: money(line.amountMinor),
        orderId: line.orderId?.toString() ?? null,
        refundId: line.refundId?.toString() ?? null,
        account: line.gateway === null ? null : accountOf(policy, line.gateway),
      }),
    ),
  };
  // Of what was posted before this was told apart, nothing changes.
  const mark = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12);
  if (context.link?.state.mark === mark) return [];
  const { ordersFrom } = policy;
  const lines = document.lines.map((line, index) => ({
    ...(content.lines[index] as BodyLine),
    ...(ordersFrom !== null && line.documentAt !== null && line.documentAt < ordersFrom
      ? { isEarlier: true as const }
      : {}),
  }));
  const body: DepositBody = { ...content, lines, mark };
  return [{ kind: 'deposit', subjectType: 'Payout', subjectId: payout.id, body: { ...body } }];
}

/** Posts a payout once: what it pays out is taken out of where receipts and refunds have put it. */
export async function performDeposit(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as DepositBody;
  const settings = readSettings(session.settings);
  const matches = await matchesOf(session, body);
  const missing = body.lines.filter(
    (line) => isWanted(line) && matches.get(line) === undefined && line.isEarlier !== true,
  );
  if (missing.length > 0) waitOrGoOn(push, session, settings, body, missing);
  const entity = await entityOf(session, settings, body, matches);
  const books = booksOf(session);
  const type = typeOf(body);
  const link = (await session.links.find('Payout', [push.subjectId], type)).get(push.subjectId);
  const standing = link?.remoteId ?? (push.attempt > 1 ? await findOwn(session, entity, body) : null);
  if (standing !== null) {
    const current = await books.read(type, standing);
    if (current !== null && markIn(current)?.mark === body.mark)
      return outcomeOf(body, current, true, matches);
    if (current !== null) {
      const updated = await books.update(
        type,
        { ...entity, Id: current.Id, SyncToken: current.SyncToken },
        { requestId: push.idempotencyKey },
      );
      return outcomeOf(body, updated, false, matches);
    }
  }
  // After a deletion by hand the first request id would only bring back the answer of then.
  const requestId =
    link === undefined ? requestIdOf('deposit', session.accountId, body.source) : push.idempotencyKey;
  const created = await books.create(type, entity, { requestId });
  return outcomeOf(body, created, false, matches);
}

/** QuickBooks knows no deposit below zero: what is taken from the bank is an expense with the same lines turned round. */
function typeOf(body: DepositBody): 'Deposit' | 'Purchase' {
  return parseMinor(body.total, body.currency) < 0n ? 'Purchase' : 'Deposit';
}

type Matches = Map<BodyLine, LinkFacts>;

/** Charges and refunds belong to documents of the books; the rest stands for itself. */
function isWanted(line: BodyLine): boolean {
  return line.kind === 'charge' || line.kind === 'refund';
}

/** The documents that stand for each charge and refund. */
async function matchesOf(session: QuickBooksSession, body: DepositBody): Promise<Matches> {
  const orderIds = ids(body.lines.filter((line) => line.kind === 'charge').map((line) => line.orderId));
  const refundIds = ids(body.lines.filter((line) => line.kind === 'refund').map((line) => line.refundId));
  const found = async (type: string, of: bigint[], remoteTypes: readonly string[]) => {
    const maps = await Promise.all(remoteTypes.map((one) => session.links.find(type, of, one)));
    return new Map(
      of.flatMap((id) =>
        maps
          .flatMap((map) => map.get(id) ?? [])
          .slice(0, 1)
          .map((link) => [id, link]),
      ),
    );
  };
  const [orders, refunds] = await Promise.all([
    found('Order', orderIds, ['SalesReceipt', 'Payment', 'Invoice', shareType]),
    found('Refund', refundIds, ['CreditMemo', 'RefundReceipt', 'Purchase', shareType]),
  ]);
  const matches: Matches = new Map();
  for (const line of body.lines) {
    const id = line.kind === 'refund' ? line.refundId : line.orderId;
    if (!isWanted(line) || id === null) continue;
    const link = (line.kind === 'refund' ? refunds : orders).get(BigInt(id));
    if (link !== undefined) matches.set(line, link);
  }
  return matches;
}

function ids(given: readonly (string | null)[]): bigint[] {
  return [...new Set(given.filter((id) => id !== null))].map(BigInt);
}

const firstWaitMs = 5_000;
const longestWaitMs = 20 * 3_600_000;

/** Receipts may come after the payout that pays them: it waits for them, for as long as the policy says. */
function waitOrGoOn(
  push: PushTask,
  session: QuickBooksSession,
  settings: QuickBooksSettings,
  body: DepositBody,
  missing: readonly BodyLine[],
): void {
  const { unmatched, waitHours } = settings.payouts;
  const isOver = session.now() - Date.parse(body.knownAt) > waitHours * 3_600_000;
  if (isOver && unmatched === 'post') return;
  const some = missing.slice(0, 3).map((line) => line.title);
  throw new AppError({
    code: 'LINK_PENDING',
    retryable: true,
    publicMessage: `${missing.length} of ${body.lines.length} parts of the payout are not in the books yet: ${some.join(', ')}.`,
    remedy:
      'Post those receipts and refunds, or let what is not in the books go to its own account (settings payouts.unmatched and payouts.waitHours).',
    retryAfterMs: Math.min(longestWaitMs, firstWaitMs * 4 ** (push.attempt - 1)),
  });
}

async function entityOf(
  session: QuickBooksSession,
  settings: QuickBooksSettings,
  body: DepositBody,
  matches: Matches,
): Promise<Record<string, unknown>> {
  const company = await companyOf(session);
  const { date, moved } = postingDate({ date: body.date }, company, settings);
  const target = body.isReturned
    ? await roleAccount(session, settings, 'returned')
    : await bankAccount(session, settings);
  const isExpense = typeOf(body) === 'Purchase';
  return {
    TxnDate: date,
    ...(isExpense
      ? { PaymentType: 'Cash', AccountRef: { value: target } }
      : { DepositToAccountRef: { value: target } }),
    ...(isExpense && company.country !== 'US' ? { GlobalTaxCalculation: 'NotApplicable' } : {}),
    ...(company.isMultiCurrency ? { CurrencyRef: { value: body.currency } } : {}),
    PrivateNote: noteWithMark(
      moved ? { ...body, note: `${body.note}\nIssued on ${body.date}, when the books were closed.` } : body,
    ),
    Line: await Promise.all(
      body.lines.map((line) => lineOf(session, settings, body, line, matches.get(line))),
    ),
  };
}

/** A receipt whose whole money waits in undeposited funds is taken by name, anything else by account. */
async function lineOf(
  session: QuickBooksSession,
  settings: QuickBooksSettings,
  body: DepositBody,
  line: BodyLine,
  match: LinkFacts | undefined,
): Promise<Record<string, unknown>> {
  const isExpense = typeOf(body) === 'Purchase';
  const minor = parseMinor(line.amount, body.currency);
  const amount = jsonAmount(isExpense ? -minor : minor, body.currency);
  // The money of a day's document came in as one sum: what a payout pays of it is taken from its account.
  const isWhole =
    match?.state.total === line.amount && match?.remoteType !== 'Invoice' && match?.remoteType !== shareType;
  if (!isExpense && line.kind === 'charge' && isWhole && line.account === null)
    return {
      Amount: amount,
      LinkedTxn: [{ TxnId: match?.remoteId, TxnType: match?.remoteType, TxnLineId: '0' }],
    };
  const account = isWanted(line)
    ? match === undefined
      ? await roleAccount(session, settings, 'unmatched')
      : line.account === null
        ? await undepositedFunds(session)
        : await moneyAccount(session, line.account)
    : await roleAccount(session, settings, accountRoles[line.kind as keyof typeof accountRoles]);
  const AccountRef = { value: account };
  return {
    Amount: amount,
    Description: match === undefined && isWanted(line) ? `${line.title} (${absence(line)})` : line.title,
    ...(isExpense
      ? { DetailType: 'AccountBasedExpenseLineDetail', AccountBasedExpenseLineDetail: { AccountRef } }
      : { DetailType: 'DepositLineDetail', DepositLineDetail: { AccountRef } }),
  };
}

function absence(line: BodyLine): string {
  return line.isEarlier === true ? 'of before the books were handed over' : 'not in the books';
}

type AccountRole = keyof QuickBooksSettings['payouts']['accounts'];

const accountRoles = {
  fee: 'fees',
  dispute: 'disputes',
  reserve: 'reserves',
  adjustment: 'adjustments',
  returned_payout: 'returned',
  residual: 'residual',
} as const satisfies Record<Exclude<BodyLine['kind'], 'charge' | 'refund'>, AccountRole>;

function roleAccount(
  session: QuickBooksSession,
  settings: QuickBooksSettings,
  role: AccountRole,
): Promise<string> {
  const { account, accountType, accountSubType } = settings.payouts.accounts[role];
  return accountId(session, account, accountType, accountSubType);
}

/** The bank account that was named; without a name the only one there is, or the only one for checking. */
async function bankAccount(session: QuickBooksSession, settings: QuickBooksSettings): Promise<string> {
  const { bankAccount: name } = settings.payouts;
  if (name !== null) return await moneyAccount(session, name);
  const banks = await booksOf(session).query('Account', `where AccountType = 'Bank'`);
  const checking = banks.filter((one) => one.AccountSubType === 'Checking');
  const [only, ...others] = banks.length > 1 ? checking : banks;
  if (only !== undefined && others.length === 0) return only.Id;
  throw new AppError({
    code: 'QUICKBOOKS_ACCOUNT_MISSING',
    retryable: false,
    publicMessage: `QuickBooks has ${banks.length} bank accounts, and none was named for payouts.`,
    remedy: 'Name the bank account that payouts arrive at (setting payouts.bankAccount), then retry.',
  });
}

/** Deposits have no number: the mark in the note tells which one is ours. */
async function findOwn(
  session: QuickBooksSession,
  entity: Record<string, unknown>,
  body: DepositBody,
): Promise<string | null> {
  const found = await booksOf(session).query(
    typeOf(body),
    `where TxnDate = ${quoted(String(entity.TxnDate))} maxresults 1000`,
  );
  return found.find((one) => markIn(one)?.source === body.source)?.Id ?? null;
}

function outcomeOf(body: DepositBody, entity: Entity, adopted: boolean, matches: Matches): PushOutcome {
  const isExpense = typeOf(body) === 'Purchase';
  const told = amountText(entity.TotalAmt, body.currency);
  const total = isExpense ? `-${told}` : told;
  if (total !== body.total)
    throw new AppError({
      code: 'BOOKS_DISAGREE',
      retryable: false,
      publicMessage: `QuickBooks made ${total} of a payout of ${body.total} ${body.currency}.`,
      remedy: 'Compare the deposit with the payout in QuickBooks, then retry.',
    });
  return {
    remoteType: typeOf(body),
    remoteId: entity.Id,
    remoteVersion: entity.SyncToken,
    state: {
      total,
      currency: body.currency,
      date: entity.TxnDate ?? null,
      mark: markIn(entity)?.mark ?? null,
      residual: body.residual,
      matched: matches.size,
      unmatched: body.lines.filter((line) => isWanted(line) && !matches.has(line)).length,
    },
    adopted,
    detail: { total, currency: body.currency, date: entity.TxnDate ?? null, matched: matches.size },
  };
}
