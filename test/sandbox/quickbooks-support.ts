import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import {
  type QuickBooksSandbox,
  type QuickBooksSandboxOptions,
  startQuickBooksSandbox,
} from '../../sandbox/quickbooks/server.ts';

/** An object of the platform, as loosely as a test wants to look at it. */
export interface QboObject {
  Id: string;
  SyncToken: string;
  DocNumber?: string;
  DisplayName?: string;
  TotalAmt?: number;
  Balance?: number;
  Line?: QboLine[];
  TxnTaxDetail?: { TotalTax: number; TaxLine?: { Amount: number; TaxLineDetail: Record<string, unknown> }[] };
  MetaData: { CreateTime: string; LastUpdatedTime: string };
  [field: string]: unknown;
}

interface QboLine {
  Id?: string;
  Amount: number;
  DetailType: string;
  [field: string]: unknown;
}

export class QboRefusal extends Error {
  readonly status: number;
  readonly body: {
    Fault?: {
      type: string;
      Error: { Message: string; Detail: string; code: string; element: string }[];
    };
  };

  constructor(status: number, body: QboRefusal['body']) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
  }

  get code(): string | undefined {
    return this.body?.Fault?.Error[0]?.code;
  }

  get detail(): string | undefined {
    return this.body?.Fault?.Error[0]?.Detail;
  }
}

type Callback = (
  error: unknown,
  data: unknown,
  response?: { status: number; data: QboRefusal['body'] },
) => void;
interface RawClient {
  endpoint: string;
  token: string;
  refreshToken: string;
  [method: string]: unknown;
}
interface RawClientClass {
  new (...args: unknown[]): RawClient;
  TOKEN_URL: string;
}

const QuickBooks = createRequire(import.meta.url)('node-quickbooks') as RawClientClass;

export function start(options: Partial<QuickBooksSandboxOptions> = {}): Promise<QuickBooksSandbox> {
  return startQuickBooksSandbox({ port: 0, seed: 7, limits: false, ...options });
}

/** node-quickbooks as promises; every body it sends and gets is checked against the published schema. */
export class QboClient {
  readonly raw: RawClient;

  constructor(sandbox: QuickBooksSandbox, token: string = sandbox.issueAccessToken()) {
    QuickBooks.TOKEN_URL = sandbox.tokenUrl;
    this.raw = new QuickBooks(
      'qb-sandbox-client',
      'qb-sandbox-secret',
      token,
      false,
      sandbox.realmId,
      true,
      false,
      75,
      '2.0',
      'RT1-sandbox',
    );
    this.raw.endpoint = sandbox.endpoint;
  }

  create(type: string, body: object): Promise<QboObject> {
    return this.call(`create${type}`, structuredClone(body)) as Promise<QboObject>;
  }

  update(type: string, body: object): Promise<QboObject> {
    return this.call(`update${type}`, structuredClone(body)) as Promise<QboObject>;
  }

  get(type: string, id: string): Promise<QboObject> {
    return this.call(`get${type}`, id) as Promise<QboObject>;
  }

  delete(type: string, body: object): Promise<Record<string, { status: string; Id: string }>> {
    return this.call(`delete${type}`, body) as Promise<Record<string, { status: string; Id: string }>>;
  }

  async find(
    method: string,
    criteria: unknown,
  ): Promise<Record<string, QboObject[]> & { totalCount?: number }> {
    const answer = (await this.call(method, criteria)) as { QueryResponse: never };
    return answer.QueryResponse;
  }

  async batch(items: object[]): Promise<Record<string, never>[]> {
    const answer = (await this.call('batch', items)) as { BatchItemResponse: Record<string, never>[] };
    return answer.BatchItemResponse;
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    const before = structuredClone(args);
    return new Promise((resolvePromise, reject) => {
      const callback: Callback = (error, data, response) => {
        const status = response?.status ?? 0;
        const answered = response?.data;
        if (
          status !== 0 &&
          status !== 401 &&
          status !== 403 &&
          status !== 429 &&
          method !== 'createTaxService'
        )
          checkAnswer(answered);
        if (error !== null && error !== undefined) {
          reject(response === undefined ? error : new QboRefusal(status, answered ?? {}));
          return;
        }
        checkSent(method, before[0]);
        resolvePromise(data);
      };
      (this.raw[method] as (...rest: unknown[]) => void).call(this.raw, ...args, callback);
    });
  }
}

export function refusal(promise: Promise<unknown>): Promise<QboRefusal> {
  return promise.then(
    (answer) => {
      throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`);
    },
    (error: unknown) => {
      if (error instanceof QboRefusal) return error;
      throw error;
    },
  );
}

/** A line that sells something. */
export function sale(amount: number, detail: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Amount: amount,
    DetailType: 'SalesItemLineDetail',
    SalesItemLineDetail: { ItemRef: { value: '1' }, ...detail },
  };
}

export function accountNamed(sandbox: QuickBooksSandbox, name: string): string {
  const account = sandbox.list('Account').find((one) => one.Name === name);
  if (account === undefined) throw new Error(`no account ${name}`);
  return account.Id;
}

/** Balance of an account in home currency, debit positive. */
export function balanceOf(sandbox: QuickBooksSandbox, name: string): string {
  return sandbox.ledger().find((account) => account.name === name)?.home ?? '0.00';
}

export async function eventually<T>(probe: () => T | undefined | false, waitMs = 5000): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 5));
  }
}

const contracts = resolve(process.env.CONTRACTS_DIR ?? '../shared/contracts');
const schemaFile = join(contracts, 'quickbooks/json-schema/qbo-v3.strict.schema.json');
const ajv = loadSchema();
const validators = new Map<string, ValidateFunction>();

export const contractsPresent = ajv !== null;

/** Absent contracts are said aloud and let the tests run without them; in CI they must be there. */
function loadSchema(): Ajv2020 | null {
  if (!existsSync(schemaFile)) {
    if (process.env.CI) throw new Error(`the QuickBooks schema is not at ${schemaFile}`);
    console.warn(`QuickBooks bodies are not checked against their schema: nothing at ${schemaFile}`);
    return null;
  }
  const loaded = new Ajv2020({ strict: false, allErrors: true });
  loaded.addFormat('date', /^\d{4}-\d{2}-\d{2}$/);
  loaded.addFormat('date-time', /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/);
  loaded.addSchema(JSON.parse(readFileSync(schemaFile, 'utf8')) as object, 'qbo');
  return loaded;
}

export function assertContract(definition: string, value: unknown): void {
  if (ajv === null) return;
  let validate = validators.get(definition);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `qbo#/$defs/${definition}` });
    validators.set(definition, validate);
  }
  if (!validate(value))
    throw new Error(
      `not a ${definition}: ${ajv.errorsText(validate.errors)} ${JSON.stringify(validate.errors?.[0]?.params)} in ${JSON.stringify(value)}`,
    );
}

function checkSent(method: string, body: unknown): void {
  const type = /^(?:create|update)([A-Z]\w+)$/.exec(method)?.[1];
  if (method === 'batch') {
    for (const item of body as object[]) assertContract('BatchItemRequest', item);
    return;
  }
  if (type === undefined || type === 'TaxService') return;
  const { requestId: _r, allowDuplicateDocNum: _a, void: _v, ...entity } = body as Record<string, unknown>;
  assertContract(type, entity);
}

/** The envelope, and inside query answers, which the schema leaves open, each object. */
export function checkAnswer(body: unknown): void {
  assertContract('IntuitResponse', body);
  const envelope = body as {
    QueryResponse?: Record<string, unknown>;
    CDCResponse?: { QueryResponse: Record<string, unknown>[] }[];
    BatchItemResponse?: { QueryResponse?: Record<string, unknown> }[];
  };
  const pages = [
    envelope.QueryResponse,
    ...(envelope.CDCResponse ?? []).flatMap((one) => one.QueryResponse),
    ...(envelope.BatchItemResponse ?? []).map((one) => one.QueryResponse),
  ];
  for (const page of pages)
    for (const [type, objects] of Object.entries(page ?? {}))
      if (Array.isArray(objects)) for (const object of objects) assertContract(type, object);
}
