// How values are written for people. Everything becomes text, never markup: names and notes are a stranger's input.

const names = { HUBSPOT: 'HubSpot', QUICKBOOKS: 'QuickBooks', SHOPIFY: 'Shopify', AMAZON: 'Amazon' };

/** `POINT_OF_SALE` becomes "point of sale", `salesReceipt` "sales receipt". */
export function words(name) {
  if (names[name]) return names[name];
  return String(name)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** Names of the API stand between backticks in what it says. */
export function marked(text) {
  return element(
    'span',
    {},
    ...text.split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part)),
  );
}

/** As exact as it came: the decimals are never touched. */
export function money({ amount, currencyCode }) {
  return `${amount} ${currencyCode}`;
}

export function age(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** The time of day today, else the day; `time` has all of it on hover. */
export function moment(iso) {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? at.toLocaleTimeString() : at.toLocaleDateString([], { dateStyle: 'medium' });
}

export function count(number, one) {
  return `${number} ${one}${number === 1 ? '' : 's'}`;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === '') continue;
    if (attribute === 'onclick') made.addEventListener('click', value);
    else made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function cell(label, content, className = '') {
  return element('td', { 'data-label': label, class: className }, content);
}

export function time(iso) {
  return element('time', { datetime: iso, title: new Date(iso).toLocaleString() }, moment(iso));
}
