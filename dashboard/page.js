import { isOpen, openOrder, orderCells, orderFields } from './order.js';
import { Rows } from './rows.js';
import { openSession } from './session.js';
import { SyncStatus, statusQuery, statusSubscription } from './status.js';
import { TieOut } from './tie-out.js';
import { cell, element, money, time, words } from './words.js';

const refundFields = `id total { amount currencyCode } refundedAt order { number customer { displayName } }`;

const { live, showProblem } = openSession();
const status = new SyncStatus({ live, onProblem: showProblem });
const tieOut = new TieOut({
  live,
  onOrder: (id) => openOrder(live, id).catch(showProblem),
  onProblem: showProblem,
});
const orders = new Rows({
  id: 'orders',
  cells: (order) => orderCells(order, (id) => openOrder(live, id).catch(showProblem)),
  before: (a, b) => a.placedAt > b.placedAt,
  empty: 'No order yet. What is sold from now on appears here by itself.',
});
const stock = new Rows({
  id: 'stock',
  cells: stockCells,
  before: (a, b) => a.place > b.place,
  empty: 'Nothing has moved since this page was opened.',
});
const refunds = new Rows({
  id: 'refunds',
  cells: refundCells,
  before: (a, b) => a.refundedAt > b.refundedAt,
  empty: 'No refund yet.',
});

start().catch(showProblem);

/** Reads what is there after the cursor is taken, then follows the stream from that cursor on: no gap between the two. */
async function start() {
  const { syncStatus } = await live.ask(statusQuery);
  const after = syncStatus.head;
  document.getElementById('problem').hidden = true;
  const follow = (field, selection, onPayload) =>
    live.follow({
      query: `subscription ${field}Live($after: String) { ${field}(after: $after) { cursor ${selection} } }`,
      field,
      after,
      onPayload,
      onProblem: showProblem,
    });

  follow('orderChanged', `order { ${orderFields} }`, ({ order }) => {
    if (order) orders.put(order);
    readToday();
  });
  follow('refundCreated', `refund { ${refundFields} }`, ({ refund }) => {
    if (refund) refunds.put(refund);
    readToday();
  });
  follow(
    'stockLevelChanged',
    'cause availableDelta after { available } stockLevel { variant { sku title product { title } } location { name } }',
    (change) => stock.put({ ...change, id: change.cursor, place: Number(change.cursor) }),
  );
  live.follow({
    query: statusSubscription,
    field: 'syncStatusChanged',
    after,
    onPayload: (payload) => {
      status.show(payload.syncStatus).catch(showProblem);
      readOpenOrders().catch(showProblem);
    },
    onProblem: showProblem,
  });

  await Promise.all([
    status.show(syncStatus),
    live
      .ask(`query Orders { orders(first: 20) { nodes { ${orderFields} } } }`)
      .then((data) => orders.fill(data.orders.nodes)),
    live
      .ask(`query Refunds { refunds(first: 20) { nodes { ${refundFields} } } }`)
      .then((data) => refunds.fill(data.refunds.nodes)),
    readToday(),
    tieOut.show({ ask: false }),
    showQuestions(),
  ]);
}

/** How many decisions wait behind the link. */
async function showQuestions() {
  const lists = await live.ask(`query Questions { mergeCandidates(first: 0) { totalCount }
    fulfilmentRules(first: 0, filter: { statuses: [PROPOSED] }) { totalCount } customFieldProblems(first: 0) { totalCount } }`);
  const sum = Object.values(lists).reduce((all, { totalCount }) => all + totalCount, 0);
  document.getElementById('questions').textContent = sum === 0 ? '' : ` (${sum})`;
}

/** What platforms have answered is no change of the order: orders with open pushes are read again. */
async function readOpenOrders() {
  const ids = orders.items.filter(isOpen).map(({ id }) => id);
  if (ids.length === 0) return;
  const { nodes } = await live.ask(
    `query OpenOrders($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { ${orderFields} } } }`,
    { ids },
  );
  for (const order of nodes) if (order) orders.put(order, { isNew: false });
}

let todayIsRead = null;

/** Sums are asked for once however fast orders come. */
function readToday() {
  todayIsRead ??= new Promise((resolve) => setTimeout(resolve, 1_000))
    .then(() => {
      todayIsRead = null;
      return live.ask(
        `query Today($from: DateTime!) { orders(first: 0, filter: { placedAt: { from: $from }, cancelled: false, test: false }) {
          totals { count total { amount currencyCode } refundedTotal { amount currencyCode } netTotal { amount currencyCode } } } }`,
        { from: new Date(new Date().setHours(0, 0, 0, 0)).toISOString() },
      );
    })
    .then((data) => showToday(data.orders.totals))
    .catch(showProblem);
  return todayIsRead;
}

function showToday(totals) {
  const tile = (name, value) => element('div', {}, element('dt', {}, name), element('dd', {}, value));
  const count = totals.reduce((sum, one) => sum + one.count, 0);
  const amounts = (field) => totals.map((one) => money(one[field])).join(', ') || '–';
  document
    .getElementById('today')
    .replaceChildren(
      tile('Orders', String(count)),
      tile('Sold', amounts('total')),
      tile('Given back of it', amounts('refundedTotal')),
      tile('Left', amounts('netTotal')),
    );
}

function stockCells({ stockLevel, cause, availableDelta, after }) {
  const variant = stockLevel?.variant;
  const name = [variant?.product?.title, variant?.title].filter(Boolean).join(', ');
  return [
    cell('SKU', element('span', { title: name }, variant?.sku ?? (name || '–')), 'name'),
    cell('Where', stockLevel?.location?.name ?? '–'),
    cell('Why', words(cause ?? '–')),
    cell(
      'Change',
      availableDelta > 0 ? `+${availableDelta}` : String(availableDelta ?? '–'),
      `number ${availableDelta < 0 ? 'warn' : 'good'}`,
    ),
    cell('Left', String(after?.available ?? '–'), 'number'),
  ];
}

function refundCells(refund) {
  return [
    cell('Order', refund.order.number),
    cell('Customer', refund.order.customer?.displayName ?? 'guest', 'name'),
    cell('Amount', money(refund.total), 'number'),
    cell('When', time(refund.refundedAt)),
  ];
}
