import { isZero } from './books.js';
import { cell, count, element, money, words } from './words.js';

const figures = 'sales { amount currencyCode } refunds { amount currencyCode } net { amount currencyCode }';
const query = `query TieOut($date: String, $ask: Boolean!) { tieOut(date: $date, ask: $ask) {
  date timeZone agrees notes
  currencies { currency agrees differenceCount
    channel { ${figures} } graph { ${figures} } books { ${figures} }
    differences(first: 50) { between kind amount { amount currencyCode } why remedy number order { id } refund { id }
      document { type number url } } }
  payouts { net { amount currencyCode } difference { amount currencyCode } why remedy payout { remoteId } }
} }`;

const repost = `mutation PostAnew($id: ID!) {
  done: postingRepost(input: { id: $id, wait: true }) { userErrors { message } } }`;
const repostable = ['EDITED_BY_HAND', 'DELETED_BY_HAND', 'VOIDED', 'BOOKS_DIFFER'];

/** A day of shop, graph and books side by side. Nobody is asked before somebody wants it: then shop and books are. */
export class TieOut {
  #live;
  #onOrder;
  #onProblem;
  #date = document.getElementById('tie-out-date');
  #button = document.getElementById('tie-out-ask');
  #asked = 0;

  constructor({ live, onOrder, onProblem }) {
    this.#live = live;
    this.#onOrder = onOrder;
    this.#onProblem = onProblem;
    // Empty until the answer tells which day it is at the shop, which need not be that of whoever looks.
    this.#date.value = '';
    this.#date.addEventListener('change', () => this.show({ ask: false }));
    this.#button.addEventListener('click', () => this.show({ ask: true }));
  }

  async show({ ask }) {
    const date = this.#date.value === '' ? null : this.#date.value;
    this.#asked += 1;
    const turn = this.#asked;
    this.#button.disabled = true;
    try {
      const { tieOut } = await this.#live.ask(query, { date, ask });
      // A later question has been asked meanwhile: its answer counts.
      if (turn === this.#asked) {
        this.#date.value = tieOut.date;
        document.getElementById('tie-out').replaceChildren(...this.#day(tieOut));
      }
    } catch (problem) {
      if (turn === this.#asked) this.#refused(problem);
    } finally {
      if (turn === this.#asked) this.#button.disabled = false;
    }
  }

  /** Shops without books have nothing to tie out, which is no fault of the page. */
  #refused(problem) {
    document.getElementById('tie-out').replaceChildren(element('p', { class: 'muted' }, problem.message));
    if (!/books/.test(problem.message)) this.#onProblem(problem);
  }

  #day({ currencies, notes, payouts, timeZone, date }) {
    const differences = currencies.flatMap((one) => one.differences);
    const all = currencies.reduce((sum, one) => sum + one.differenceCount, 0);
    return [
      currencies.length === 0
        ? element('p', { class: 'muted' }, `Nothing was sold or given back on ${date} (${timeZone}).`)
        : element(
            'table',
            {},
            headings(['Currency', 'Side', 'Sold', 'Given back', 'Net', 'Lies between']),
            element('tbody', {}, ...currencies.flatMap(currencyRows)),
          ),
      differences.length === 0
        ? null
        : element(
            'table',
            {},
            headings(['Amount', 'Order', 'Why', 'What to do', 'Document']),
            element('tbody', {}, ...differences.map((one) => this.#difference(one))),
          ),
      all > differences.length
        ? element('p', { class: 'muted' }, `… ${all - differences.length} more.`)
        : null,
      ...payouts.map(payoutLine),
      ...notes.map((note) => element('p', { class: 'muted' }, note)),
    ].filter(Boolean);
  }

  /** What was changed or deleted by hand can be written anew from here: that is the consent that it waits for. */
  #remedy(remedy, kind, id) {
    if (!repostable.includes(kind) || id === undefined) return remedy ?? 'Nothing.';
    const button = element(
      'button',
      {
        type: 'button',
        onclick: async () => {
          button.disabled = true;
          try {
            const { done } = await this.#live.ask(repost, { id });
            const [refusal] = done.userErrors;
            if (refusal !== undefined) throw new Error(refusal.message);
            await this.show({ ask: true });
          } catch (problem) {
            button.disabled = false;
            this.#onProblem(problem);
          }
        },
      },
      'Post anew',
    );
    return element('span', {}, `${remedy ?? ''} `, button);
  }

  #difference({ amount, between, kind, why, remedy, number, order, refund, document }) {
    const sides = between === 'SHOP_AND_GRAPH' ? 'shop and graph' : 'graph and books';
    const name = document === null ? '–' : `${words(document.type)} ${document.number ?? ''}`.trim();
    return element(
      'tr',
      {},
      cell('Amount', element('span', { title: `Between ${sides}` }, money(amount)), 'number'),
      cell(
        'Order',
        order === null
          ? (number ?? '–')
          : element(
              'button',
              { class: 'link', type: 'button', onclick: () => this.#onOrder(order.id) },
              number,
            ),
      ),
      cell('Why', why, 'words'),
      cell(
        'What to do',
        this.#remedy(remedy, kind, refund?.id ?? order?.id),
        remedy === null ? 'words muted' : 'words warn',
      ),
      cell(
        'Document',
        document?.url
          ? element('a', { href: document.url, target: '_blank', rel: 'noreferrer' }, name)
          : name,
      ),
    );
  }
}

function currencyRows({ currency, channel, graph, books, differences, agrees, differenceCount }) {
  const between = (sides) => differences.filter((one) => one.between === sides).length;
  const said = (number) => (number === 0 ? 'agrees' : count(number, 'difference'));
  const rows = [
    ...(channel === null ? [] : [['Shop', channel, '', '']]),
    [
      'Graph',
      graph,
      channel === null ? '' : said(between('SHOP_AND_GRAPH')),
      between('SHOP_AND_GRAPH') === 0 ? 'good' : 'warn',
    ],
    [
      'Books',
      books,
      agrees ? 'agrees' : differenceCount > differences.length ? 'differs' : said(between('GRAPH_AND_BOOKS')),
      between('GRAPH_AND_BOOKS') === 0 ? 'good' : 'warn',
    ],
  ];
  return rows.map(([side, its, verdict, tone]) =>
    element(
      'tr',
      {},
      cell('Currency', currency),
      cell('Side', side),
      cell('Sold', its.sales.amount, 'number'),
      cell('Given back', its.refunds.amount, 'number'),
      cell('Net', its.net.amount, 'number'),
      cell('Lies between', verdict, tone),
    ),
  );
}

function payoutLine({ net, difference, why, remedy, payout }) {
  return element(
    'p',
    { class: isZero(difference) ? '' : 'warn' },
    `Payout ${payout.remoteId} over ${money(net)}: ${why}${remedy === null ? '' : ` What to do: ${remedy}`}`,
  );
}

const numbers = ['Sold', 'Given back', 'Net', 'Amount'];

function headings(names) {
  return element(
    'thead',
    {},
    element(
      'tr',
      {},
      ...names.map((name) =>
        element('th', { scope: 'col', class: numbers.includes(name) ? 'number' : '' }, name),
      ),
    ),
  );
}
