import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf, toJson } from './canonical-json.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { gateStatement } from './version.ts';
import { type ChangeOutcome, eventOf, type PlatformContext, planLater, touch } from './write-context.ts';

type PayoutChange = Extract<PlatformChange, { kind: 'payout' }>;

/** A payout with all its parts: what it was made of never changes, what became of it does. */
export async function applyPayout(context: PlatformContext, change: PayoutChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const { payout } = change;
  const hash = fingerprintOf(payout);
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'payout', change.remoteId),
  );
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, 'payout', change.remoteId, { version: change.version, hash });
  if (gate === 'confirm') return 'unchanged';

  const { rows } = await tx.query<{ id: bigint; created: boolean }>({
    name: 'write-payout',
    text: `with written as (
             insert into payout (connection_id, remote_id, currency, status, net_minor, issued_at, trace_id)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (connection_id, remote_id) do update set currency = excluded.currency, status = excluded.status,
               net_minor = excluded.net_minor, issued_at = excluded.issued_at, trace_id = excluded.trace_id,
               updated_at = clock_timestamp()
             returning id, xmax = 0 as created
           ), gone as (
             delete from payout_transaction t using written w
             where t.payout_id = w.id and not t.remote_id = any($9::text[])
           ), parts as (
             insert into payout_transaction (payout_id, remote_id, part, type, amount_minor, fee_minor, order_remote_id,
               transaction_remote_id, reason, processed_at)
             select w.id, x.remote_id, x.part, x.type, x.amount_minor, x.fee_minor, x.order_remote_id,
               x.transaction_remote_id, x.reason, x.processed_at
             from written w, jsonb_to_recordset($8::jsonb) as x(remote_id text, part text, type text, amount_minor bigint,
               fee_minor bigint, order_remote_id text, transaction_remote_id text, reason text, processed_at timestamptz)
             on conflict (payout_id, remote_id) do update set part = excluded.part, type = excluded.type,
               amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
               order_remote_id = excluded.order_remote_id, transaction_remote_id = excluded.transaction_remote_id,
               reason = excluded.reason, processed_at = excluded.processed_at
           )
           select id, created from written`,
    values: [
      connectionId,
      change.remoteId,
      payout.currency,
      payout.status,
      payout.netMinor,
      payout.issuedAt,
      payout.traceId,
      toJson(
        payout.transactions.map((one) => ({
          remote_id: one.remoteId,
          part: one.part,
          type: one.type,
          amount_minor: one.amountMinor,
          fee_minor: one.feeMinor,
          order_remote_id: one.orderRemoteId,
          transaction_remote_id: one.transactionRemoteId,
          reason: one.reason,
          processed_at: one.at,
        })),
      ),
      payout.transactions.map((one) => one.remoteId),
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('An upsert returned no row.');
  touch(context.effects, 'Payout', row.id);
  planLater(context.effects, 'Payout', row.id);
  context.effects.events.push(
    eventOf(
      context,
      row.created ? 'payout.created' : 'payout.updated',
      { type: 'Payout', id: row.id },
      { netMinor: payout.netMinor, currency: payout.currency, status: payout.status },
    ),
  );
  return 'applied';
}
