import { AppError } from '../../../errors.ts';

/**
 * Parses JSON and keeps every number as the text that was sent: 64-bit ids and amounts survive, which they do not as
 * JavaScript numbers.
 * @throws AppError MALFORMED_WEBHOOK
 */
export function parseExact(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'), keepSource as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw new AppError({
      code: 'MALFORMED_WEBHOOK',
      retryable: false,
      publicMessage: 'The body is not JSON that can be read.',
      remedy: 'Compare the body with what Shopify sends for this topic, then replay the delivery.',
      cause,
    });
  }
}

function keepSource(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}
