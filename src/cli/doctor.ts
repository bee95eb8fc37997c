import { webhookUrl } from '../config.ts';
import { examineConnection, storeFindings } from '../sync/connections/examine-connection.ts';
import { platforms } from '../sync/platforms/index.ts';
import type { Finding } from '../sync/platforms/platform.ts';
import { withContext } from './with-context.ts';

const marks: Readonly<Record<Finding['state'], string>> = { good: '✓', limited: '!', broken: '✗' };

/**
 * Looks at every connected account, prints what it has and lacks and keeps it for the API. Changes nothing at any platform.
 * @returns 1 where something is broken or no account is connected.
 */
export function doctorCommand(): Promise<number> {
  return withContext(async ({ pool, sessions, config, ...context }) => {
    const connections = await context.connections();
    if (connections.length === 0) {
      console.error('No account is connected: set the credentials of one, as the README tells.');
      return 1;
    }
    const states = new Set<Finding['state']>();
    for (const connection of connections) {
      const platform = platforms[connection.platform];
      if (platform === undefined) continue;
      console.log(`${connection.platform}  ${connection.name}`);
      const findings = await examineConnection(connection, {
        db: pool,
        platform,
        session: () => sessions.get(connection.id),
        webhookUrl: webhookUrl(config, connection.platform),
      });
      if (connection.status === 'active') await storeFindings(pool, connection.id, findings);
      for (const finding of findings) {
        states.add(finding.state);
        print(finding);
      }
    }
    return states.has('broken') ? 1 : 0;
  });
}

function print({ subject, state, message, remedy }: Finding): void {
  console.log(`  ${marks[state]} ${subject}: ${message}`);
  if (remedy !== null) console.log(`      ${remedy}`);
}
