import { CodedError } from '../base/index.ts';

/** Bytes that break the wire format. The session that carried them is closed; nothing else happens. */
export class WireError extends CodedError<WireErrorCode> {}

export type WireErrorCode =
  'frame_too_large' | 'truncated' | 'trailing_bytes' | 'too_many' | 'malformed' | 'unknown_version';
