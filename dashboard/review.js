import { openSession } from './session.js';
import { cell, count, element, money, time, words } from './words.js';

/*
 * What waits for a person: pairs of customers who may be one, with the weight of every clue; wishes that a note seems to
 * make, with the words that prove them; values of custom fields that could not be understood.
 */

const { live, showProblem } = openSession();

const sections = [
  {
    id: 'pairs',
    query: `query Pairs { list: mergeCandidates(first: 10) { totalCount nodes {
      id probability bits caution evidence { field agreement bits explanation }
      customers { id displayName company email phone orderCount lastOrderAt lifetimeValue { amount currencyCode }
        defaultAddress { address1 address2 zip city countryCode }
        identities { email phone source { platform } } records { remoteType source { platform } } } } } }`,
    show: pair,
    empty: 'Nobody. Who is certainly one person is merged without a question.',
  },
  {
    id: 'wishes',
    query: `query Wishes { list: fulfilmentRules(first: 20, filter: { statuses: [PROPOSED] }) { totalCount nodes {
      id kind value quote confidence reason reader order { number note placedAt customer { displayName } } } } }`,
    show: wish,
    empty: 'None. What is plain and harmless is in force without a question.',
  },
  {
    id: 'values',
    query: `query Values { list: customFieldProblems(first: 50) { totalCount nodes {
      raw problem toldAt customField { name sourceDescription } order { number } customer { displayName } } } }`,
    show: value,
    empty: 'None.',
  },
];

start().catch(showProblem);

/** Reads after the cursor is taken, and again whenever a customer or an order changes. */
async function start() {
  const { syncStatus } = await live.ask('query Head { syncStatus { head } }');
  document.getElementById('problem').hidden = true;
  for (const field of ['customerChanged', 'orderChanged'])
    live.follow({
      query: `subscription ${field}Review($after: String) { ${field}(after: $after) { cursor } }`,
      field,
      after: syncStatus.head,
      onPayload: readSoon,
      onProblem: showProblem,
    });
  await read();
}

let soon = null;

/** Once a second at the most, however fast things change. */
function readSoon() {
  if (soon !== null) return;
  soon = setTimeout(() => {
    soon = null;
    read().catch(showProblem);
  }, 1_000);
}

/** Each section on its own: a key that may not see one sees the others. */
async function read() {
  await Promise.all(
    sections.map(async (section) => {
      const body = document.getElementById(section.id);
      try {
        const { list } = await live.ask(section.query);
        const rest = list.totalCount - list.nodes.length;
        document.getElementById(`${section.id}-count`).textContent =
          list.totalCount === 0
            ? ''
            : `${list.totalCount}${rest > 0 ? `, the first ${list.nodes.length} shown` : ''}`;
        const shown = list.nodes.map(section.show);
        body.replaceChildren(...(shown.length === 0 ? [nothing(body, section.empty)] : shown));
      } catch (problem) {
        body.replaceChildren(nothing(body, problem.message));
      }
    }),
  );
}

function nothing(body, text) {
  if (body.tagName !== 'TBODY') return element('li', { class: 'muted' }, text);
  const columns = body.parentElement.querySelectorAll('th').length;
  return element('tr', {}, element('td', { class: 'empty', colspan: String(columns) }, text));
}

function pair({ id, probability, bits, caution, evidence, customers }) {
  const [a, b] = customers;
  // The survivor keeps its id; whose values count is decided field by field.
  const [survivor, absorbed] = b.orderCount > a.orderCount ? [b, a] : [a, b];
  const atHubSpot = customers.every(({ records }) =>
    records.some(({ remoteType, source }) => source.platform === 'HUBSPOT' && remoteType === 'contact'),
  );
  const forGood = element('input', { type: 'checkbox', id: `for-good-${id}` });
  const merge = () =>
    act(
      `mutation Merge($input: CustomerMergeInput!) { done: customerMerge(input: $input) { userErrors { message } } }`,
      {
        input: {
          survivorId: survivor.id,
          absorbedId: absorbed.id,
          approvePlatforms: forGood.checked ? ['HUBSPOT'] : [],
        },
      },
      `${absorbed.displayName} is now part of ${survivor.displayName}.`,
      'pairs',
      forGood.checked ? null : () => undo(absorbed),
    );
  const reject = () =>
    act(
      `mutation KeepApart($id: ID!) { done: mergeReject(input: { id: $id }) { userErrors { message } } }`,
      { id },
      `${a.displayName} and ${b.displayName} stay two; it is not asked again.`,
      'pairs',
    );
  return element(
    'li',
    {},
    element('h3', {}, `${a.displayName} and ${b.displayName}`),
    element(
      'p',
      { class: 'muted' },
      `By the evidence ${percent(probability)} one person (${bits} bits). ${caution ?? ''}`,
    ),
    element(
      'table',
      { class: 'compare' },
      element('tbody', {}, ...comparison(a, b).map(([name, left, right]) => comparedRow(name, left, right))),
    ),
    element(
      'ul',
      { class: 'evidence' },
      ...evidence.map((one) =>
        element(
          'li',
          {},
          element(
            'span',
            { class: `number ${one.bits >= 0 ? 'good' : 'bad'}` },
            `${one.bits >= 0 ? '+' : ''}${one.bits}`,
          ),
          element('span', {}, `${words(one.field)}: ${one.explanation}`),
        ),
      ),
    ),
    element(
      'p',
      { class: 'actions' },
      button('One person: merge', merge),
      button('Two people: keep apart', reject),
      atHubSpot
        ? element(
            'label',
            { for: `for-good-${id}` },
            forGood,
            ' merge the two HubSpot contacts as well (for good: HubSpot cannot undo it)',
          )
        : null,
    ),
  );
}

/** Undoing brings both back; what came meanwhile goes to whom it belongs. */
function undo(absorbed) {
  return act(
    `mutation Undo($id: ID!) { done: customerUnmerge(input: { absorbedId: $id }) { userErrors { message } } }`,
    { id: absorbed.id },
    `${absorbed.displayName} is a customer of their own again, and the pair is not suggested any more.`,
    'pairs',
  );
}

function comparison(a, b) {
  const of = (name, get) => [name, get(a) || '–', get(b) || '–'];
  return [
    of('Company', (one) => one.company),
    of('E-mail', (one) => all(one, 'email')),
    of('Telephone', (one) => all(one, 'phone')),
    of('Address', ({ defaultAddress: at }) =>
      at === null
        ? ''
        : [at.address1, at.address2, [at.zip, at.city].filter(Boolean).join(' '), at.countryCode]
            .filter(Boolean)
            .join(', '),
    ),
    of('Known at', ({ identities }) =>
      [...new Set(identities.map(({ source }) => words(source.platform)))].join(', '),
    ),
    of('Orders', (one) =>
      one.orderCount === 0
        ? 'none'
        : `${count(one.orderCount, 'order')}, ${one.lifetimeValue ? money(one.lifetimeValue) : '–'}, last ${new Date(one.lastOrderAt).toLocaleDateString()}`,
    ),
  ].filter(([, left, right]) => left !== '–' || right !== '–');
}

function all(customer, field) {
  return [
    ...new Set([customer[field], ...customer.identities.map((one) => one[field])].filter(Boolean)),
  ].join(', ');
}

function comparedRow(name, left, right) {
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    cell('First', left, 'words'),
    cell('Second', right, 'words'),
  );
}

function wish(rule) {
  const { order } = rule;
  const decide = (name, text) => () =>
    act(
      `mutation Decide($id: ID!) { done: ${name}(input: { id: $id }) { userErrors { message } } }`,
      { id: rule.id },
      text,
      'wishes',
    );
  const says = `${words(rule.kind)}${rule.value === null ? '' : `: ${rule.value}`}`;
  return element(
    'li',
    {},
    element('h3', {}, `Order ${order.number}: ${says}`),
    element(
      'p',
      { class: 'muted' },
      `${order.customer?.displayName ?? 'guest'}, `,
      time(order.placedAt),
      `, read by ${words(rule.reader)}, ${percent(rule.confidence)} sure`,
    ),
    element('blockquote', {}, ...quoted(order.note, rule.quote)),
    rule.reason === null ? null : element('p', {}, `Why you are asked: ${rule.reason}`),
    element(
      'p',
      { class: 'actions' },
      button('Approve', decide('fulfilmentRuleApprove', `“${says}” is in force on order ${order.number}.`)),
      button('Reject', decide('fulfilmentRuleReject', `“${says}” is turned down on order ${order.number}.`)),
    ),
  );
}

/** The note with the words that prove the wish marked; those alone where the note is gone. */
function quoted(note, quote) {
  const at = note === null ? -1 : note.indexOf(quote);
  const mark = element('mark', {}, quote);
  return at < 0 ? [mark] : [note.slice(0, at), mark, note.slice(at + quote.length)];
}

function value({ raw, problem, toldAt, customField, order, customer }) {
  return element(
    'tr',
    {},
    cell('Field', customField.name),
    cell('Of', order === null ? (customer?.displayName ?? '–') : `order ${order.number}`, 'name'),
    cell('Was told', raw ?? '–', 'words'),
    cell('Why not', problem, 'words'),
    cell('Comes from', customField.sourceDescription, 'words'),
    cell('Since', time(toldAt)),
  );
}

function button(text, onclick) {
  const made = element(
    'button',
    {
      type: 'button',
      onclick: async () => {
        made.disabled = true;
        await onclick();
        made.disabled = false;
      },
    },
    text,
  );
  return made;
}

/** Carries a decision out and says so, with a way back where there is one. */
async function act(mutation, variables, text, section, back = null) {
  try {
    const { done } = await live.ask(mutation, variables);
    const [refusal] = done.userErrors;
    if (refusal !== undefined) throw new Error(refusal.message);
    document.getElementById('problem').hidden = true;
    const note = document.getElementById('done');
    note.replaceChildren(text, ...(back === null ? [] : [' ', button('Undo', back)]));
    note.hidden = false;
    document.getElementById(`${section}-title`).focus();
    await read();
  } catch (problem) {
    showProblem(problem);
  }
}

/** Rounded down: nothing is certain that only nearly is. */
function percent(share) {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}
