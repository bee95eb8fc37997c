import type { Faults } from '../kit/faults.ts';
import { type SandboxRequest, type SandboxResponse, serveSandbox } from '../kit/server.ts';
import { type Rule, understand } from './understand.ts';

export interface ClaudeSandboxOptions {
  /** 0 picks a free port. */
  port: number;
  seed: number;
  apiKey?: string;
}

/**
 * How answers come out. `refuse`: stop_reason refusal. `truncate`: cut in the middle, stop_reason max_tokens. `malformed`:
 * JSON that does not end. `otherShape`: JSON of another shape. `obey`: exactly `rules`, as a model does that a note has won
 * over.
 */
export type Mood =
  | { kind: 'usual' | 'refuse' | 'truncate' | 'malformed' | 'otherShape' }
  | { kind: 'obey'; rules: readonly Rule[] };

export interface ClaudeSandbox extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  setMood(mood: Mood): void;
  stats(): { answered: number; inputTokens: number; outputTokens: number };
  /** The bodies of the requests that were answered, newest last; the last hundred. */
  requests(): readonly MessageRequest[];
}

export interface MessageRequest {
  model: string;
  max_tokens: number;
  system?: string;
  messages: { role: string; content: unknown }[];
  tools?: unknown[];
  output_config?: { format?: { type?: string; schema?: unknown } | null };
}

/**
 * The Messages API over real HTTP, as far as reading notes needs it. Control API besides the common one:
 * GET|POST /_control/mood, GET /_control/stats, GET /_control/messages. A 429, 529 or 5xx is a fault of kind `status`, see
 * `apiError` for its body; a slow answer one of kind `latency`.
 */
export async function startClaudeSandbox(options: ClaudeSandboxOptions): Promise<ClaudeSandbox> {
  const apiKey = options.apiKey ?? 'sk-ant-sandbox';
  let mood: Mood = { kind: 'usual' };
  let serial = 0;
  const counted = { answered: 0, inputTokens: 0, outputTokens: 0 };
  const requests: MessageRequest[] = [];

  const answer = (request: SandboxRequest): SandboxResponse | null => {
    if (request.url.pathname !== '/v1/messages') return null;
    if (request.method !== 'POST') return refusal(405, 'invalid_request_error', 'Method not allowed');
    if (keyOf(request) !== apiKey) return refusal(401, 'authentication_error', 'invalid x-api-key');
    if (request.headers['anthropic-version'] === undefined)
      return refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
    const message = parse(request.body);
    if (typeof message === 'string') return refusal(400, 'invalid_request_error', message);
    requests.push(message);
    if (requests.length > 100) requests.shift();
    serial += 1;
    const said = say(message, mood);
    const usage = {
      input_tokens: tokens(JSON.stringify(message)),
      output_tokens: Math.min(tokens(said.text), message.max_tokens),
    };
    counted.answered += 1;
    counted.inputTokens += usage.input_tokens;
    counted.outputTokens += usage.output_tokens;
    return {
      status: 200,
      headers: { 'request-id': `req_sandbox_${serial}` },
      body: {
        id: `msg_sandbox_${serial}`,
        type: 'message',
        role: 'assistant',
        model: message.model,
        content: said.text === '' ? [] : [{ type: 'text', text: said.text, citations: null }],
        stop_reason: said.stopReason,
        stop_sequence: null,
        stop_details:
          said.stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null,
        usage: {
          ...usage,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          service_tier: 'standard',
        },
      },
    };
  };

  const server = await serveSandbox({
    name: 'claude',
    port: options.port,
    seed: options.seed,
    api: answer,
    control: (request) => {
      switch (`${request.method} ${request.url.pathname}`) {
        case 'GET /_control/mood':
          return { status: 200, body: mood };
        case 'POST /_control/mood':
          mood = JSON.parse(request.body.toString('utf8')) as Mood;
          return { status: 200, body: mood };
        case 'GET /_control/stats':
          return { status: 200, body: counted };
        case 'GET /_control/messages':
          return { status: 200, body: requests };
        default:
          return null;
      }
    },
  });
  return {
    url: server.url,
    port: server.port,
    faults: server.faults,
    setMood: (next) => {
      mood = next;
    },
    stats: () => ({ ...counted }),
    requests: () => requests,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The body of an error as the API writes it, for faults: `overloaded_error` with 529, `rate_limit_error` with 429. */
export function apiError(type: string, message: string): string {
  return JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_sandbox_error' });
}

/** By hand it goes into a header of its own; the SDK from 1.0 on sends it as a bearer token. */
function keyOf(request: SandboxRequest): string | undefined {
  return request.headers['x-api-key'] ?? /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
}

function refusal(status: number, type: string, message: string): SandboxResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: apiError(type, message) };
}

/** The request, or what is wrong with it. */
function parse(body: Buffer): MessageRequest | string {
  let given: Partial<MessageRequest>;
  try {
    given = JSON.parse(body.toString('utf8')) as Partial<MessageRequest>;
  } catch {
    return 'The request body is not valid JSON';
  }
  if (typeof given.model !== 'string') return 'model: Field required';
  if (!Number.isInteger(given.max_tokens) || (given.max_tokens ?? 0) < 1) return 'max_tokens: Field required';
  if (!Array.isArray(given.messages) || given.messages[0]?.role !== 'user')
    return 'messages: first message must use the "user" role';
  if ('temperature' in given || 'top_p' in given) return 'temperature: Extra inputs are not permitted';
  const format = given.output_config?.format;
  if (format != null && (format.type !== 'json_schema' || typeof format.schema !== 'object'))
    return 'output_config.format.schema: Field required';
  return given as MessageRequest;
}

function say(message: MessageRequest, mood: Mood): { text: string; stopReason: string } {
  if (mood.kind === 'refuse') return { text: '', stopReason: 'refusal' };
  const text = JSON.stringify({ rules: mood.kind === 'obey' ? mood.rules : rulesFor(message) });
  switch (mood.kind) {
    case 'truncate':
      return { text: text.slice(0, Math.floor(text.length / 2)), stopReason: 'max_tokens' };
    case 'malformed':
      return { text: `${text.slice(0, -2)},,`, stopReason: 'end_turn' };
    case 'otherShape':
      return { text: '{"rules":[{"kind":"free_shipping","quote":7}]}', stopReason: 'end_turn' };
    default:
      return { text, stopReason: 'end_turn' };
  }
}

function rulesFor(message: MessageRequest): Rule[] {
  const last = message.messages.at(-1)?.content;
  try {
    const { note, writtenOn } = JSON.parse(String(last)) as { note: string; writtenOn: string };
    return understand(note, writtenOn);
  } catch {
    return [];
  }
}

/** About four characters a token. */
function tokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}
