import { openApp } from '../app.ts';
import { readConfig } from '../config.ts';
import type { AppContext } from '../context.ts';
import { createLog } from '../log.ts';

/** Runs a command against the same database and accounts as `npm start`, without worker or HTTP. */
export async function withContext<T>(work: (context: AppContext) => Promise<T>): Promise<T> {
  await using app = await openApp(readConfig(process.env), { log: createLog({ level: 'warn' }) });
  return await work(app.context);
}
