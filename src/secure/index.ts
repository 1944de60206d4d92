/**
 * secure: identity and key list, guarded J-PAKE, member handshake, sealed session.
 * Bytes in, bytes out: no socket, no timer, no clock; `now` and random bytes are arguments.
 * docs/protocol.md sections 1 to 6 and 9. What other programs import is public.ts.
 */
export * from './types.ts';
export * from './errors.ts';
export * from './backend.ts';
export * from './ed25519.ts';
export * from './x25519.ts';
export * from './hash.ts';
export * from './secretbox.ts';
export * from './identity.ts';
export * from './key-entry.ts';
export * from './token.ts';
export * from './operator.ts';
export * from './operator-set.ts';
export * from './key-statement.ts';
export { isCounted, signerOf } from './operator-record.ts';
export * from './pake.ts';
export * from './jpake-guard.ts';
export * from './handshake-step.ts';
export * from './messages.ts';
export * from './first-message.ts';
export * from './freshness.ts';
export * from './member-handshake.ts';
export * from './admission.ts';
export { JoinCheck, type Gate, type JoinAt } from './join-check.ts';
export * from './channel.ts';
export * from './session.ts';
export * from './rekeying.ts';
export * from './key-book.ts';
export * from './head-certificate.ts';
export * from './hub-certificate.ts';
export * from './certificate.ts';
export * from './revocation.ts';
export * from './epoch-head.ts';
export * from './epoch-keys.ts';
export * from './token-record.ts';
export * from './limits.ts';
export * from './sealed-box.ts';
export * from './operator-records.ts';
