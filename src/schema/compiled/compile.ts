import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { planPage, type Sort } from '../../loaders/page.ts';
import { join, raw } from '../../loaders/sql.ts';
import type { Operation } from '../documents.ts';
import { type Actor, may, type Scope } from '../scopes.ts';
import { type OneField, type PageField, pagesOfRows, rootFields } from './roots.ts';
import { list, Run, render, type Template, template } from './template.ts';
import { type Field, type Row, rowTypes } from './types.ts';

/** The document asks for something that stands in no table of SQL: it is resolved field by field, now and always. */
export class NotCompilable extends Error {}

/** These arguments or this caller are not answered in one statement; the usual path answers, or says what is wrong. */
export class NotThisTime extends Error {}

export interface CompiledOperation {
  definition: OperationDefinitionNode;
  template: Template;
  /** A caller without one of them is answered field by field. */
  demands: ReadonlySet<Scope>;
}

/**
 * One statement that writes the whole answer of an operation as JSON, as the text of `data`. Every selected field
 * becomes a column under its response name, every relation a subquery, every page the same keyset as its resolver reads.
 * @throws NotCompilable
 */
export function compileOperation(schema: GraphQLSchema, operation: Operation): CompiledOperation {
  const { document } = operation.prepared;
  const definition = getOperationAST(document, operation.operationName);
  const query = schema.getQueryType();
  if (definition?.operation !== 'query' || !query) throw new NotCompilable('only queries are read');
  if ((definition.directives?.length ?? 0) > 0) throw new NotCompilable('directives');
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of document.definitions) {
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  }
  const compilation = new Compilation(schema, fragments);
  const columns = compilation.root(query, definition.selectionSet);
  return {
    definition,
    template: template`select row_to_json(answer)::text as data from (select ${columns}) answer`,
    demands: compilation.demands,
  };
}

/** The statement for these variables and this caller. @throws NotThisTime, and what wrong arguments are refused with */
export function statementOf(
  schema: GraphQLSchema,
  compiled: CompiledOperation,
  variables: Record<string, unknown>,
  actor: Actor,
): { text: string; values: unknown[] } {
  for (const scope of compiled.demands) if (!may(actor, scope)) throw new NotThisTime('a scope is missing');
  const { coerced } = getVariableValues(schema, compiled.definition.variableDefinitions ?? [], variables);
  if (coerced === undefined) throw new NotThisTime('the variables are wrong');
  const run = new Run(coerced);
  const text = render(compiled.template, run);
  return { text, values: run.values };
}

interface Selection {
  name: string;
  node: FieldNode;
  /** What is selected below, wherever the field stands. */
  sets: SelectionSetNode[];
}

type Args = Record<string, unknown>;

class Compilation {
  readonly demands = new Set<Scope>();
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  #aliases = 0;

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema;
    this.#fragments = fragments;
  }

  root(query: GraphQLObjectType, set: SelectionSetNode): Template {
    return list(
      this.#select(query, [set]).map((selection) => {
        const field = selection.node.name.value;
        if (field === '__typename') return template`'Query'::text as ${quote(selection.name)}`;
        const root = rootFields[field];
        if (root === undefined) throw new NotCompilable(`Query.${field}`);
        this.demands.add(root.scope);
        const value =
          root.kind === 'page' ? this.#page(query, selection, root, null) : this.#one(query, selection, root);
        return template`${value} as ${quote(selection.name)}`;
      }),
    );
  }

  /** Fields by response name, fragments opened, those that stand twice merged. */
  #select(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Selection[] {
    const selected = new Map<string, Selection>();
    const add = (set: SelectionSetNode): void => {
      for (const node of set.selections) {
        if ((node.directives?.length ?? 0) > 0) throw new NotCompilable('directives');
        if (node.kind === Kind.FIELD) {
          const name = node.alias?.value ?? node.name.value;
          // Postgres cuts longer names.
          if (Buffer.byteLength(name) > 60) throw new NotCompilable('a long response name');
          const known = selected.get(name) ?? { name, node, sets: [] };
          if (node.selectionSet !== undefined) known.sets.push(node.selectionSet);
          selected.set(name, known);
          continue;
        }
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value);
        if (fragment === undefined) throw new NotCompilable('an unknown fragment');
        const condition = fragment.typeCondition?.name.value ?? type.name;
        if (condition === type.name || condition === 'Node') add(fragment.selectionSet);
        else if (!isObjectType(this.#schema.getType(condition))) throw new NotCompilable(condition);
      }
    };
    for (const set of sets) add(set);
    return [...selected.values()];
  }

  #one(query: GraphQLObjectType, selection: Selection, root: OneField): Template {
    // Not `t`: that is what the rows of a page within are called.
    const alias = this.#alias();
    const columns = this.#columns(root.type, alias, null, selection);
    const argumentsOf = this.#argumentsOf(query, selection.node);
    const id = (run: Run): string => run.parameter(root.id(argumentsOf(run)));
    return template`(select row_to_json(x) from (select ${columns} from ${root.from} ${alias} where ${alias}.id = ${id}::bigint) x)`;
  }

  /** The selected fields of a row as a select list. */
  #columns(typeName: string, alias: string, parent: Row | null, selection: Selection): Template {
    const rowType = rowTypes[typeName];
    const type = this.#schema.getType(typeName);
    if (rowType === undefined || !isObjectType(type)) throw new NotCompilable(typeName);
    const row: Row = {
      alias,
      currency: rowType.currency?.(alias, parent) ?? 'null',
      presentmentCurrency: rowType.presentmentCurrency?.(alias, parent) ?? 'null',
    };
    return list(
      this.#select(type, selection.sets).map(
        (child) => template`${this.#field(type, row, child, rowType.fields)} as ${quote(child.name)}`,
      ),
    );
  }

  #field(
    type: GraphQLObjectType,
    row: Row,
    selection: Selection,
    fields: Readonly<Record<string, Field>>,
  ): Template {
    const name = selection.node.name.value;
    if (name === '__typename') return template`'${type.name}'::text`;
    const page = pagesOfRows[`${type.name}.${name}`];
    if (page !== undefined) {
      this.demands.add(page.scope);
      return this.#page(type, selection, page, row);
    }
    const field = fields[name];
    if (field === undefined) throw new NotCompilable(`${type.name}.${name}`);
    if (field.kind === 'value') return template`${field.sql(row)}`;
    if (field.kind === 'inline') return this.#inline(row, selection, field);
    if (field.scope !== undefined) this.demands.add(field.scope);
    const alias = this.#alias();
    if (field.kind === 'one') {
      const columns = this.#columns(field.type, alias, null, selection);
      return template`(select row_to_json(x) from (select ${columns} from ${field.from} ${alias} where ${field.on(row, alias)}) x)`;
    }
    const columns = this.#columns(field.type, alias, row, selection);
    return template`array(select row_to_json(x) from (select ${columns} from ${field.from} ${alias} where ${field.on(row, alias)} order by ${field.orderBy(alias)}) x)`;
  }

  #inline(row: Row, selection: Selection, field: Extract<Field, { kind: 'inline' }>): Template {
    const type = this.#objectType(field.type);
    const known = field.fields(row);
    const columns = this.#select(type, selection.sets).map((child) => {
      const name = child.node.name.value;
      const value = name === '__typename' ? `'${type.name}'::text` : known[name];
      if (value === undefined) throw new NotCompilable(`${type.name}.${name}`);
      return `${value} as ${quote(child.name)}`;
    });
    const object = `(select row_to_json(x) from (select ${columns.join(', ')}) x)`;
    return field.unless === undefined
      ? template`${object}`
      : template`case when ${field.unless(row)} then null else ${object} end`;
  }

  /**
   * A page reads over the alias `t`, as its conditions are written; what is selected of its rows goes by an alias of
   * its own, so that pages may stand inside pages.
   */
  #page(type: GraphQLObjectType, selection: Selection, field: PageField, parent: Row | null): Template {
    const connection = this.#objectType(
      getNamedType(type.getFields()[selection.node.name.value]?.type)?.name ?? '',
    );
    const argumentsOf = this.#argumentsOf(type, selection.node);
    const plans = new WeakMap<Run, PlannedPage>();
    const planOf = (run: Run): PlannedPage => {
      const known = plans.get(run);
      if (known !== undefined) return known;
      const planned = planOfPage(field, argumentsOf(run), parent);
      plans.set(run, planned);
      return planned;
    };
    const rows = this.#alias();
    const selected = this.#select(connection, selection.sets);
    const hasPageInfo = selected.some((child) => child.node.name.value === 'pageInfo');
    // With `pageInfo`, one more row than the page holds is read: it tells whether more follows.
    const found = template`select t.* from ${field.from} t where ${(run) => run.splice(planOf(run).where)} order by ${(run) => run.splice(planOf(run).order)} limit ${(run) => `${run.parameter(planOf(run).size + (hasPageInfo ? 1 : 0))}::int`}`;
    const ordered =
      (alias: string, reversed = false) =>
      (run: Run) =>
        orderOver(planOf(run).sort, alias, reversed);
    const page = hasPageInfo
      ? template`(select * from page order by ${ordered('page')} limit ${(run) => `${run.parameter(planOf(run).size)}::int`}) ${rows}`
      : template`(${found}) ${rows}`;
    const cursor = template`${(run) => cursorSql(planOf(run).sort, rows)}`;
    const arrayOf = (columns: Template): Template =>
      template`array(select row_to_json(x) from (select ${columns} from ${page} order by ${ordered(rows)}) x)`;

    const columns = selected.map((child): Template => {
      switch (child.node.name.value) {
        case '__typename':
          return template`'${connection.name}'::text`;
        case 'nodes':
          return arrayOf(this.#columns(field.type, rows, null, child));
        case 'edges':
          return arrayOf(this.#edge(connection, field, rows, cursor, child));
        case 'pageInfo': {
          const first = (reversed: boolean): Template =>
            template`(select ${cursor} from ${page} order by ${ordered(rows, reversed)} limit 1)`;
          return this.#pageInfo(connection, child, {
            hasNextPage: template`(select count(*) from page) > ${(run) => `${run.parameter(planOf(run).size)}::int`}`,
            hasPreviousPage: template`${(run) => String(planOf(run).hasAfter)}`,
            startCursor: first(false),
            endCursor: first(true),
            __typename: template`'PageInfo'::text`,
          });
        }
        case 'totalCount':
          return template`(select count(*) from ${field.from} t where ${(run) => run.splice(planOf(run).all)})`;
        default:
          throw new NotCompilable(`${connection.name}.${child.node.name.value}`);
      }
    });
    const named = list(
      columns.map((column, index) => template`${column} as ${quote(selected[index]?.name ?? '')}`),
    );
    const body = template`select row_to_json(x) from (select ${named}) x`;
    return hasPageInfo ? template`(with page as materialized (${found}) ${body})` : template`(${body})`;
  }

  #edge(
    connection: GraphQLObjectType,
    field: PageField,
    rows: string,
    cursor: Template,
    selection: Selection,
  ): Template {
    const edge = this.#objectType(getNamedType(connection.getFields().edges?.type)?.name ?? '');
    return list(
      this.#select(edge, selection.sets).map((child) => {
        switch (child.node.name.value) {
          case '__typename':
            return template`'${edge.name}'::text as ${quote(child.name)}`;
          case 'cursor':
            return template`${cursor} as ${quote(child.name)}`;
          case 'node':
            return template`(select row_to_json(y) from (select ${this.#columns(field.type, rows, null, child)}) y) as ${quote(child.name)}`;
          default:
            throw new NotCompilable(`${edge.name}.${child.node.name.value}`);
        }
      }),
    );
  }

  #pageInfo(
    connection: GraphQLObjectType,
    selection: Selection,
    facts: Readonly<Record<string, Template>>,
  ): Template {
    const type = this.#objectType(getNamedType(connection.getFields().pageInfo?.type)?.name ?? '');
    const columns = this.#select(type, selection.sets).map((child) => {
      const fact = facts[child.node.name.value];
      if (fact === undefined) throw new NotCompilable(`PageInfo.${child.node.name.value}`);
      return template`${fact} as ${quote(child.name)}`;
    });
    return template`(select row_to_json(i) from (select ${list(columns)}) i)`;
  }

  #argumentsOf(type: GraphQLObjectType, node: FieldNode): (run: Run) => Args {
    const definition = type.getFields()[node.name.value];
    if (definition === undefined) throw new NotCompilable(node.name.value);
    return (run) => getArgumentValues(definition, node, run.variables);
  }

  #objectType(name: string): GraphQLObjectType {
    const type = this.#schema.getType(name);
    if (!isObjectType(type)) throw new NotCompilable(name);
    return type;
  }

  #alias(): string {
    this.#aliases += 1;
    return `a${this.#aliases}`;
  }
}

type PlannedPage = ReturnType<typeof planOfPage>;

function planOfPage(field: PageField, args: Args, parent: Row | null) {
  const { where, sort, args: pageArgs, limits } = field.plan(args);
  const plan = planPage(sort, pageArgs, limits);
  if (plan.backward) throw new NotThisTime('a page from the end');
  const belongs =
    parent === null || field.parentKey === undefined
      ? []
      : [raw(`t.${field.parentKey} = ${parent.alias}.id`)];
  return {
    sort,
    size: plan.size,
    order: plan.order,
    hasAfter: plan.hasAfter,
    all: join([raw('true'), ...belongs, ...where], ' and '),
    where: join([raw('true'), ...belongs, ...where, ...plan.conditions], ' and '),
  };
}

function keyOver(expression: string, alias: string): string {
  return expression.replaceAll(/\bt\./g, `${alias}.`);
}

function orderOver(sort: Sort, alias: string, reversed: boolean): string {
  const direction = (sort.direction === 'asc') === reversed ? 'desc' : 'asc';
  return sort.keys.map((key) => `${keyOver(key.expression, alias)} ${direction}`).join(', ');
}

/** The cursor that `encodeCursor` writes. */
function cursorSql(sort: Sort, alias: string): string {
  const keys = sort.keys.map((key) => `to_json(${keyOver(key.expression, alias)}::text)`).join(` || ',' || `);
  return `translate(encode(convert_to('["${sort.name}",' || ${keys} || ']', 'UTF8'), 'base64'), E'+/=\\n', '-_')`;
}

function quote(name: string): string {
  return `"${name}"`;
}
