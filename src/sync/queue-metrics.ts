import { Gauge, type Registry } from 'prom-client';
import type { Pool } from '../db/pool.ts';

/** Figures are at most this old, however often they are asked for. */
const freshMs = 2_000;

interface QueueRow {
  what: 'delivery' | 'push';
  platform: string;
  status: string;
  count: string;
  /** Null where none of them is waiting for us: plans and dead letters wait for a person. */
  oldestSeconds: number | null;
}

/**
 * How much work is open, over all processes: every process shows the same figures, so that they are not to be summed.
 * They are read when /metrics is asked, from the partial indexes of open work, whose size does not grow with history.
 */
export class QueueMetrics {
  readonly #pool: Pool;
  readonly #deliveries: Gauge<'platform' | 'status'>;
  readonly #pushes: Gauge<'platform' | 'status'>;
  readonly #dismissed: Gauge<'what' | 'platform'>;
  readonly #oldest: Gauge<'what' | 'platform'>;
  readonly #connections: Gauge<'platform' | 'status'>;
  readonly #head: Gauge;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(pool: Pool, registry: Registry) {
    const registers = [registry];
    this.#pool = pool;
    this.#deliveries = new Gauge({
      name: 'tributary_deliveries_open',
      help: 'Deliveries that are not settled, by platform and status: pending, retrying or dead.',
      labelNames: ['platform', 'status'],
      registers,
    });
    this.#pushes = new Gauge({
      name: 'tributary_pushes_open',
      help: 'Pushes that are not settled, by platform and status: plan, pending, running, retrying or dead.',
      labelNames: ['platform', 'status'],
      registers,
    });
    this.#dismissed = new Gauge({
      name: 'tributary_dismissed',
      help: 'Dead letters that a person has closed with a reason, by platform: deliveries or pushes. They are not open.',
      labelNames: ['what', 'platform'],
      registers,
    });
    this.#oldest = new Gauge({
      name: 'tributary_oldest_waiting_seconds',
      help: 'Age of the oldest delivery or push that waits or is retried; 0 where none does.',
      labelNames: ['what', 'platform'],
      registers,
    });
    this.#connections = new Gauge({
      name: 'tributary_connections',
      help: 'Connections, by platform and status: active, paused or revoked.',
      labelNames: ['platform', 'status'],
      registers,
    });
    this.#head = new Gauge({
      name: 'tributary_event_head',
      help: 'Position of the last event.',
      registers,
    });
  }

  /** Brings the gauges up to date; several who ask at the same time share one reading. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#readAtMs < freshMs) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const [work, connections, head] = await Promise.all([
      this.#pool.query<QueueRow>({
        name: 'queue-metrics',
        text: `select 'delivery' as what, c.platform, d.status::text, count(*)::text as count,
                 case when d.status <> 'dead' then extract(epoch from clock_timestamp() - min(d.received_at))::float8 end as "oldestSeconds"
               from delivery d join connection c on c.id = d.connection_id
               where d.status in ('pending', 'retrying', 'dead') group by c.platform, d.status
               union all
               select 'push', c.platform, p.status::text, count(*)::text,
                 case when p.status not in ('dead', 'plan') then extract(epoch from clock_timestamp() - min(p.created_at))::float8 end
               from push p join connection c on c.id = p.connection_id
               where p.status not in ('settled', 'superseded', 'dismissed') group by c.platform, p.status
               union all
               select 'delivery', c.platform, 'dismissed', count(*)::text, null
               from delivery d join connection c on c.id = d.connection_id where d.status = 'dismissed' group by c.platform
               union all
               select 'push', c.platform, 'dismissed', count(*)::text, null
               from push p join connection c on c.id = p.connection_id where p.status = 'dismissed' group by c.platform`,
      }),
      this.#pool.query<{ platform: string; status: string; count: string }>(
        'select platform, status, count(*)::text as count from connection group by platform, status',
      ),
      this.#pool.query<{ position: bigint }>('select position from event_head where id = 1'),
    ]);
    this.#show(work.rows, connections.rows, head.rows[0]?.position ?? 0n);
    this.#readAtMs = performance.now();
  }

  #show(
    work: readonly QueueRow[],
    connections: readonly { platform: string; status: string; count: string }[],
    head: bigint,
  ): void {
    for (const gauge of [this.#deliveries, this.#pushes, this.#dismissed, this.#oldest, this.#connections])
      gauge.reset();
    // A status that nothing has is shown as 0 and not left out: alerts need a figure.
    for (const platform of new Set(connections.map((connection) => connection.platform))) {
      for (const status of ['pending', 'retrying', 'dead']) this.#deliveries.set({ platform, status }, 0);
      for (const status of ['plan', 'pending', 'running', 'retrying', 'dead'])
        this.#pushes.set({ platform, status }, 0);
      for (const what of ['delivery', 'push']) {
        this.#oldest.set({ what, platform }, 0);
        this.#dismissed.set({ what, platform }, 0);
      }
      for (const status of ['active', 'paused', 'revoked', 'disconnected'])
        this.#connections.set({ platform, status }, 0);
    }
    for (const { platform, status, count } of connections)
      this.#connections.set({ platform, status }, Number(count));
    const oldest = new Map<string, QueueRow>();
    for (const row of work) {
      if (row.status === 'dismissed') {
        this.#dismissed.set({ what: row.what, platform: row.platform }, Number(row.count));
        continue;
      }
      const gauge = row.what === 'delivery' ? this.#deliveries : this.#pushes;
      gauge.set({ platform: row.platform, status: row.status }, Number(row.count));
      const key = `${row.what} ${row.platform}`;
      if ((row.oldestSeconds ?? -1) > (oldest.get(key)?.oldestSeconds ?? -1)) oldest.set(key, row);
    }
    for (const { what, platform, oldestSeconds } of oldest.values())
      this.#oldest.set({ what, platform }, Math.max(0, oldestSeconds ?? 0));
    this.#head.set(Number(head));
  }
}
