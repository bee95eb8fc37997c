import Anthropic, { APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import type { FoundRule } from '../../model/fulfilment-rule.ts';
import { answerShape, instructions, question, rulesIn } from './prompt.ts';
import type { TokenPrice } from './usage.ts';

export interface ClaudeSettings {
  apiKey: string;
  baseUrl: string;
  model: string;
  price: TokenPrice;
  dailyBudgetMicros: bigint;
  /** How long one try may take. */
  timeoutMs: number;
}

/** What came of asking: rules, or why there are none; and what is to be paid either way. */
export interface ClaudeAnswer {
  rules: FoundRule[] | null;
  /** `refused`, `truncated`, `unreadable`, `unreachable`, `error_<status>` or `stopped`; null where there are rules. */
  failure: string | null;
  /** Null where no answer came, which costs nothing. */
  tokens: { input: number; output: number } | null;
}

/** More than any note needs: each of a dozen rules is well under a hundred tokens. */
export const mostOutputTokens = 2_000;

/** Claude, as far as reading notes goes. */
export class Claude {
  readonly #client: Anthropic;
  readonly settings: ClaudeSettings;

  constructor(settings: ClaudeSettings) {
    this.settings = settings;
    this.#client = new Anthropic({
      apiKey: settings.apiKey,
      baseURL: settings.baseUrl,
      timeout: settings.timeoutMs,
      maxRetries: 2,
      // Its log would hold notes.
      logLevel: 'off',
    });
  }

  /** Reads one note. Never throws for what the API or the network does: every failure has a name and the caller a fallback. */
  async read(note: string, writtenOn: string): Promise<ClaudeAnswer> {
    let message: Anthropic.Message;
    try {
      // Not `parse`, which throws away the count of tokens together with an answer that is cut short.
      message = await this.#client.messages.create({
        model: this.settings.model,
        max_tokens: mostOutputTokens,
        system: instructions,
        messages: [{ role: 'user', content: question(note, writtenOn) }],
        output_config: { format: zodOutputFormat(answerShape) },
      });
    } catch (error) {
      return { rules: null, failure: failureOf(error), tokens: null };
    }
    const tokens = tokensOf(message.usage);
    const failure = stopFailures[message.stop_reason ?? 'end_turn'];
    if (failure !== undefined) return { rules: null, failure, tokens };
    const text = message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    const rules = rulesIn(text);
    return { rules, failure: rules === null ? 'unreadable' : null, tokens };
  }
}

const stopFailures: Readonly<Record<string, string>> = {
  refusal: 'refused',
  max_tokens: 'truncated',
  model_context_window_exceeded: 'truncated',
  pause_turn: 'stopped',
  tool_use: 'stopped',
};

function tokensOf(usage: Anthropic.Usage): { input: number; output: number } {
  return {
    input:
      usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0),
    output: usage.output_tokens,
  };
}

function failureOf(error: unknown): string {
  if (error instanceof APIConnectionTimeoutError) return 'unreachable';
  if (error instanceof APIError && typeof error.status === 'number') return `error_${error.status}`;
  if (error instanceof APIError) return 'unreachable';
  return 'unreadable';
}
