/** Bytes that break the wire format. The session that carried them is closed; nothing else happens. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}

export type WireErrorCode =
  'frame_too_large' | 'truncated' | 'trailing_bytes' | 'too_many' | 'malformed' | 'unknown_version';
