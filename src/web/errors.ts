import { CodedError } from '../base/index.ts';

/** What can go wrong with the HTTP endpoint, for people. */
export class WebError extends CodedError<'port_in_use' | 'address_unavailable'> {}
