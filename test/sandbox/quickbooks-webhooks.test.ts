import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signatureOf } from '../../sandbox/quickbooks/notifier.ts';
import { eventually, QboClient, sale, start } from './quickbooks-support.ts';

interface Received {
  signature: string;
  raw: Buffer;
}

/** A subscriber that answers as it is told and keeps what it got. */
async function subscriber(answer: (attempt: number) => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ signature: String(request.headers['intuit-signature']), raw: Buffer.concat(chunks) });
    response.writeHead(answer(received.length)).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/quickbooks`,
    received,
    events: () => received.flatMap((one) => JSON.parse(one.raw.toString('utf8')) as Record<string, string>[]),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

describe('webhooks', () => {
  it('announce API writes and human edits together, signed over the bytes that travel', async () => {
    await using hook = await subscriber();
    await using sandbox = await start({ webhookUrl: hook.url, webhookWindowMs: 60_000 });
    const qbo = new QboClient(sandbox);
    const customer = await qbo.create('Customer', { DisplayName: 'A' });
    const receipt = await qbo.create('SalesReceipt', { Line: [sale(1)] });
    sandbox.edit('Customer', customer.Id, { Notes: 'by hand' });
    sandbox.edit('Customer', customer.Id, { Notes: 'once more' });
    sandbox.void('SalesReceipt', receipt.Id);
    sandbox.remove('SalesReceipt', receipt.Id);
    sandbox.flushWebhooks();
    const { raw, signature } = await eventually(() => hook.received[0]);
    expect(signature).toBe(createHmac('sha256', sandbox.verifierToken).update(raw).digest('base64'));
    expect(hook.events().map((event) => [event.type, event.intuitentityid])).toEqual([
      ['qbo.customer.created.v1', customer.Id],
      ['qbo.salesreceipt.created.v1', receipt.Id],
      ['qbo.customer.updated.v1', customer.Id],
      ['qbo.salesreceipt.voided.v1', receipt.Id],
      ['qbo.salesreceipt.deleted.v1', receipt.Id],
    ]);
    expect(hook.events()[0]).toMatchObject({ specversion: '1.0', intuitaccountid: sandbox.realmId });
    expect(new Set(hook.events().map((event) => event.id)).size).toBe(5);
  });

  it('speak the classic format when asked to', async () => {
    await using hook = await subscriber();
    await using sandbox = await start({ webhookUrl: hook.url, webhookFormat: 'classic', webhookWindowMs: 1 });
    sandbox.create('Customer', { DisplayName: 'A' });
    const { raw } = await eventually(() => hook.received[0]);
    expect(JSON.parse(raw.toString('utf8'))).toMatchObject({
      eventNotifications: [
        {
          realmId: sandbox.realmId,
          dataChangeEvent: { entities: [{ name: 'Customer', id: '1', operation: 'Create' }] },
        },
      ],
    });
  });

  it('tell of an invoice that a payment changed', async () => {
    await using hook = await subscriber();
    await using sandbox = await start({ webhookUrl: hook.url, webhookWindowMs: 60_000 });
    const CustomerRef = { value: sandbox.create('Customer', { DisplayName: 'A' }).Id };
    const invoice = sandbox.create('Invoice', { CustomerRef, Line: [sale(5)] });
    sandbox.create('Payment', {
      CustomerRef,
      TotalAmt: 5,
      Line: [{ Amount: 5, LinkedTxn: [{ TxnId: invoice.Id, TxnType: 'Invoice' }] }],
    });
    sandbox.flushWebhooks();
    await eventually(() => hook.received[0]);
    expect(hook.events().map((event) => event.type)).toContain('qbo.invoice.updated.v1');
  });

  it('are tried four times, the same bytes each time, and then dropped', async () => {
    await using hook = await subscriber(() => 500);
    await using sandbox = await start({ webhookUrl: hook.url, webhookWindowMs: 1, timeScale: 600_000 });
    sandbox.create('Customer', { DisplayName: 'A' });
    await eventually(() => hook.received.length === 4);
    await sandbox.webhooks.drained();
    expect(hook.received).toHaveLength(4);
    expect(new Set(hook.received.map((one) => one.raw.toString('utf8'))).size).toBe(1);
    expect(sandbox.webhooks.attempts.map((attempt) => attempt.status)).toEqual([500, 500, 500, 500]);
  });

  it('are held and released through the control API, and stay silent about what is seeded', async () => {
    await using hook = await subscriber();
    await using sandbox = await start({ webhookWindowMs: 1 });
    const control = (method: string, path: string, body?: unknown) =>
      fetch(`${sandbox.url}/_control/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
    await control('POST', 'webhooks/target', { url: hook.url });
    await control('POST', 'webhooks/weather', { hold: true });
    sandbox.seed({ customers: 3 });
    sandbox.create('Customer', { DisplayName: 'A' });
    await eventually(() => sandbox.webhooks.inFlight === 1);
    expect(hook.received).toHaveLength(0);
    await control('DELETE', 'webhooks/weather');
    await eventually(() => hook.received.length === 1);
    expect(hook.events().map((event) => event.intuitentityid)).toEqual(['4']);
  });

  it('are signed as the published test vector is', () => {
    const folder = join(resolve(process.env.CONTRACTS_DIR ?? '../shared/contracts'), 'quickbooks/webhooks');
    if (!existsSync(folder)) {
      if (process.env.CI) throw new Error(`no test vector at ${folder}`);
      console.warn(`the signature is not checked against its test vector: nothing at ${folder}`);
      return;
    }
    const vector = JSON.parse(readFileSync(join(folder, 'signature-test-vector.json'), 'utf8')) as Record<
      string,
      string
    >;
    const body = readFileSync(join(folder, String(vector.body_file)));
    expect(signatureOf(String(vector.verifier_token), body)).toBe(vector.expected_signature);
  });
});
