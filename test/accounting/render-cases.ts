import { formatMinor } from '../../src/model/money.ts';
import {
  documentsForOrder,
  documentsForRefund,
  type Posting,
  type PostingDocument,
} from '../../src/sync/accounting/documents.ts';
import { effectsOf } from '../../src/sync/accounting/effects.ts';
import type { PostingPolicy } from '../../src/sync/accounting/policy.ts';
import { type Case, cases } from './cases.ts';

const usual: PostingPolicy = {
  ordersFrom: null,
  unpaidOrders: 'invoice',
  refunds: 'creditMemo',
  depositAccount: null,
  gatewayAccounts: {},
};

/** Everything that the books are told of a case, the order first. */
export function postingsOf(given: Case): Posting[] {
  const policy = { ...usual, ...given.policy };
  const posted = given.posted ?? null;
  return [
    documentsForOrder(given.order, policy, posted),
    ...given.order.refunds.map((refund) =>
      documentsForRefund(given.order, refund.id, policy, { order: posted, refund: null }),
    ),
  ];
}

/** The page of all cases. `node scripts/accounting-cases.ts` writes it; a test fails where it is no longer true. */
export function renderCases(): string {
  const groups = [...new Set(cases.map((one) => one.group))];
  return `${[
    '# What is posted when',
    '',
    `${cases.length} situations of a shop and the documents that the books get for each. This page is written by`,
    '`node scripts/accounting-cases.ts` from the cases of `test/accounting/cases.ts`; a test fails when it is not up to date.',
    'Amounts are in the order’s currency. Dr is a debit, Cr a credit; accounts are called by what they are for. A credit',
    'application moves no account: it closes a credit with what it pays for.',
    ...groups.flatMap((group) => [
      '',
      `## ${group}`,
      '',
      '| # | case | documents | accounts |',
      '|---|---|---|---|',
      ...cases.flatMap((one, index) =>
        one.group === group ? [`| ${index + 1} | ${one.name} | ${documents(one)} | ${accounts(one)} |`] : [],
      ),
    ]),
  ].join('\n')}\n`;
}

function documents(given: Case): string {
  return postingsOf(given)
    .flatMap((posting) =>
      posting.status === 'post'
        ? posting.documents.map((one) => describe(one))
        : [
            `${{ waits: 'waits', never: 'none', person: 'a person decides' }[posting.status]}: ${posting.why}`,
          ],
    )
    .join('<br>');
}

/** Kinds of goods that the books keep apart from those that can be sold again. */
const fates: readonly string[] = ['damaged', 'notReturned', 'notRestocked'];

function describe(document: PostingDocument): string {
  const { currency } = document;
  switch (document.type) {
    case 'Payment':
    case 'Expense':
      return `${document.type} ${formatMinor(document.amountMinor, currency)}`;
    case 'CreditApplication': {
      const to = document.toInvoiceMinor > 0n ? 'invoice' : 'expense';
      return `Credit applied to the ${to} ${formatMinor(document.toMoneyMinor + document.toInvoiceMinor, currency)}`;
    }
    default: {
      const taxes = document.taxes.map((tax) => `${tax.title} ${formatMinor(tax.amountMinor, currency)}`);
      const lines = document.lines.map((line) => {
        const fate = fates.includes(line.kind) ? `, ${words(line.kind)}` : '';
        return `${line.title}${fate} ${formatMinor(line.netMinor, currency)}`;
      });
      return `**${document.type} ${formatMinor(document.totalMinor, currency)}** (${[...lines, ...taxes].join(', ')})`;
    }
  }
}

function accounts(given: Case): string {
  const sums = new Map<string, bigint>();
  for (const posting of postingsOf(given))
    if (posting.status === 'post')
      for (const { account, amountMinor } of posting.documents.flatMap(effectsOf))
        sums.set(account, (sums.get(account) ?? 0n) + amountMinor);
  const moved = [...sums].filter(([, amount]) => amount !== 0n);
  if (moved.length === 0) return 'nothing';
  return moved
    .sort(([, a], [, b]) => Number(b > 0n) - Number(a > 0n))
    .map(([account, amount]) => {
      const size = formatMinor(amount < 0n ? -amount : amount, given.order.currency);
      return `${amount > 0n ? 'Dr' : 'Cr'} ${words(account)} ${size}`;
    })
    .join('<br>');
}

/** `giftCard` becomes "gift card". */
function words(account: string): string {
  if (account.startsWith('tax ')) return `${account.slice(4)} payable`;
  if (account.startsWith('money')) return account;
  return account.replace(/Tender$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
