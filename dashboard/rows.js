import { element } from './words.js';

const keptRows = 20;

/** A table body that keeps the latest rows, one per id, in their order. */
export class Rows {
  /** @param {{ id: string, cells: (item: object) => Element[], before: (a: object, b: object) => boolean, empty: string }} options */
  constructor({ id, cells, before, empty }) {
    this.body = document.getElementById(id);
    this.cells = cells;
    this.before = before;
    /** Latest first. */
    this.entries = [];
    const columns = this.body.parentElement.querySelectorAll('th').length;
    this.body.replaceChildren(
      element('tr', {}, element('td', { class: 'empty', colspan: String(columns) }, empty)),
    );
  }

  get items() {
    return this.entries.map(({ item }) => item);
  }

  fill(items) {
    for (const item of items) this.put(item, { isNew: false });
  }

  put(item, { isNew = true } = {}) {
    const known = this.entries.findIndex((entry) => entry.item.id === item.id);
    if (known >= 0) this.entries.splice(known, 1)[0].row.remove();
    const next = this.entries.findIndex((entry) => this.before(item, entry.item));
    const place = next < 0 ? this.entries.length : next;
    if (place >= keptRows) return;
    const row = element('tr', { class: isNew ? 'new' : '' }, ...this.cells(item));
    if (this.entries.length === 0) this.body.replaceChildren();
    this.body.insertBefore(row, this.entries[place]?.row ?? null);
    this.entries.splice(place, 0, { item, row });
    for (const { row: surplus } of this.entries.splice(keptRows)) surplus.remove();
  }
}
