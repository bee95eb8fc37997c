import { AppError } from '../../errors.ts';
import type { SendAlert } from './tell-alerts.ts';

const timeoutMs = 10_000;

/**
 * Posts `{"text": …}`, which Slack, Mattermost, Rocket.Chat, Google Chat and Discord (its address with `/slack`) take. The
 * address is a secret of its own and stands in no error. @throws AppError ALERT_NOT_SENT
 */
export function alertWebhook(url: string): SendAlert {
  return async (text) => {
    let status: number;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      status = response.status;
    } catch {
      throw notSent('did not answer');
    }
    if (status < 200 || status >= 300) throw notSent(`answered ${status}`);
  };
}

function notSent(what: string): AppError {
  return new AppError({
    code: 'ALERT_NOT_SENT',
    retryable: true,
    publicMessage: `The address of ALERT_WEBHOOK_URL ${what}.`,
    remedy:
      'Make the incoming webhook anew where the messages should arrive, and try it with "npx tributary alert-test".',
  });
}
