/** The reduce step did not give rows. */
import { QueryError, type QueryErrorCode } from './types.ts';

export class ReduceError extends QueryError {
  constructor(message: string, code: QueryErrorCode = 'syntax', options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'ReduceError';
  }
}
