/**
 * takings: what a host says of a tracked table at one time, and how it travels from a host's journal to a
 * hub's database: bodies of requests and answers, and the signed statement over each. Both ends lean on
 * it, and it on neither; it keeps nothing and asks nobody (docs/protocol.md section 11).
 */
export {
  decodeFetchAnswer,
  decodeFetchBody,
  decodeTrackAnswer,
  decodeTrackBody,
  encodeFetchAnswer,
  encodeFetchBody,
  encodeTaking,
  encodeTrackAnswer,
  encodeTrackBody,
  layoutOf,
  queryOf,
} from './body.ts';
export {
  decodeStatement,
  encodeStatement,
  signStatement,
  verifyStatement,
  type Origin,
  type SignedStatement,
} from './statement.ts';
export type * from './types.ts';
