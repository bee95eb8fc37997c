import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

const folder = join(resolve(process.env.CONTRACTS_DIR ?? '../shared/contracts'), 'amazon');

/** Absent contracts are said aloud and let the tests run without them; in CI they must be there. */
export const contractsPresent = isPresent();

function isPresent(): boolean {
  if (existsSync(folder)) return true;
  if (process.env.CI) throw new Error(`Amazon's models are not at ${folder}`);
  console.warn(`Amazon's bodies are not checked against its models: nothing at ${folder}`);
  return false;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  enum?: string[];
  maxItems?: number;
  items?: { enum?: string[] };
}
interface Operation {
  operationId: string;
  parameters?: Parameter[];
  responses: Record<string, { schema?: { $ref: string } }>;
}
interface Model {
  definitions: Record<string, unknown>;
  paths: Record<string, Record<string, Operation>>;
}

const models = [
  'orders_2026-01-01',
  'finances_2024-06-19',
  'listingsItems_2021-08-01',
  'fbaInventory',
  'notifications',
] as const;

interface Known {
  model: string;
  operation: Operation;
  path: RegExp;
  method: string;
}

/** Their kind is a field of theirs, which the model mentions in words only. */
const openDefinitions = /Context$/;

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
ajv.addFormat('date-time', instantPattern);
for (const format of ['int32', 'int64', 'date', 'uri']) ajv.addFormat(format, true);
const operations: Known[] = contractsPresent ? models.flatMap(load) : [];

function load(name: (typeof models)[number]): Known[] {
  const model = JSON.parse(readFileSync(join(folder, 'models', `${name}.json`), 'utf8')) as Model;
  ajv.addSchema({ $id: name, definitions: closedDefinitions(model.definitions) } as object);
  return Object.entries(model.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map(([method, operation]) => ({
        model: name,
        operation,
        method: method.toUpperCase(),
        path: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
      })),
  );
}

function closedDefinitions(definitions: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [
      name,
      openDefinitions.test(name) ? schema : closed(schema),
    ]),
  );
}

/** What a model does not name is a mistake of ours. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  // Some schemas name their parts, the same name twice.
  const copy = Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => key !== '$id' || typeof value !== 'string')
      .map(([key, value]) => [key, closed(value)]),
  );
  const open = 'allOf' in copy || 'discriminator' in copy || 'additionalProperties' in copy;
  return 'properties' in copy && !open ? { ...copy, additionalProperties: false } : copy;
}

const validators = new Map<string, ValidateFunction>();

function check(ref: string, value: unknown): string[] {
  const validate = validators.get(ref) ?? ajv.compile({ $ref: ref });
  validators.set(ref, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    (error) => `${ref}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

export interface Exchange {
  method: string;
  url: URL;
  body: unknown;
  status: number;
  answer: unknown;
}

/** The official name of the operation behind a request. */
export function operationOf(exchange: Pick<Exchange, 'method' | 'url'>): string | null {
  return known(exchange)?.operation.operationId ?? null;
}

function known({ method, url }: Pick<Exchange, 'method' | 'url'>): Known | undefined {
  return operations.find((one) => one.method === method && one.path.test(url.pathname));
}

/** Everything in a request and its answer that the official model does not allow. */
export function violationsOf(exchange: Exchange): string[] {
  const found = known(exchange);
  if (found === undefined) return [`no operation ${exchange.method} ${exchange.url.pathname}`];
  const { model, operation } = found;
  const response = operation.responses[String(exchange.status)];
  if (response === undefined) return [`${operation.operationId} never answers ${exchange.status}`];
  const schema = response.schema?.$ref;
  return [
    ...parameterViolations(model, operation, exchange),
    ...(schema === undefined ? [] : check(`${model}${schema}`, exchange.answer)),
  ].map((violation) => `${operation.operationId}: ${violation}`);
}

function parameterViolations(model: string, operation: Operation, exchange: Exchange): string[] {
  const parameters = operation.parameters ?? [];
  const query = parameters.filter((one) => one.in === 'query');
  const given = [...exchange.url.searchParams.keys()];
  const body = parameters.find((one) => one.in === 'body') as
    | (Parameter & { schema?: { $ref: string } })
    | undefined;
  return [
    ...given.filter((name) => !query.some((one) => one.name === name)).map((name) => `unknown ${name}`),
    ...query.filter((one) => one.required && !given.includes(one.name)).map((one) => `without ${one.name}`),
    ...query.flatMap((one) => valueViolations(one, exchange.url.searchParams.get(one.name))),
    ...(body?.schema === undefined || exchange.status === 400
      ? []
      : check(`${model}${body.schema.$ref}`, exchange.body)),
  ];
}

function valueViolations(parameter: Parameter, value: string | null): string[] {
  if (value === null) return [];
  const values = parameter.items === undefined ? [value] : value.split(',');
  const allowed = parameter.items?.enum ?? parameter.enum;
  return [
    ...values
      .filter((one) => allowed !== undefined && !allowed.includes(one))
      .map((one) => `${parameter.name}=${one}`),
    ...(parameter.maxItems !== undefined && values.length > parameter.maxItems
      ? [`too many ${parameter.name}`]
      : []),
  ];
}

/** Everything in a notification that its official schema does not allow. */
export function notificationViolations(file: string, value: unknown): string[] {
  const ref = `notification-${file}`;
  if (ajv.getSchema(ref) === undefined) {
    const schema = JSON.parse(readFileSync(join(folder, 'notifications', `${file}.json`), 'utf8')) as Record<
      string,
      unknown
    >;
    delete schema.$schema;
    ajv.addSchema({ ...(closed(schema) as object), $id: ref });
  }
  return check(ref, value);
}

/** Requests and answers of Amazon's own static sandbox. */
export function officialExample<T>(name: string): T {
  return (JSON.parse(readFileSync(join(folder, 'sandbox', `${name}.json`), 'utf8')) as { response: T })
    .response;
}
