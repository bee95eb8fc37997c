import { badInput } from './failures.ts';

/** Relay ids: base64url of `Type:id`. */
export function encodeGlobalId(typename: string, id: string | number | bigint): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

/** Null: it is none. Those of an operation are looked at before it runs, see `inputs.ts`. */
export function readGlobalId(globalId: string): { typename: string; id: string } | null {
  const text = globalId.length <= 100 ? Buffer.from(globalId, 'base64url').toString() : '';
  const match = /^([A-Z][A-Za-z]{1,30}):(\d{1,18})$/.exec(text);
  return match === null ? null : { typename: match[1] ?? '', id: match[2] ?? '' };
}

/** @throws GraphQLError BAD_USER_INPUT */
export function decodeGlobalId(globalId: string): { typename: string; id: string } {
  const decoded = readGlobalId(globalId);
  if (decoded === null) throw badInput(`"${globalId.slice(0, 60)}" is not an id of this graph.`);
  return decoded;
}
