import { readConfig } from '../config.ts';
import { alertWebhook } from '../sync/alerts/alert-webhook.ts';

/** Sends a message to where alerts go. */
export async function alertTestCommand(): Promise<number> {
  const { alertWebhookUrl, publicUrl } = readConfig(process.env);
  if (alertWebhookUrl === null) {
    console.error('Set ALERT_WEBHOOK_URL to the address of an incoming webhook of your chat.');
    return 1;
  }
  await alertWebhook(alertWebhookUrl)(`Tributary tells you here what needs somebody.\n${publicUrl}`);
  console.log('Sent.');
  return 0;
}
