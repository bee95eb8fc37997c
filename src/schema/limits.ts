/** What one request or key may cost. */
export interface Limits {
  /** Levels of nesting of an operation. */
  depth: number;
  /** Sum over all fields, lists counted by how much they may hold. */
  complexity: number;
  /** Aliases in a document. */
  aliases: number;
  /** Lexical tokens in a document. */
  tokens: number;
  /** Fields on the root of an operation. */
  rootFields: number;
  /** Operations in one request. */
  batch: number;
  bodyBytes: number;
  /** Requests a second and key, on average. */
  requestsPerSecond: number;
  /** Requests a key may make at once after a pause. */
  burst: number;
  /** Subscriptions open at the same time on one socket. */
  subscriptionsPerSocket: number;
  /** Different subscriptions (document, variables) open at the same time with one key, however many sockets share each. */
  audiencesPerKey: number;
  /** Sockets open at the same time with one key. */
  socketsPerKey: number;
  /** Sockets, of everybody together, that are open and have not yet shown who they are; each may take five seconds over it. */
  socketsUnproven: number;
  /** Server-sent event streams open at the same time with one key; each is rendered on its own. */
  streamsPerKey: number;
  /** How often the keys of what stays open are looked at again. */
  keyRecheckSeconds: number;
  /** Bytes that may wait in one socket before it is closed as too slow. */
  socketBufferBytes: number;
  /** Longest wait of a mutation with `wait: true`. */
  waitSeconds: number;
}

export const defaultLimits: Limits = {
  depth: 12,
  complexity: 60_000,
  aliases: 30,
  tokens: 2_000,
  rootFields: 20,
  batch: 5,
  bodyBytes: 256 * 1024,
  requestsPerSecond: 50,
  burst: 200,
  subscriptionsPerSocket: 50,
  audiencesPerKey: 500,
  socketsPerKey: 5_000,
  socketsUnproven: 1_000,
  streamsPerKey: 100,
  keyRecheckSeconds: 30,
  socketBufferBytes: 4 * 1024 * 1024,
  waitSeconds: 30,
};
