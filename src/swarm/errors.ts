import { CodedError } from '../base/index.ts';

/** A call into the core that cannot be served; nothing was sent. */
export class SwarmError extends CodedError<SwarmErrorCode> {}

export type SwarmErrorCode =
  'too_many_targets' | 'body_too_large' | 'bad_argument' | 'busy' | 'left';
