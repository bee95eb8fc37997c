import { accountingFields, balanceFields, booksOf } from './books.js';
import { cell, count, element, money, time, words } from './words.js';

/** What a row of the table and the refreshing of its pushes read. */
export const orderFields = `id number channel financialStatus fulfilmentStatus placedAt cancelledAt
  total { amount currencyCode } customer { displayName }
  pushes { kind status connection { platform } }`;

const detailQuery = `query OrderDetail($id: ID!) { order(id: $id) {
  number placedAt channel note tags
  customer { displayName email orderCount lifetimeValue { amount currencyCode } }
  location { name }
  lines { quantity title variantTitle sku total { amount currencyCode } }
  discountTotal { amount currencyCode } shippingTotal { amount currencyCode } taxTotal { amount currencyCode }
  total { amount currencyCode } refundedTotal { amount currencyCode }
  balance { ${balanceFields} } accounting { ${accountingFields} }
  refunds { total { amount currencyCode } accounting { ${accountingFields} } }
  pushes { kind status attempts nextAttemptAt settledAt error remedy connection { platform }
    record { remoteType remoteId } receipts { durationMs adopted } }
} }`;

export function orderCells(order, onOpen) {
  return [
    cell(
      'Order',
      element('button', { class: 'link', type: 'button', onclick: () => onOpen(order.id) }, order.number),
    ),
    cell('Placed', time(order.placedAt)),
    cell('Channel', words(order.channel)),
    cell('Customer', order.customer?.displayName ?? 'guest', 'name'),
    cell('Status', order.cancelledAt ? 'cancelled' : words(order.financialStatus)),
    cell('Total', money(order.total), 'number'),
    cell('Where it stands', chips(order.pushes)),
  ];
}

/** True while a platform is still to be written to, or a person may try again. */
export function isOpen(order) {
  return order.pushes.some(({ status }) => ['PENDING', 'RUNNING', 'RETRYING', 'DEAD'].includes(status));
}

// The first of these that one of a platform's pushes is in says where the order stands there.
const standings = [
  ['DEAD', 'bad', 'needs a look'],
  ['RETRYING', 'warn', 'retrying'],
  ['RUNNING', 'warn', '…'],
  ['PENDING', 'warn', '…'],
  ['PLAN', 'muted', 'planned only'],
  ['DISMISSED', 'muted', 'dismissed'],
  ['SETTLED', 'good', '✓'],
];

function chips(pushes) {
  const byPlatform = Map.groupBy(pushes, ({ connection }) => connection.platform);
  if (byPlatform.size === 0) return element('span', { class: 'muted', title: 'Nothing is owed for it' }, '–');
  return element(
    'span',
    { class: 'chips' },
    ...[...byPlatform].map(([platform, its]) => {
      const [, tone, text] =
        standings.find(([status]) => its.some((push) => push.status === status)) ?? standings.at(-1);
      const title = its.map(({ kind, status }) => `${words(kind)}: ${words(status)}`).join(', ');
      return element('span', { class: `chip ${tone}`, title }, `${words(platform)} ${text}`);
    }),
  );
}

/** Opens the dialog with everything that the graph holds about an order. */
export async function openOrder(live, id) {
  const { order } = await live.ask(detailQuery, { id });
  if (order === null) throw new Error('This order is gone.');
  document.getElementById('order-content').replaceChildren(...detail(order));
  const dialog = document.getElementById('order');
  if (!dialog.open) dialog.showModal();
}

function detail(order) {
  const fact = (name, value) => [element('dt', {}, name), element('dd', {}, value)];
  const { customer } = order;
  return [
    element('h2', { id: 'order-title' }, `Order ${order.number}`),
    element(
      'p',
      { class: 'muted' },
      `${words(order.channel)}${order.location ? `, ${order.location.name}` : ''} · ${new Date(order.placedAt).toLocaleString()}`,
    ),
    element(
      'p',
      {},
      customer === null
        ? 'A guest.'
        : `${customer.displayName}, ${count(customer.orderCount, 'order')}${customer.lifetimeValue ? ` worth ${money(customer.lifetimeValue)}` : ''}`,
    ),
    order.note ? element('p', {}, `Note: ${order.note}`) : null,
    table(
      ['Quantity', 'Article', 'Total'],
      order.lines.map((line) => [
        String(line.quantity),
        [line.title, line.variantTitle, line.sku && `(${line.sku})`].filter(Boolean).join(' '),
        money(line.total),
      ]),
    ),
    element(
      'dl',
      { class: 'tiles' },
      ...[
        ['Discounts', order.discountTotal],
        ['Shipping', order.shippingTotal],
        ['Tax', order.taxTotal],
        ['Total', order.total],
        ['Given back', order.refundedTotal],
      ].map(([name, amount]) => element('div', {}, ...fact(name, money(amount)))),
    ),
    ...booksOf(order),
    element('h3', {}, 'At the platforms'),
    order.pushes.length === 0
      ? element('p', { class: 'muted' }, 'Nothing is owed for it.')
      : table(
          ['Platform', 'What', 'State', 'Record'],
          order.pushes.map((push) => [
            words(push.connection.platform),
            words(push.kind),
            stateOf(push),
            push.record === null ? '–' : `${push.record.remoteType} ${push.record.remoteId}`,
          ]),
        ),
    ...order.pushes
      .filter(({ error }) => error !== null)
      .map(({ connection, error, remedy }) =>
        element(
          'p',
          {},
          `${words(connection.platform)}: ${error}${remedy === null ? '' : ` What to do: ${remedy}`}`,
        ),
      ),
  ].filter(Boolean);
}

function stateOf(push) {
  const receipt = push.receipts.at(-1);
  if (push.status === 'SETTLED' && receipt !== undefined)
    return `${receipt.adopted ? 'found there' : 'written'} in ${receipt.durationMs} ms`;
  if (push.status === 'RETRYING' && push.nextAttemptAt !== null)
    return `attempt ${push.attempts + 1} at ${new Date(push.nextAttemptAt).toLocaleTimeString()}`;
  return words(push.status);
}

function table(headings, rows) {
  return element(
    'table',
    {},
    element(
      'thead',
      {},
      element('tr', {}, ...headings.map((heading) => element('th', { scope: 'col' }, heading))),
    ),
    element(
      'tbody',
      {},
      ...rows.map((row) =>
        element('tr', {}, ...row.map((value, index) => cell(headings[index], value, 'words'))),
      ),
    ),
  );
}
