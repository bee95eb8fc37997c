import { randomUUID } from 'node:crypto';
import {
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  parse,
  validate,
} from 'graphql';
import type { SandboxRequest, SandboxResponse } from '../../kit/server.ts';
import type { GraphqlContext } from './context.ts';
import { costOf } from './cost.ts';
import type { CostBucket } from './throttle.ts';

/** A single query may not ask for more than this, whatever the bucket holds. */
const maxQueryCost = 1000;
const documentationUrl = 'https://shopify.dev/api/usage/rate-limits';

export interface GraphqlOptions {
  schema: GraphQLSchema;
  context: GraphqlContext;
  bucket: CostBucket;
  accessToken: string;
}

interface Prepared {
  document: DocumentNode;
  errors: readonly GraphQLError[];
}

/** Answers the Admin API's one path. */
export class GraphqlEndpoint {
  #options: GraphqlOptions;
  /** Clients send few documents many times: parsing and validating each once is most of the work. */
  #prepared = new Map<string, Prepared>();

  constructor(options: GraphqlOptions) {
    this.#options = options;
  }

  async answer(request: SandboxRequest): Promise<SandboxResponse> {
    const headers = {
      'x-request-id': randomUUID(),
      'x-shopify-api-version': this.#options.context.apiVersion,
    };
    const reply = (status: number, body: unknown): SandboxResponse => ({ status, headers, body });
    if (request.method !== 'POST') return reply(405, { errors: 'Method Not Allowed' });
    if (request.headers['x-shopify-access-token'] !== this.#options.accessToken)
      return reply(401, {
        errors: '[API] Invalid API key or access token (unrecognized login or wrong password)',
      });
    let body: { query?: unknown; variables?: unknown; operationName?: unknown };
    try {
      body = JSON.parse(request.body.toString('utf8')) as typeof body;
    } catch {
      return reply(400, { errors: { query: 'Required parameter missing or invalid' } });
    }
    if (typeof body !== 'object' || body === null || typeof body.query !== 'string')
      return reply(400, { errors: { query: 'Required parameter missing or invalid' } });
    const variables = (body.variables ?? {}) as Record<string, unknown>;
    const operationName = typeof body.operationName === 'string' ? body.operationName : null;
    return reply(200, await this.#run(body.query, variables, operationName));
  }

  async #run(
    query: string,
    variables: Record<string, unknown>,
    operationName: string | null,
  ): Promise<unknown> {
    const { schema, context, bucket } = this.#options;
    const { document, errors } = this.#prepare(query);
    if (errors.length > 0) return { errors };
    const operation = getOperationAST(document, operationName);
    if (!operation)
      return {
        errors: [
          {
            message:
              operationName === null
                ? 'An operation name is required'
                : `No operation named "${operationName}"`,
          },
        ],
      };
    const requested = costOf(schema, document, operation, variables);
    const cost = (actual: number | null): unknown => ({
      cost: { requestedQueryCost: requested, actualQueryCost: actual, throttleStatus: bucket.status() },
    });
    if (requested > maxQueryCost) {
      const message = `Query cost is ${requested}, which exceeds the single query max cost limit (${maxQueryCost}). Use bulk operations to read large amounts of data.`;
      return {
        errors: [
          {
            message,
            extensions: {
              code: 'MAX_COST_EXCEEDED',
              cost: requested,
              maxCost: maxQueryCost,
              documentation: documentationUrl,
            },
          },
        ],
      };
    }
    if (!bucket.take(requested)) {
      return {
        errors: [
          { message: 'Throttled', extensions: { code: 'THROTTLED', documentation: documentationUrl } },
        ],
        extensions: cost(null),
      };
    }
    const result = await execute({
      schema,
      document,
      contextValue: context,
      variableValues: variables,
      operationName,
    });
    if (result.data === undefined) {
      bucket.giveBack(requested);
      return { errors: result.errors?.map(withCode) };
    }
    const actual = Math.min(requested, costOf(schema, document, operation, variables, result.data));
    bucket.giveBack(requested - actual);
    return {
      data: result.data,
      ...(result.errors === undefined ? {} : { errors: result.errors.map(withCode) }),
      extensions: cost(actual),
    };
  }

  #prepare(query: string): Prepared {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    let prepared: Prepared;
    try {
      const document = parse(query);
      prepared = { document, errors: validate(this.#options.schema, document) };
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      prepared = { document: { kind: Kind.DOCUMENT, definitions: [] }, errors: [error] };
    }
    if (this.#prepared.size > 500) this.#prepared.clear();
    this.#prepared.set(query, prepared);
    return prepared;
  }
}

/** The first operation's name, for faults that name it. */
export function operationOf(request: SandboxRequest): string | undefined {
  if (!request.url.pathname.endsWith('/graphql.json')) return undefined;
  try {
    const body = JSON.parse(request.body.toString('utf8')) as { query?: string; operationName?: string };
    return body.operationName ?? /\b(?:query|mutation)\s+(\w+)/.exec(body.query ?? '')?.[1];
  } catch {
    return undefined;
  }
}

function withCode(error: GraphQLError): unknown {
  const json = error.toJSON();
  // What breaks inside the sandbox must not look like an answer of the platform.
  const code = json.extensions?.code ?? (error.originalError ? 'INTERNAL_SERVER_ERROR' : undefined);
  return code === undefined ? json : { ...json, extensions: { ...json.extensions, code } };
}
