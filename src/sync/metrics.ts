import { Counter, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counters and histograms of the engine. */
export function createMetrics(registry: Registry) {
  const registers = [registry];
  return {
    registry,
    /** Requests at the door, by how they ended: acknowledged, or why they were refused. */
    doorRequests: new Counter({
      name: 'tributary_door_requests_total',
      help: 'Webhook requests by platform and outcome.',
      labelNames: ['platform', 'outcome'],
      registers,
    }),
    doorSeconds: new Histogram({
      name: 'tributary_door_seconds',
      help: 'From the first byte of an acknowledged webhook to its answer.',
      labelNames: ['platform'],
      buckets: seconds,
      registers,
    }),
    inboxBatchRows: new Histogram({
      name: 'tributary_inbox_batch_rows',
      help: 'Deliveries stored by one statement.',
      buckets: [1, 2, 5, 10, 25, 50, 100, 200],
      registers,
    }),
    deliveries: new Counter({
      name: 'tributary_deliveries_total',
      help: 'Deliveries processed, by platform and fate.',
      labelNames: ['platform', 'fate'],
      registers,
    }),
    deliverySeconds: new Histogram({
      name: 'tributary_delivery_seconds',
      help: 'Time spent on one delivery, waiting excluded.',
      labelNames: ['platform'],
      buckets: seconds,
      registers,
    }),
    deliveryLagSeconds: new Histogram({
      name: 'tributary_delivery_lag_seconds',
      help: 'From receipt of a delivery to its commit.',
      labelNames: ['platform'],
      buckets: seconds,
      registers,
    }),
    pushes: new Counter({
      name: 'tributary_pushes_total',
      help: 'Attempts to carry out a push, by platform, kind and fate.',
      labelNames: ['platform', 'kind', 'fate'],
      registers,
    }),
    pushSeconds: new Histogram({
      name: 'tributary_push_seconds',
      help: 'Time a platform took for one push.',
      labelNames: ['platform', 'kind'],
      buckets: seconds,
      registers,
    }),
    notes: new Counter({
      name: 'tributary_notes_read_total',
      help: 'Order notes read, by reader and why Claude did not.',
      labelNames: ['reader', 'fallback'],
      registers,
    }),
    drift: new Counter({
      name: 'tributary_drift_total',
      help: 'Changes that no delivery had told and a sweep found, by platform and kind.',
      labelNames: ['platform', 'kind'],
      registers,
    }),
    recovered: new Counter({
      name: 'tributary_recovered_total',
      help: 'Work taken over from processes that died, by kind.',
      labelNames: ['kind'],
      registers,
    }),
  };
}

/** What /metrics shows of this process. */
export const metricsRegistry = new Registry();
export const engineMetrics = createMetrics(metricsRegistry);
