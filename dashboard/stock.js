import { openSession } from './session.js';
import { age, cell, element, moment, time, words } from './words.js';

/*
 * What is where and what each channel offers of it, as it moves; what is set aside, what rules say, and what was sold
 * although it was not there.
 */

/** As many as one question may ask for with all that is told of them. */
const mostRows = 60;
const oversoldDays = 30;

const goods = 'variant { sku title product { title } }';
const levelFields = `id onHand committed reserved safety available incoming ${goods} location { name }
  freshness { observedAt ageSeconds }
  published { platform accountName quantity allocated buffer because freshness { observedAt ageSeconds } }`;

const { live, showProblem } = openSession();
/** SKUs that somebody asked for; null: whatever moved last. */
let wanted = null;
/** Levels on show, by id, in their order. */
let shown = new Map();

document.getElementById('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const skus = new FormData(event.target).get('skus').trim();
  wanted = skus === '' ? null : skus.split(/[\s,;]+/).slice(0, 250);
  readLevels().catch(showProblem);
});

start().catch(showProblem);

/** Reads after the cursor is taken; from then on what moves is read again, and the rest of the page with it. */
async function start() {
  const { syncStatus } = await live.ask('query Head { syncStatus { head } }');
  document.getElementById('problem').hidden = true;
  live.follow({
    query: `subscription StockLive($after: String) { stockLevelChanged(after: $after) { cursor stockLevel { id } } }`,
    field: 'stockLevelChanged',
    after: syncStatus.head,
    onPayload: ({ stockLevel }) => stockLevel && moved(stockLevel.id),
    onProblem: showProblem,
  });
  await Promise.all([readLevels(), readRest()]);
  // What channels offer changes without a movement, and ages grow.
  setInterval(() => refresh([...shown.keys()]).catch(showProblem), 5_000);
}

/** Who asks again does not want the earlier answer any more, whichever comes first. */
async function readLevels() {
  const asked = wanted;
  const levels = asked === null ? await movedLast() : await levelsOf(asked);
  if (asked !== wanted) return;
  document.getElementById('levels-what').textContent =
    asked === null ? 'that moved last' : `of ${asked.join(', ')}`;
  shown = new Map(levels.map((level) => [level.id, level]));
  showLevels();
}

async function movedLast() {
  const { stockMovements } = await live.ask(
    `query MovedLast { stockMovements(first: ${mostRows}) { nodes { stockLevel { ${levelFields} } } } }`,
  );
  return stockMovements.nodes.map(({ stockLevel }) => stockLevel);
}

async function levelsOf(skus) {
  const { stockLevels } = await live.ask(
    `query OfSkus($skus: [String!]) { stockLevels(skus: $skus, first: ${mostRows}) { nodes { ${levelFields} } } }`,
    { skus },
  );
  return stockLevels.nodes;
}

const changed = new Set();
let soon = null;

/** What moves often is read once a second. */
function moved(id) {
  changed.add(id);
  if (soon !== null) return;
  soon = setTimeout(() => {
    const ids = [...changed];
    changed.clear();
    soon = null;
    // A channel offers what lies in all places together: the other rows of the same goods change as well.
    refresh([...new Set([...ids, ...shown.keys()])]).catch(showProblem);
    readRest().catch(showProblem);
  }, 1_000);
}

async function refresh(ids) {
  const known = ids.filter((id) => wanted === null || shown.has(id)).slice(0, mostRows);
  if (known.length === 0) return;
  const { nodes } = await live.ask(
    `query Again($ids: [ID!]!) { nodes(ids: $ids) { ... on StockLevel { ${levelFields} } } }`,
    { ids: known },
  );
  const found = nodes.filter((level) => level !== null);
  const news = found.filter((level) => !shown.has(level.id));
  for (const level of found) if (shown.has(level.id)) shown.set(level.id, level);
  if (news.length > 0)
    shown = new Map([...news.map((level) => [level.id, level]), ...shown].slice(0, mostRows));
  showLevels();
}

function showLevels() {
  fill('levels', [...shown.values()].map(levelRow), 'Nothing is known of these yet.');
}

/** Each part on its own: a key that may not see one sees the others. */
async function readRest() {
  await Promise.all([
    part('goods', readOversold),
    part('channels', readChannels),
    part('reservations', readReservations),
    part('rules', readRules),
  ]);
}

async function part(id, read) {
  try {
    await read();
  } catch (problem) {
    fill(id, [], problem.message);
  }
}

async function readOversold() {
  const from = new Date(Date.now() - oversoldDays * 86_400_000).toISOString();
  const { oversellReport } = await live.ask(
    `query Oversold($from: DateTime!) { oversellReport(period: { from: $from }) {
      sold oversold rate goods { channel sold oversold ${goods} } } }`,
    { from },
  );
  const tile = (name, value, tone = '') =>
    element('div', {}, element('dt', {}, name), element('dd', { class: tone }, value));
  const { sold, oversold, rate } = oversellReport;
  document
    .getElementById('oversold')
    .replaceChildren(
      tile('Units sold', String(sold)),
      tile('Not there', String(oversold), oversold > 0 ? 'bad' : 'good'),
      tile('Of what was sold', `${(100 * rate).toFixed(2)} %`, rate >= 0.01 ? 'bad' : 'good'),
    );
  document.getElementById('goods-panel').hidden = oversellReport.goods.length === 0;
  fill(
    'goods',
    oversellReport.goods
      .slice(0, 20)
      .map((one) =>
        element(
          'tr',
          {},
          skuCell(one.variant),
          cell('Channel', one.channel === null ? 'unknown' : words(one.channel)),
          cell('Sold', String(one.sold), 'number'),
          cell('Not there', String(one.oversold), 'number bad'),
        ),
      ),
    'Nothing.',
  );
}

async function readChannels() {
  const { connections } = await live.ask(
    `query Channels { connections { name platform status statusReason circuit lastSuccessAt lastDeliveryAt
      availableCapabilities channelFeed { publishLatencySeconds intakeLatencySeconds measuredAt } } }`,
  );
  const told = connections.filter(({ availableCapabilities }) =>
    availableCapabilities.includes('listingQuantity'),
  );
  fill('channels', told.map(channelRow), 'None: every channel counts its own stock.');
}

function channelRow({
  name,
  platform,
  status,
  statusReason,
  circuit,
  lastSuccessAt,
  lastDeliveryAt,
  channelFeed,
}) {
  const heard = [lastSuccessAt, lastDeliveryAt].filter((one) => one !== null).sort();
  const isWell = status === 'ACTIVE' && circuit === 'CLOSED';
  const state = status === 'ACTIVE' ? (isWell ? 'in step' : 'not answering') : words(status);
  const seconds = (value) => (channelFeed === null ? 'not measured' : age(value));
  return element(
    'tr',
    {},
    cell('Account', `${words(platform)}: ${name}`, 'name'),
    cell('State', statusReason ?? state, isWell ? 'good' : 'bad'),
    cell('Shows a change after', seconds(channelFeed?.publishLatencySeconds), 'number'),
    cell('Tells of a sale after', seconds(channelFeed?.intakeLatencySeconds), 'number'),
    cell('Measured', channelFeed === null ? '–' : time(channelFeed.measuredAt)),
    cell('Last heard of', heard.length === 0 ? 'not yet' : time(heard.at(-1))),
  );
}

async function readReservations() {
  const { reservations } = await live.ask(
    `query SetAside { reservations(first: 50) { totalCount nodes {
      quantity reason createdAt expiresAt stockLevel { ${goods} location { name } } } } }`,
  );
  const rest = reservations.totalCount - reservations.nodes.length;
  document.getElementById('reservations-count').textContent = countOf(reservations.totalCount, rest);
  fill(
    'reservations',
    reservations.nodes.map(({ quantity, reason, createdAt, expiresAt, stockLevel }) =>
      element(
        'tr',
        {},
        skuCell(stockLevel.variant),
        cell('Where', stockLevel.location.name),
        cell('How many', String(quantity), 'number'),
        cell('What for', reason, 'words'),
        cell('Since', time(createdAt)),
        cell('Until', expiresAt === null ? 'it is released' : time(expiresAt)),
      ),
    ),
    'Nothing.',
  );
}

async function readRules() {
  const { stockRules } = await live.ask(
    `query Rules { stockRules(first: 50) { totalCount nodes {
      minBuffer maxQuantity sharePercent lastUnits paused connection { name platform } variant { sku title } } } }`,
  );
  const rest = stockRules.totalCount - stockRules.nodes.length;
  document.getElementById('rules-count').textContent = countOf(stockRules.totalCount, rest);
  fill(
    'rules',
    stockRules.nodes.map((rule) =>
      element(
        'tr',
        {},
        cell(
          'Channel',
          rule.connection === null
            ? 'every one'
            : `${words(rule.connection.platform)}: ${rule.connection.name}`,
        ),
        cell('SKU', rule.variant === null ? 'every one' : (rule.variant.sku ?? rule.variant.title)),
        cell('Says', saying(rule), 'words'),
      ),
    ),
    'None: buffers follow sales and latency, and the last one is not offered.',
  );
}

function saying({ minBuffer, maxQuantity, sharePercent, lastUnits, paused }) {
  return [
    paused === true ? 'offer nothing' : paused === false ? 'offer' : null,
    minBuffer === null ? null : `keep back at least ${minBuffer}`,
    maxQuantity === null ? null : `offer at most ${maxQuantity}`,
    sharePercent === null ? null : `offer at most ${sharePercent} %`,
    lastUnits === null ? null : `offer nothing of the last ${lastUnits}`,
  ]
    .filter((one) => one !== null)
    .join(', ');
}

function levelRow(level) {
  const { onHand, committed, reserved, safety, available, incoming, variant, location, freshness } = level;
  const number = (name, value, tone = '') =>
    cell(name, String(value), `number ${value === 0 ? 'muted' : tone}`);
  return element(
    'tr',
    {},
    skuCell(variant),
    cell('Where', location.name),
    number('On hand', onHand),
    number('Committed', committed),
    number('Reserved', reserved),
    number('Kept back', safety),
    cell('Available', String(available), `number ${available < 0 ? 'bad' : available === 0 ? 'warn' : ''}`),
    number('Incoming', incoming),
    cell('Told', freshness.observedAt === null ? 'not yet' : ago(freshness)),
    cell('Offered', element('ul', { class: 'offers' }, ...level.published.map(offer)), 'words'),
  );
}

/** What an account offers, what it should, why, and how fresh that is. */
function offer({ platform, accountName, quantity, allocated, buffer, because, freshness }) {
  const isBehind = allocated !== null && quantity !== allocated;
  const should = isBehind ? `, should be ${allocated}` : '';
  const why =
    because === null || because === 'all_available'
      ? ''
      : ` (${reasons[because] ?? words(because)}${buffer > 0 ? `, ${buffer} kept back` : ''})`;
  return element(
    'li',
    { class: isBehind ? 'warn' : '', title: accountName },
    `${words(platform)} ${quantity ?? 'has not told'}${should}${why}`,
    freshness.observedAt === null ? null : element('span', { class: 'muted' }, ' · ', ago(freshness)),
  );
}

const reasons = {
  buffer: 'sells fast',
  last_units: 'the last ones belong to the shop',
  rule_share: 'by rule',
  rule_maximum: 'by rule',
  rule_paused: 'paused by rule',
  nothing_left: 'nothing left',
  stale_feed: 'closed: not heard of',
};

function ago({ observedAt, ageSeconds }) {
  const text = ageSeconds < 86_400 ? `${age(ageSeconds)} ago` : moment(observedAt);
  return element('time', { datetime: observedAt, title: new Date(observedAt).toLocaleString() }, text);
}

function skuCell({ sku, title, product }) {
  const name = [product?.title, title].filter(Boolean).join(', ');
  return cell('SKU', element('span', { title: name }, sku ?? (name || '–')), 'name');
}

function countOf(total, rest) {
  if (total === 0) return '';
  return rest > 0 ? `${total}, the first ${total - rest} shown` : String(total);
}

function fill(id, rows, empty) {
  const body = document.getElementById(id);
  const columns = body.parentElement.querySelectorAll('th').length;
  body.replaceChildren(
    ...(rows.length > 0
      ? rows
      : [element('tr', {}, element('td', { class: 'empty', colspan: String(columns) }, empty))]),
  );
}
