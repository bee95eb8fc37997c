import { element, money, words } from './words.js';

/** What the dialog of an order asks about the books. */
export const accountingFields = `status why
  documents { type number url total { amount currencyCode }
    lines { quantity description net { amount currencyCode } } taxes { title rate amount { amount currencyCode } } }`;
export const balanceFields = `ordered { amount currencyCode } refunded { amount currencyCode }
  posted { amount currencyCode } difference { amount currencyCode } why`;

const tones = { POSTED: 'good', NEVER: 'muted', PLANNED: 'muted', PERSON: 'bad' };

/** The sale and its refunds as documents, and how the books stand to the order. */
export function booksOf(order) {
  const parts = [
    ...order.accounting.map((one) => part('The sale', one)),
    ...order.refunds.flatMap((refund) =>
      refund.accounting.map((one) => part(`A refund of ${money(refund.total)}`, one)),
    ),
  ];
  if (parts.length === 0) return [];
  return [
    element('h3', {}, 'In the books'),
    ...order.balance.map((one) =>
      element(
        'p',
        {},
        element(
          'span',
          { class: isZero(one.difference) ? 'good' : 'warn' },
          isZero(one.difference) ? 'The books agree' : `${money(one.difference)} apart`,
        ),
        `: ${money(one.ordered)} ordered, ${money(one.refunded)} given back, ${money(one.posted)} in the books. ${
          isZero(one.difference) ? '' : one.why
        }`,
      ),
    ),
    ...parts,
  ];
}

function part(title, { status, why, documents }) {
  return element(
    'details',
    {},
    element(
      'summary',
      {},
      `${title} `,
      element('span', { class: `chip ${tones[status] ?? 'warn'}` }, words(status)),
      ` ${why}`,
    ),
    ...documents.map(documentOf),
  );
}

function documentOf({ type, number, url, total, lines, taxes }) {
  const name = `${words(type)}${number ? ` ${number}` : ''}`;
  return element(
    'div',
    { class: 'document' },
    element(
      'p',
      {},
      url === null ? name : element('a', { href: url, target: '_blank', rel: 'noreferrer' }, name),
      ` over ${money(total)}`,
    ),
    lines.length + taxes.length === 0
      ? null
      : element(
          'ul',
          {},
          ...lines.map((line) =>
            element(
              'li',
              {},
              `${line.quantity === 1 ? '' : `${line.quantity} × `}${line.description}: ${money(line.net)}`,
            ),
          ),
          ...taxes.map((tax) =>
            element('li', {}, `${tax.title}, ${percent(tax.rate)}: ${money(tax.amount)}`),
          ),
        ),
  );
}

/** `0.19` is 19 %: the point is moved in the text, so that no digit is lost. */
function percent(rate) {
  const [whole, fraction = ''] = rate.split('.');
  const digits = fraction.padEnd(2, '0');
  const rest = digits.slice(2).replace(/0+$/, '');
  return `${Number(whole + digits.slice(0, 2))}${rest === '' ? '' : `.${rest}`} %`;
}

export function isZero({ amount }) {
  return !/[1-9]/.test(amount);
}
