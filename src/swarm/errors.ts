/** A call into the core that cannot be served; nothing was sent. */
export class SwarmError extends Error {
  readonly code: SwarmErrorCode;

  constructor(code: SwarmErrorCode, message: string) {
    super(message);
    this.name = 'SwarmError';
    this.code = code;
  }
}

export type SwarmErrorCode =
  'too_many_targets' | 'body_too_large' | 'bad_argument' | 'busy' | 'left';
