import type { SecureErrorCode } from './errors.ts';
/** Which handshake a connection's first frame opens. @throws SecureError `malformed` | `unknown_version` */
export declare function firstMessageKind(bytes: Uint8Array): 'member' | 'admission';
/** A last word before closing, e.g. `busy`. */
export declare function encodeRefusal(code: SecureErrorCode, epoch?: number): Uint8Array;
