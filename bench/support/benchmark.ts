import type { Cluster } from './cluster.ts';
import type { Report } from './report.ts';

/** What a benchmark gets: a Postgres to make databases on, and a place for what it finds. */
export interface Bench {
  cluster: Cluster;
  report: Report;
  /** Where the processes under test leave CPU profiles; null: they are not profiled. */
  profileDirectory: string | null;
}

export interface Benchmark {
  name: string;
  /** One line: what is measured. */
  title: string;
  run(bench: Bench): Promise<void>;
}
