import { createHash, randomBytes } from 'node:crypto';
import { isScope } from '../schema/scopes.ts';
import { withContext } from './with-context.ts';

/** Makes, lists and revokes keys to the API. The secret is shown once; only its hash is stored. */
export async function apiKeyCommand(options: {
  action: string;
  argument: string;
  scopes: string[];
}): Promise<number> {
  switch (options.action) {
    case 'create':
      return create(options.argument, options.scopes);
    case 'list':
      return list();
    case 'revoke':
      return revoke(options.argument);
    default:
      console.error('api-key create <name> [--scopes …], api-key list, or api-key revoke <id>.');
      return 2;
  }
}

async function create(name: string, scopes: string[]): Promise<number> {
  const unknown = scopes.filter((scope) => !isScope(scope));
  if (name === '' || unknown.length > 0) {
    console.error(
      name === ''
        ? 'Give the key a name: api-key create dashboard.'
        : `There is no scope ${unknown.join(', ')}.`,
    );
    return 2;
  }
  const key = `tb_${randomBytes(24).toString('base64url')}`;
  await withContext(({ pool }) =>
    pool.query('insert into api_key (name, secret_hash, prefix, scopes) values ($1, $2, $3, $4)', [
      name,
      createHash('sha256').update(key).digest(),
      key.slice(0, 8),
      scopes,
    ]),
  );
  console.log(key);
  console.error('Keep it now: it is not shown again.');
  return 0;
}

async function list(): Promise<number> {
  const { rows } = await withContext(({ pool }) =>
    pool.query(
      'select id, name, prefix, scopes, created_at, last_used_at, revoked_at from api_key order by id',
    ),
  );
  if (rows.length === 0) {
    console.log('There is no key yet: api-key create <name> makes one. Keys of API_KEYS are not listed.');
    return 0;
  }
  console.table(rows.map((row) => ({ ...row, id: String(row.id), scopes: row.scopes.join(' ') })));
  return 0;
}

async function revoke(id: string): Promise<number> {
  if (!/^\d+$/.test(id)) {
    console.error('Which key? Its id stands in "api-key list".');
    return 2;
  }
  const { rowCount } = await withContext(({ pool }) =>
    pool.query('update api_key set revoked_at = now() where id = $1 and revoked_at is null', [id]),
  );
  console.log(rowCount === 1 ? 'Revoked.' : `There is no key ${id} in force.`);
  return rowCount === 1 ? 0 : 1;
}
