import {
  type DocumentNode,
  defaultFieldResolver,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isObjectType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  type SelectionSetNode,
  specifiedRules,
  TypeInfo,
  type ValidationContext,
  type ValidationRule,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { AppError } from '../errors.ts';
import { readStatement } from '../loaders/sql.ts';
import {
  type CompiledOperation,
  compileOperation,
  NotCompilable,
  NotThisTime,
  statementOf,
} from './compiled/compile.ts';
import { type CheckedInput, checkedInputsOf } from './inputs.ts';
import type { Limits } from './limits.ts';
import { plainTextRule } from './plain-text.ts';
import { type RowCursor, rowCursorsOf } from './row-cursors.ts';
import type { OperationContext } from './services.ts';

/** A document as it came, read and checked once. */
export interface Prepared {
  document: DocumentNode;
  text: string;
  errors: readonly GraphQLError[];
  /** Cursors to check before it runs. */
  rowCursors: readonly RowCursor[];
  /** Inputs of which types cannot tell all. */
  inputs: readonly CheckedInput[];
  /** Fields that plugin-prisma resolves plan their own statements, which compiled execution would multiply. */
  compilable: boolean;
  compiled: Map<string, CompiledQuery | null>;
  uses: number;
  /** Operations read by one statement; null for those that ask for more than one can say. */
  inOneStatement: Map<string, CompiledOperation | null>;
}

export interface Operation {
  prepared: Prepared;
  operationName: string | null;
  variables: Record<string, unknown>;
}

/** Documents by their text, the most recently used ones kept. */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #rules: readonly ValidationRule[];
  readonly #limits: Limits;
  readonly #byText = new Map<string, Prepared>();
  readonly #byDocument = new WeakMap<DocumentNode, Prepared>();
  readonly #most: number;

  constructor(options: { schema: GraphQLSchema; limits: Limits; introspection: boolean; most?: number }) {
    this.#schema = options.schema;
    this.#limits = options.limits;
    this.#most = options.most ?? 500;
    this.#rules = [
      ...specifiedRules,
      limitShape(options.limits),
      plainTextRule,
      ...(options.introspection ? [] : [NoSchemaIntrospectionCustomRule]),
    ];
    leavePlainFieldsToTheExecutor(options.schema);
  }

  /** @throws GraphQLError where the text is no GraphQL at all. */
  prepare(text: string): Prepared {
    const known = this.#byText.get(text);
    if (known !== undefined) {
      this.#byText.delete(text);
      this.#byText.set(text, known);
      return known;
    }
    const { document, errors } = this.#read(text);
    const prepared: Prepared = {
      document,
      text,
      errors,
      rowCursors: [],
      inputs: [],
      compilable: false,
      compiled: new Map(),
      uses: 0,
      inOneStatement: new Map(),
    };
    if (prepared.errors.length === 0) {
      prepared.compilable = isCompilable(this.#schema, document);
      prepared.rowCursors = rowCursorsOf(this.#schema, document, (name) => rowLists.has(name));
      prepared.inputs = checkedInputsOf(this.#schema, document);
    }
    this.#byText.set(text, prepared);
    this.#byDocument.set(document, prepared);
    if (this.#byText.size > this.#most) {
      const oldest = this.#byText.keys().next().value;
      if (oldest !== undefined) this.#byText.delete(oldest);
    }
    return prepared;
  }

  #read(text: string): { document: DocumentNode; errors: readonly GraphQLError[] } {
    try {
      const document = parse(text, { maxTokens: this.#limits.tokens });
      return { document, errors: validate(this.#schema, document, this.#rules, { maxErrors: 20 }) };
    } catch (error) {
      // The parser recurses: lists in lists exhaust the stack before they exceed the limit of tokens.
      if (!(error instanceof RangeError)) throw error;
      throw refused('This document is nested too deeply to be read.');
    }
  }

  preparedOf(document: DocumentNode): Prepared | undefined {
    return this.#byDocument.get(document);
  }

  /**
   * The answer to a query as JSON text, read by one statement; null where that cannot be, for whatever reason: then
   * `execute` answers, or says what is wrong.
   */
  async answer(operation: Operation, context: OperationContext): Promise<string | null> {
    const compiled = this.#inOneStatement(operation);
    if (compiled === null) return null;
    try {
      const statement = statementOf(this.#schema, compiled, operation.variables, context.actor);
      const rows = await readStatement<{ data: string }>(context.db, statement);
      return rows[0]?.data ?? null;
    } catch (error) {
      if (!(error instanceof NotThisTime || error instanceof AppError || error instanceof GraphQLError)) {
        context.services.log.warn({ err: error }, 'an operation could not be read in one statement');
      }
      return null;
    }
  }

  #inOneStatement(operation: Operation): CompiledOperation | null {
    const { inOneStatement } = operation.prepared;
    const name = operation.operationName ?? '';
    const known = inOneStatement.get(name);
    if (known !== undefined) return known;
    let compiled: CompiledOperation | null = null;
    try {
      compiled = compileOperation(this.#schema, operation);
    } catch (error) {
      if (!(error instanceof NotCompilable)) throw error;
    }
    inOneStatement.set(name, compiled);
    return compiled;
  }

  /** Runs one operation, or renders one event of a subscription. */
  async execute(
    operation: Operation,
    rootValue: unknown,
    context: OperationContext,
  ): Promise<ExecutionResult> {
    const answer = await this.answer(operation, context);
    return answer === null
      ? this.resolve(operation, rootValue, context)
      : { data: JSON.parse(answer) as Record<string, unknown> };
  }

  /** Field by field, whatever one statement could do. */
  resolve(
    operation: Operation,
    rootValue: unknown,
    context: OperationContext,
  ): ExecutionResult | Promise<ExecutionResult> {
    const { prepared, operationName, variables } = operation;
    const compiled = this.#compiled(prepared, operationName);
    if (compiled !== null) return compiled.query(rootValue, context, variables);
    return execute({
      schema: this.#schema,
      document: prepared.document,
      rootValue,
      contextValue: context,
      variableValues: variables,
      operationName,
    });
  }

  /** Compiling costs more than one execution: documents seen once are not compiled. */
  #compiled(prepared: Prepared, operationName: string | null): CompiledQuery | null {
    if (!prepared.compilable) return null;
    const known = prepared.compiled.get(operationName ?? '');
    if (known !== undefined) return known;
    prepared.uses += 1;
    if (prepared.uses < 2) return null;
    const compiled = compileQuery(this.#schema, prepared.document, operationName ?? undefined);
    const usable = isCompiledQuery(compiled) ? compiled : null;
    prepared.compiled.set(operationName ?? '', usable);
    return usable;
  }
}

/** Mutations run one after the other; subscriptions are rendered like queries; both may be compiled. */
function isCompilable(schema: GraphQLSchema, document: DocumentNode): boolean {
  let compilable = true;
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field() {
        const extensions = info.getFieldDef()?.extensions ?? {};
        const plannedByPrisma = Object.keys(extensions).some((name) => name.startsWith('pothosPrisma'));
        if (plannedByPrisma || prismaTypes.has(getNamedType(info.getType())?.name ?? '')) compilable = false;
      },
      Directive(node) {
        if (node.name.value === 'defer' || node.name.value === 'stream') compilable = false;
      },
    }),
  );
  return compilable;
}

const prismaTypes = new Set(['Connection', 'Delivery', 'DeliveryConnection', 'Push', 'PushConnection']);

/** Lists that Prisma pages. */
const rowLists = new Set([
  'ConnectionDeliveriesConnection',
  'ConnectionPushesConnection',
  'DeliveryConnection',
  'PrivacyRequestConnection',
  'PushConnection',
]);

/** The executors read plain fields faster by themselves than through a resolver that does the same. */
function leavePlainFieldsToTheExecutor(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.resolve === defaultFieldResolver) delete field.resolve;
    }
  }
}

/** Limits that need no types: how many aliases, how many root fields. Depth and cost are the complexity plugin's. */
function limitShape(limits: Limits): ValidationRule {
  return (context: ValidationContext) => {
    let aliases = 0;
    return {
      Field(node) {
        if (node.alias === undefined) return;
        aliases += 1;
        if (aliases === limits.aliases + 1) {
          context.reportError(refused(`More than ${limits.aliases} aliases in one document.`));
        }
      },
      OperationDefinition(node) {
        if (fieldsOf(node.selectionSet, context, new Set()) > limits.rootFields) {
          context.reportError(refused(`More than ${limits.rootFields} fields on the root of one operation.`));
        }
      },
    };
  };
}

/** How many fields a selection has itself, those of its fragments included, each fragment once: what is spread twice is one. */
function fieldsOf(set: SelectionSetNode, context: ValidationContext, spread: Set<string>): number {
  return set.selections.reduce((sum, one) => {
    if (one.kind === Kind.FIELD) return sum + 1;
    if (one.kind === Kind.INLINE_FRAGMENT) return sum + fieldsOf(one.selectionSet, context, spread);
    const { value: name } = one.name;
    const fragment = context.getFragment(name);
    if (!fragment || spread.has(name)) return sum;
    return sum + fieldsOf(fragment.selectionSet, context, spread.add(name));
  }, 0);
}

function refused(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_COMPLEX' } });
}

export function isSubscription(document: DocumentNode, operationName: string | null): boolean {
  return getOperationAST(document, operationName)?.operation === 'subscription';
}
