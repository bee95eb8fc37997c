import { availableParallelism, cpus, totalmem } from 'node:os';

/** What the figures were measured on; absolute numbers mean nothing without it. */
export function describeMachine(postgresVersion: string): string {
  const model = (cpus()[0]?.model ?? 'unknown processor').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${model}), ${memory} GiB, Node ${process.versions.node}, Postgres ${postgresVersion}, ${process.platform}`;
}
