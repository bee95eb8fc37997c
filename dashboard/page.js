import { createClient } from '/assets/graphql-ws/client.js';

/*
 * The page knows nothing but the GraphQL API: it reads what is there once and then lives on subscriptions, which resume
 * after their last cursor when the connection breaks. Every value is written as text, never as markup.
 */

const keptRows = 20;
const keyName = 'tributary-api-key';
const orderFields = `id number channel financialStatus cancelledAt total { amount currencyCode } customer { displayName }
  pushes { kind status connection { platform } }`;
const stockFields = 'variant { sku title } location { name }';

const status = document.getElementById('connection');

function start() {
  const key = sessionStorage.getItem(keyName);
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: key === null ? {} : { authorization: `Bearer ${key}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => !isRefusal(event),
    on: {
      connected: () => say('live', 'good'),
      closed: (event) => (isRefusal(event) ? signIn() : say('disconnected, trying again …', 'warn-text')),
    },
  });

  const orders = new Rows('orders', 7, orderCells, 'No order yet.');
  const stock = new Rows('stock', 5, stockCells, 'No movement yet.');
  const refunds = new Rows('refunds', 4, refundCells, 'No refund yet.');

  read(client, `{ orders(first: ${keptRows}) { nodes { ${orderFields} } } }`, (data) =>
    orders.fill(data.orders.nodes),
  );
  read(
    client,
    `{ refunds(first: ${keptRows}) { nodes { id total { amount currencyCode } refundedAt order { number customer { displayName } } } } }`,
    (data) => refunds.fill(data.refunds.nodes),
  );
  read(client, syncQuery, (data) => showSync(data.syncStatus));

  follow(client, 'orderChanged', `order { ${orderFields} }`, ({ order }) => order && orders.put(order));
  follow(
    client,
    'refundCreated',
    'refund { id total { amount currencyCode } refundedAt order { number customer { displayName } } }',
    ({ refund }) => refund && refunds.put(refund),
  );
  follow(client, 'stockLevelChanged', `cause before after delta stockLevel { id ${stockFields} }`, (change) =>
    stock.put({ ...change, id: change.cursor }),
  );
  client.subscribe(
    { query: `subscription { syncStatusChanged { syncStatus ${syncSelection} } }` },
    {
      next: ({ data }) => {
        if (!data) return;
        showSync(data.syncStatusChanged.syncStatus);
        orders.refreshOpen(client);
      },
      error: report,
      complete: () => undefined,
    },
  );
}

/** Subscribes and, after a broken connection, resumes right after the last event seen. */
function follow(client, field, selection, onPayload) {
  let cursor = null;
  const subscribe = () =>
    client.subscribe(
      {
        query: `subscription($after: String) { ${field}(after: $after) { cursor ${selection} } }`,
        variables: { after: cursor },
      },
      {
        next: ({ data, errors }) => {
          if (errors) return report(errors);
          cursor = data[field].cursor;
          onPayload(data[field]);
        },
        error: report,
        complete: subscribe,
      },
    );
  subscribe();
}

function read(client, query, onData) {
  let result = null;
  client.subscribe(
    { query },
    {
      next: ({ data, errors }) => {
        if (errors) report(errors);
        result = data;
      },
      error: report,
      complete: () => result && onData(result),
    },
  );
}

/** A table body that keeps the newest rows, one per id. */
class Rows {
  constructor(id, columns, cells, emptyText) {
    this.body = document.getElementById(id);
    this.columns = columns;
    this.cells = cells;
    this.emptyText = emptyText;
    this.byId = new Map();
    this.showEmpty();
  }

  fill(items) {
    for (const item of [...items].reverse()) if (!this.byId.has(item.id)) this.put(item, false);
  }

  put(item, isNew = true) {
    if (this.byId.size === 0) this.body.replaceChildren();
    const row = document.createElement('tr');
    row.append(...this.cells(item));
    if (isNew) row.classList.add('new');
    const before = this.byId.get(item.id)?.row;
    if (before) before.replaceWith(row);
    else this.body.prepend(row);
    this.byId.set(item.id, { row, item });
    while (this.body.rows.length > keptRows) {
      const last = this.body.rows[this.body.rows.length - 1];
      for (const [id, kept] of this.byId) if (kept.row === last) this.byId.delete(id);
      last.remove();
    }
  }

  /** Orders whose pushes were under way are read again: receipts are not changes of the order. */
  refreshOpen(client) {
    const ids = [...this.byId.values()]
      .filter(({ item }) => item.pushes?.some(isOpen))
      .map(({ item }) => item.id);
    if (ids.length === 0) return;
    read(client, `{ nodes(ids: ${JSON.stringify(ids)}) { ... on Order { ${orderFields} } } }`, (data) => {
      for (const order of data.nodes) if (order && this.byId.has(order.id)) this.put(order, false);
    });
  }

  showEmpty() {
    const cell = textCell(this.emptyText, 'empty');
    cell.colSpan = this.columns;
    const row = document.createElement('tr');
    row.append(cell);
    this.body.replaceChildren(row);
  }
}

function orderCells(order) {
  return [
    textCell(order.number),
    textCell(words(order.channel)),
    textCell(order.customer?.displayName ?? 'guest'),
    textCell(order.cancelledAt ? 'cancelled' : words(order.financialStatus)),
    textCell(money(order.total), 'number'),
    pushCell(order.pushes, 'HUBSPOT'),
    pushCell(order.pushes, 'QUICKBOOKS'),
  ];
}

function stockCells({ stockLevel, cause, delta, after }) {
  return [
    textCell(stockLevel?.variant?.sku ?? '–'),
    textCell(stockLevel?.location?.name ?? '–'),
    textCell(words(cause)),
    textCell(delta > 0 ? `+${delta}` : String(delta), `number ${delta < 0 ? 'warn-text' : 'good'}`),
    textCell(String(after), 'number'),
  ];
}

function refundCells(refund) {
  return [
    textCell(refund.order?.number ?? '–'),
    textCell(refund.order?.customer?.displayName ?? 'guest'),
    textCell(money(refund.total), 'number'),
    textCell(new Date(refund.refundedAt).toLocaleString()),
  ];
}

function pushCell(pushes, platform) {
  const push = pushes?.find((candidate) => candidate.connection.platform === platform);
  if (!push) return textCell('–', 'muted');
  if (push.status === 'SETTLED') return textCell('✓', 'good');
  if (push.status === 'DEAD') return textCell('needs a look', 'bad-text');
  return textCell(push.status === 'PLAN' ? 'planned' : words(push.status), 'warn-text');
}

const syncSelection = `{ lagSeconds connections {
  waiting retrying dead planned oldestWaitingSeconds
  connection { id name platform status statusReason circuit circuitReason lastSuccessAt lastDeliveryAt }
  work { what kind status count oldestSeconds reason remedy }
} }`;
const syncQuery = `{ syncStatus ${syncSelection} }`;

function showSync(syncStatus) {
  document.getElementById('platforms').replaceChildren(...syncStatus.connections.map(platformCard));
  const rows = syncStatus.connections.flatMap(({ connection, work }) =>
    work
      .filter((entry) => entry.status !== 'WAITING' || entry.oldestSeconds > 5)
      .map((entry) => workRow(connection, entry)),
  );
  document.getElementById('work').replaceChildren(...rows);
  document.getElementById('attention').hidden = rows.length === 0;
}

function platformCard({ connection, waiting, retrying, dead, planned, oldestWaitingSeconds }) {
  const card = document.createElement('article');
  const trouble = dead > 0 || connection.status === 'REVOKED';
  const slow = retrying > 0 || connection.status === 'PAUSED' || connection.circuit === 'OPEN';
  card.className = `card ${trouble ? 'bad' : slow ? 'warn' : ''}`;
  const title = document.createElement('h3');
  title.textContent = words(connection.platform);
  const account = document.createElement('p');
  account.className = 'muted';
  account.textContent = connection.name;
  const facts = document.createElement('dl');
  const fact = (name, value) => {
    const term = document.createElement('dt');
    term.textContent = name;
    const description = document.createElement('dd');
    description.textContent = value;
    facts.append(term, description);
  };
  fact(
    'State',
    connection.circuit === 'OPEN'
      ? `not answering: ${connection.circuitReason ?? ''}`
      : [words(connection.status), connection.statusReason].filter(Boolean).join(': '),
  );
  fact(
    'Waiting',
    `${waiting}${retrying > 0 ? `, ${retrying} retrying` : ''}${oldestWaitingSeconds ? ` (oldest ${age(oldestWaitingSeconds)})` : ''}`,
  );
  if (dead > 0) fact('To look at', String(dead));
  if (planned > 0) fact('Planned only', String(planned));
  fact(
    'Last told us',
    connection.lastDeliveryAt ? new Date(connection.lastDeliveryAt).toLocaleTimeString() : 'not yet',
  );
  fact(
    'Last answered',
    connection.lastSuccessAt ? new Date(connection.lastSuccessAt).toLocaleTimeString() : 'not yet',
  );
  card.append(title, account, facts);
  return card;
}

function workRow(connection, entry) {
  const row = document.createElement('tr');
  row.append(
    textCell(words(connection.platform)),
    textCell(`${entry.what} ${entry.kind}`),
    textCell(words(entry.status), entry.status === 'DEAD' ? 'bad-text' : 'warn-text'),
    textCell(String(entry.count), 'number'),
    textCell(age(entry.oldestSeconds), 'number'),
    textCell(entry.reason ?? '', 'words'),
    textCell(entry.remedy ?? '', 'words'),
  );
  return row;
}

function isOpen(push) {
  return ['PENDING', 'RUNNING', 'RETRYING'].includes(push.status);
}

function isRefusal(event) {
  return event instanceof CloseEvent && [4401, 4403].includes(event.code);
}

function signIn() {
  const section = document.getElementById('sign-in');
  section.hidden = false;
  say('an API key is needed', 'warn-text');
  section.querySelector('form').addEventListener(
    'submit',
    (event) => {
      event.preventDefault();
      sessionStorage.setItem(keyName, new FormData(event.target).get('key'));
      location.reload();
    },
    { once: true },
  );
}

function report(problem) {
  const first = Array.isArray(problem) ? problem[0] : problem;
  if (isRefusal(problem)) return;
  say(first?.message ?? 'something went wrong', 'bad-text');
}

function say(text, className) {
  status.textContent = text;
  status.className = className;
}

function textCell(text, className) {
  const cell = document.createElement('td');
  cell.textContent = text;
  if (className) cell.className = className;
  return cell;
}

function words(name) {
  const names = { HUBSPOT: 'HubSpot', QUICKBOOKS: 'QuickBooks', SHOPIFY: 'Shopify', AMAZON: 'Amazon' };
  return names[name] ?? String(name).toLowerCase().replaceAll('_', ' ');
}

function money({ amount, currencyCode }) {
  return `${amount} ${currencyCode}`;
}

function age(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

start();
