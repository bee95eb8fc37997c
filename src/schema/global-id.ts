import { badInput } from './failures.ts';

/** Relay ids: base64url of `Type:id`. */
export function encodeGlobalId(typename: string, id: string | number | bigint): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

export function decodeGlobalId(globalId: string): { typename: string; id: string } {
  const text = globalId.length <= 100 ? Buffer.from(globalId, 'base64url').toString() : '';
  const match = /^([A-Z][A-Za-z]{1,30}):(\d{1,18})$/.exec(text);
  if (match === null) throw badInput(`"${globalId.slice(0, 60)}" is not an id of this graph.`);
  return { typename: match[1] ?? '', id: match[2] ?? '' };
}
