import { platformNames } from '../model/platform-name.ts';
import { sweepConnection } from '../sync/backfill/sweep-connection.ts';
import { platforms } from '../sync/platforms/index.ts';
import { withContext } from './with-context.ts';

/** Reads what changed at a platform and applies what the graph missed, telling how far it is. */
export async function sweepCommand(options: { platform: string; full: boolean }): Promise<number> {
  const name = platformNames.find((candidate) => candidate === options.platform);
  const platform = name === undefined ? undefined : platforms[name];
  if (platform === undefined) {
    console.error(`Which platform? One of ${Object.keys(platforms).join(', ')}.`);
    return 2;
  }
  return withContext(async (context) => {
    const connections = (await context.connections()).filter(
      (connection) => connection.platform === platform.name,
    );
    if (connections.length === 0) {
      console.error(`No ${platform.name} account is connected: set its credentials.`);
      return 1;
    }
    for (const connection of connections) {
      const done = await sweepConnection({
        pool: context.pool,
        platform,
        platforms,
        session: await context.sessions.get(connection.id),
        log: context.log,
        now: Date.now,
        full: options.full,
        onProgress: ({ reading, read, expected, applied }) =>
          process.stderr.write(
            `\r${connection.name}: ${read}${expected === null ? '' : ` of about ${expected}`} read, ${applied} applied, at ${reading ?? 'the beginning'} `,
          ),
      });
      console.log(
        done === null ? `${connection.name}: another sweep is running.` : `\n${connection.name}: done.`,
      );
    }
    return 0;
  });
}
