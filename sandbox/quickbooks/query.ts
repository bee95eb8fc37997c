import { type Books, valueAt } from './books.ts';
import {
  type Entity,
  type EntityType,
  entityTypes,
  isEntityType,
  isListType,
  isNameType,
  isTransactionType,
} from './entities.ts';
import { queryInvalid, queryParse } from './qbo-fault.ts';

type Operator = '=' | '<' | '>' | '<=' | '>=' | 'LIKE' | 'IN';
type Value = string | number | boolean;

interface Query {
  type: EntityType;
  count: boolean;
  fields: string[] | null;
  where: { field: string; operator: Operator; values: Value[] }[];
  orderBy: { field: string; descending: boolean }[];
  startPosition: number;
  maxResults: number;
}

/** Answers a query as `QueryResponse`: a page of objects, or their number. */
export function runQuery(books: Books, text: string): Record<string, unknown> {
  const query = parseQuery(text);
  const matching = select(books, query);
  if (query.count) return { totalCount: matching.length };
  const page = matching.slice(query.startPosition - 1, query.startPosition - 1 + query.maxResults);
  if (page.length === 0) return {};
  return {
    [query.type]: query.fields === null ? page : page.map((entity) => project(entity, query.fields ?? [])),
    startPosition: query.startPosition,
    maxResults: page.length,
  };
}

function parseQuery(text: string): Query {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): string => tokens[at]?.text.toLowerCase() ?? '';
  const take = (): Token => {
    const token = tokens[at];
    if (token === undefined) throw queryParse('Encountered "<EOF>"');
    at += 1;
    return token;
  };
  const expect = (word: string): void => {
    const token = take();
    if (token.text.toLowerCase() !== word)
      throw queryParse(`Encountered "${token.text}" where "${word}" was expected`);
  };
  const accept = (word: string): boolean => {
    if (peek() !== word || tokens[at]?.quoted === true) return false;
    at += 1;
    return true;
  };

  expect('select');
  let count = false;
  let fields: string[] | null = null;
  if (accept('count')) {
    expect('(');
    expect('*');
    expect(')');
    count = true;
  } else if (!accept('*')) {
    fields = [take().text];
    while (accept(',')) fields.push(take().text);
  }
  expect('from');
  const type = typeNamed(take().text);

  const where: Query['where'] = [];
  if (accept('where'))
    do {
      const field = queryable(type, take().text);
      const operator = take().text.toUpperCase();
      if (operator === 'IN') {
        expect('(');
        const values = [literal(take())];
        while (accept(',')) values.push(literal(take()));
        expect(')');
        where.push({ field, operator, values });
      } else if (isOperator(operator)) {
        where.push({ field, operator, values: [literal(take())] });
      } else {
        throw queryParse(`Encountered "${operator}" where an operator was expected`);
      }
    } while (accept('and'));

  const orderBy: Query['orderBy'] = [];
  const ordered = accept('orderby') || (accept('order') && accept('by'));
  if (ordered)
    do {
      const field = queryable(type, take().text);
      const descending = accept('desc');
      if (!descending) accept('asc');
      orderBy.push({ field, descending });
    } while (accept(','));

  let startPosition = 1;
  let maxResults = 100;
  for (;;) {
    if (accept('startposition')) startPosition = whole(take());
    else if (accept('maxresults')) maxResults = whole(take());
    else break;
  }
  if (at < tokens.length) throw queryParse(`Encountered "${tokens[at]?.text}"`);
  if (maxResults > 1000) throw queryInvalid(`value ${maxResults} is too large. Max allowed value is 1000.`);
  if (startPosition < 1) startPosition = 1;
  return { type, count, fields, where, orderBy, startPosition, maxResults };
}

function select(books: Books, query: Query): Entity[] {
  const candidates = narrowed(books, query);
  const tests = query.where.map((condition) => test(condition));
  // Inactive names are only found by who asks for them.
  const hidesInactive =
    isListType(query.type) && !query.where.some((condition) => condition.field === 'Active');
  const found: Entity[] = [];
  for (const candidate of candidates) {
    if (hidesInactive && candidate.Active === false) continue;
    const entity = books.present(query.type, candidate);
    if (tests.every((matches) => matches(entity))) found.push(entity);
  }
  for (const { field, descending } of query.orderBy.toReversed()) {
    const sign = descending ? -1 : 1;
    found.sort((a, b) => sign * compare(valueAt(a, field), valueAt(b, field)));
  }
  return found;
}

/** The fewest objects that an index can tell; everything where none can. */
function narrowed(books: Books, query: Query): Iterable<Entity> {
  const collection = books.of(query.type);
  for (const { field, operator, values } of query.where) {
    if (operator === '=' || operator === 'IN') {
      if (field === 'Id') return values.flatMap((value) => collection.byId.get(String(value)) ?? []);
      const lists = values.map((value) => collection.where(field, String(value)));
      if (lists.every((list) => list !== null)) return [...new Set(lists.flat())];
    }
    if (field === 'MetaData.LastUpdatedTime' && (operator === '>' || operator === '>=')) {
      const sinceMs = Date.parse(String(values[0]));
      if (!Number.isNaN(sinceMs)) return inIdOrder(collection.changedSince(sinceMs));
    }
  }
  return collection.byId.values();
}

function inIdOrder(entities: Entity[]): Entity[] {
  return entities.sort((a, b) => compare(Number(a.Id), Number(b.Id)));
}

function test({ field, operator, values }: Query['where'][number]): (entity: Entity) => boolean {
  if (operator === 'LIKE') {
    const pattern = likePattern(String(values[0] ?? ''));
    return (entity) => pattern.test(String(valueAt(entity, field) ?? ''));
  }
  if (operator === '=' || operator === 'IN')
    return (entity) => {
      const value = valueAt(entity, field);
      return value !== undefined && values.some((wanted) => comparison(field, value, wanted) === 0);
    };
  const wanted = values[0] ?? '';
  return (entity) => {
    const value = valueAt(entity, field);
    if (value === undefined) return false;
    const order = comparison(field, value, wanted);
    if (operator === '<') return order < 0;
    if (operator === '>') return order > 0;
    return operator === '<=' ? order <= 0 : order >= 0;
  };
}

function comparison(field: string, value: Value, wanted: Value): number {
  if (field.startsWith('MetaData.')) return Date.parse(String(value)) - Date.parse(String(wanted));
  if (typeof value === 'number') return value - Number(wanted);
  return compare(String(value).toLowerCase(), String(wanted).toLowerCase());
}

function compare(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  return a < b ? -1 : 1;
}

function likePattern(text: string): RegExp {
  const source = text
    .split('%')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 'is');
}

function project(entity: Entity, fields: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = { domain: 'QBO', sparse: true };
  for (const field of ['Id', ...fields]) {
    const [top = ''] = field.split('.');
    if (entity[top] !== undefined) picked[top] = entity[top];
  }
  return picked;
}

interface Token {
  text: string;
  quoted: boolean;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|'((?:\\.|[^'\\])*)'|(<=|>=|[=<>(),*])|([A-Za-z0-9_.:+-]+)|(.)/gsu;
  for (const match of text.matchAll(pattern)) {
    const [whole, quoted, symbol, word, other] = match;
    if (quoted !== undefined) tokens.push({ text: quoted.replace(/\\(.)/gs, '$1'), quoted: true });
    else if (symbol !== undefined || word !== undefined) tokens.push({ text: whole, quoted: false });
    else if (other !== undefined) throw queryParse(`Encountered "${other}"`);
  }
  return tokens;
}

function literal(token: Token): Value {
  if (token.quoted) return token.text;
  if (/^(true|false)$/i.test(token.text)) return token.text.toLowerCase() === 'true';
  if (/^-?\d+(\.\d+)?$/.test(token.text)) return Number(token.text);
  throw queryParse(`Encountered "${token.text}" where a value was expected`);
}

function whole(token: Token): number {
  if (!/^\d+$/.test(token.text)) throw queryParse(`Encountered "${token.text}" where a number was expected`);
  return Number(token.text);
}

function isOperator(text: string): text is Operator {
  return ['=', '<', '>', '<=', '>=', 'LIKE'].includes(text);
}

const typesByLowerName = new Map<string, EntityType>(entityTypes.map((type) => [type.toLowerCase(), type]));

function typeNamed(name: string): EntityType {
  const type = typesByLowerName.get(name.toLowerCase());
  if (type === undefined || !isEntityType(type)) throw queryInvalid(`Metadata not found for Entity: ${name}`);
  return type;
}

/** Only some fields can be asked for; the others are refused, as is anything that does not exist. */
function queryable(type: EntityType, name: string): string {
  const fields = queryableFields(type);
  const field = fields.find((one) => one.toLowerCase() === name.toLowerCase());
  if (field === undefined) throw queryInvalid(`property '${name}' is not queryable for Entity ${type}`);
  return field;
}

function queryableFields(type: EntityType): readonly string[] {
  const own = isTransactionType(type)
    ? [
        'DocNumber',
        'TxnDate',
        'TotalAmt',
        'Balance',
        'DueDate',
        'CustomerRef',
        'DepartmentRef',
        'PaymentRefNum',
        'DepositToAccountRef',
      ]
    : isNameType(type)
      ? [
          'DisplayName',
          'GivenName',
          'MiddleName',
          'FamilyName',
          'CompanyName',
          'PrintOnCheckName',
          'FullyQualifiedName',
          'PrimaryEmailAddr',
          'PrimaryPhone',
          'Balance',
          'Taxable',
          'Job',
        ]
      : [
          'Name',
          'FullyQualifiedName',
          'Sku',
          'Type',
          'AccountType',
          'AccountSubType',
          'Classification',
          'CurrentBalance',
          'UnitPrice',
          'QtyOnHand',
          'ParentRef',
          'DisplayName',
          'FileName',
          'AttachableRef.EntityRef.value',
          'AttachableRef.EntityRef.type',
        ];
  return ['Id', 'Active', 'MetaData.CreateTime', 'MetaData.LastUpdatedTime', ...own];
}
