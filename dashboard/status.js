import { age, cell, element, marked, moment, words } from './words.js';

const selection = `{ lagSeconds head connections {
  waiting retrying dead planned oldestWaitingSeconds
  connection { id name platform status statusReason circuit circuitReason circuitOpenUntil lastSuccessAt lastDeliveryAt
    findings { subject state message remedy } }
  sweep { since reading read expected startedAt finishedAt error }
  work { what kind status count oldestSeconds reason remedy }
} }`;
export const statusQuery = `query SyncStatus { syncStatus ${selection} }`;
export const statusSubscription = `subscription SyncStatusChanged($after: String) {
  syncStatusChanged(after: $after) { cursor syncStatus ${selection} } }`;

const deadQuery = `query DeadLetters {
  pushes(first: 10, filter: { statuses: [DEAD] }) { totalCount nodes {
    id kind error remedy createdAt connection { platform }
    subject { ... on Order { number } ... on Customer { displayName } ... on Refund { order { number } } } } }
  deliveries(first: 10, filter: { statuses: [DEAD] }) { totalCount nodes {
    id topic subject error remedy receivedAt connection { platform } } }
}`;

/** Platforms, what waits and why, and what a person must look at. */
export class SyncStatus {
  #live;
  #onProblem;
  #again = null;
  /** Reasons that are being written, by letter. */
  #reasons = new Map();

  constructor({ live, onProblem }) {
    this.#live = live;
    this.#onProblem = onProblem;
  }

  async show(status) {
    const { connections } = status;
    document
      .getElementById('platforms')
      .replaceChildren(...connections.map((one) => this.#platformCard(one)));
    const rows = connections.flatMap(({ connection, work }) =>
      // What has only just come needs no explanation, and plans of an account that is off wait for nobody.
      (connection.status === 'DISCONNECTED' ? [] : work)
        .filter((entry) => entry.status !== 'DEAD' && (entry.status !== 'WAITING' || entry.oldestSeconds > 5))
        .map((entry) => workRow(connection, entry)),
    );
    document.getElementById('work').replaceChildren(...rows);
    document.getElementById('waiting').hidden = rows.length === 0;
    this.#lookAgain(
      connections.some(({ waiting, retrying, sweep }) => waiting + retrying > 0 || isUnderWay(sweep)),
    );
    await this.#showAttention(connections);
  }

  /** Ages grow and deliveries settle without an event that tells of it: while work is open, its state is read again. */
  #lookAgain(isOpen) {
    clearTimeout(this.#again);
    if (!isOpen) return;
    this.#again = setTimeout(() => {
      this.#live.ask(statusQuery).then(({ syncStatus }) => this.show(syncStatus), this.#onProblem);
    }, 2_000);
  }

  /** What accounts lack for their work, then what failed for good. */
  async #showAttention(connections) {
    const lacking = connections.flatMap(({ connection }) =>
      connection.findings
        .filter(({ state }) => state === 'BROKEN')
        .map((one) => findingItem(connection, one)),
    );
    const letters = connections.some(({ dead }) => dead > 0) ? await this.#deadLetters() : [];
    replaceKeepingFocus(document.getElementById('dead'), [...lacking, ...letters]);
    document.getElementById('attention').hidden = lacking.length + letters.length === 0;
  }

  async #deadLetters() {
    const { pushes, deliveries } = await this.#live.ask(deadQuery);
    const letters = [
      ...pushes.nodes.map((push) =>
        this.#letter({
          ...push,
          title: `${words(push.connection.platform)}: ${words(push.kind)}${subjectOf(push)}`,
          mutation:
            'mutation TryAgain($id: ID!) { done: pushRetry(input: { id: $id }) { userErrors { message } } }',
          dismissal:
            'mutation Dismiss($id: ID!, $reason: String!) { done: pushDismiss(input: { id: $id, reason: $reason }) { userErrors { message } } }',
        }),
      ),
      ...deliveries.nodes.map((delivery) =>
        this.#letter({
          ...delivery,
          title: `${words(delivery.connection.platform)} told us: ${delivery.topic}, ${delivery.subject}`,
          mutation:
            'mutation TryAgain($id: ID!) { done: deliveryReplay(input: { id: $id }) { userErrors { message } } }',
          dismissal:
            'mutation Dismiss($id: ID!, $reason: String!) { done: deliveryDismiss(input: { id: $id, reason: $reason }) { userErrors { message } } }',
        }),
      ),
    ];
    const more = pushes.totalCount + deliveries.totalCount - letters.length;
    if (more > 0) letters.push(element('li', {}, `… and ${more} more.`));
    return letters;
  }

  #letter({ id, title, error, remedy, mutation, dismissal }) {
    const button = element(
      'button',
      { type: 'button', onclick: () => this.#carryOut(button, mutation, { id }) },
      'Try again',
    );
    return element(
      'li',
      {},
      explanation(title, error ?? 'It failed for good.', remedy),
      element('div', { class: 'choices' }, button, this.#dismissForm(id, title, dismissal)),
    );
  }

  /** A letter is closed with a reason or not at all. */
  #dismissForm(id, title, dismissal) {
    const reason = element('input', {
      type: 'text',
      required: 'required',
      maxlength: '1000',
      value: this.#reasons.get(id),
      placeholder: 'Why it may be closed',
      'aria-label': `Why ${title} may be closed`,
    });
    // The list is drawn anew whenever something changes: what is being written must outlive that.
    reason.addEventListener('input', () => this.#reasons.set(id, reason.value));
    const button = element('button', { type: 'submit' }, 'Dismiss');
    const form = element('form', { class: 'dismissal' }, reason, button);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      await this.#carryOut(button, dismissal, { id, reason: reason.value });
    });
    return form;
  }

  async #carryOut(button, mutation, variables) {
    button.disabled = true;
    try {
      const { done } = await this.#live.ask(mutation, variables);
      const [refusal] = done.userErrors;
      if (refusal !== undefined) throw new Error(refusal.message);
      const { syncStatus } = await this.#live.ask(statusQuery);
      await this.show(syncStatus);
    } catch (problem) {
      this.#onProblem(problem);
    } finally {
      button.disabled = false;
    }
  }

  #platformCard({ connection, sweep, waiting, retrying, dead, planned, oldestWaitingSeconds }) {
    const isStuck = dead > 0 || connection.status === 'REVOKED';
    const isOff = connection.status === 'DISCONNECTED';
    const isSlow = retrying > 0 || connection.status === 'PAUSED' || connection.circuit !== 'CLOSED';
    const facts = [
      ['State', stateOf(connection)],
      [
        'Waiting',
        waiting + retrying === 0
          ? 'nothing'
          : `${waiting + retrying}${retrying > 0 ? `, ${retrying} of them retrying` : ''}, oldest ${age(oldestWaitingSeconds ?? 0)}`,
      ],
      dead > 0 ? ['For a person', String(dead)] : null,
      planned > 0
        ? [
            'Planned only',
            `${planned}: ${connection.status === 'DISCONNECTED' ? 'kept as plans' : 'writing is not unlocked'}`,
          ]
        : null,
      isUnderWay(sweep) ? ['Reading', progressOf(sweep)] : null,
      sweep?.finishedAt && sweep.error
        ? ['Reading broke off', `${sweep.error} It goes on where it was.`]
        : null,
      ['Last told us', connection.lastDeliveryAt ? moment(connection.lastDeliveryAt) : 'not yet'],
      ['Last written to', connection.lastSuccessAt ? moment(connection.lastSuccessAt) : 'not yet'],
    ].filter(Boolean);
    const resume = element(
      'button',
      {
        type: 'button',
        onclick: () =>
          this.#carryOut(
            resume,
            'mutation Resume($id: ID!) { done: connectionResume(input: { id: $id }) { userErrors { message } } }',
            { id: connection.id },
          ),
      },
      'Resume',
    );
    return element(
      'article',
      { class: `card ${isStuck ? 'is-stuck' : isSlow ? 'is-slow' : isOff ? 'is-off' : ''}` },
      element('h3', {}, words(connection.platform)),
      element('p', { class: 'muted' }, connection.name),
      element(
        'dl',
        {},
        ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
      ),
      connection.status === 'PAUSED' ? resume : null,
    );
  }
}

function findingItem({ platform, name }, { subject, message, remedy }) {
  return element('li', {}, explanation(`${words(platform)} (${name}): ${subject}`, message, remedy));
}

function explanation(title, message, remedy) {
  return element(
    'div',
    {},
    element('h3', {}, title),
    element('p', {}, message),
    remedy === null ? null : element('p', { class: 'muted' }, 'What to do: ', marked(remedy)),
  );
}

/** Whoever writes in a field of the list goes on writing in its successor. */
function replaceKeepingFocus(list, items) {
  const written = list.contains(document.activeElement) ? document.activeElement : null;
  const name = written?.getAttribute('aria-label');
  const [start, end] = [written?.selectionStart, written?.selectionEnd];
  list.replaceChildren(...items);
  if (!name) return;
  const successor = [...list.querySelectorAll('input')].find(
    (one) => one.getAttribute('aria-label') === name,
  );
  successor?.focus();
  successor?.setSelectionRange(start, end);
}

function isUnderWay(sweep) {
  return sweep !== null && sweep.finishedAt === null;
}

/** Reading what changed since the last time is done before anybody could look; the first reading takes its time. */
function progressOf({ since, reading, read, expected }) {
  const what = reading === null ? '' : `, now ${words(reading)}`;
  if (expected === null || expected === 0)
    return `${since === null ? 'everything' : 'what changed'}: ${read} so far${what}`;
  const share = Math.min(100, Math.floor((100 * read) / expected));
  return element(
    'span',
    {},
    element('progress', { max: String(expected), value: String(read), 'aria-label': `${share} % read` }),
    ` ${share}\u00a0%: ${read} of about ${expected}${what}`,
  );
}

function stateOf(connection) {
  if (connection.status === 'ACTIVE' && connection.circuit === 'OPEN') {
    const until = connection.circuitOpenUntil
      ? `, tried again at ${moment(connection.circuitOpenUntil)}`
      : '';
    return `not answering${until}${connection.circuitReason ? `: ${connection.circuitReason}` : ''}`;
  }
  if (connection.status === 'ACTIVE') return 'in step';
  return [words(connection.status), connection.statusReason].filter(Boolean).join(': ');
}

function subjectOf({ subject }) {
  const name = subject?.number ?? subject?.displayName ?? subject?.order?.number;
  return name === undefined ? '' : ` of ${name}`;
}

function workRow(connection, entry) {
  return element(
    'tr',
    {},
    cell('Platform', words(connection.platform)),
    cell('What', `${words(entry.kind)} (${entry.what === 'push' ? 'to it' : 'from it'})`),
    cell('State', words(entry.status), 'warn'),
    cell('Count', String(entry.count), 'number'),
    cell('Oldest', age(entry.oldestSeconds), 'number'),
    cell('Why', marked(entry.reason), 'words'),
    cell('What to do', marked(entry.remedy ?? 'Nothing: it goes on by itself.'), 'words'),
  );
}
