/**
 * What other programs import as `swarmplane/secure`: a channel over a stream of bytes that proves who
 * is at its other end, and what it is made of. What is not here is not promised (docs/library.md).
 */
export { Channel, type ChannelEvent } from './channel.ts';
export { SecureError, type SecureErrorCode } from './errors.ts';
export { Identity } from './identity.ts';
export { KeyBook } from './key-book.ts';
export type { MemberHandshakeOptions } from './member-handshake.ts';
export type { NodeId, PeerIdentity, SwarmSecrets } from './types.ts';
export {
  encodeFrame,
  FRAME_MAX_AFTER_AUTH,
  FRAME_MAX_BEFORE_AUTH,
  FrameDecoder,
  WireError,
} from '../wire/index.ts';
