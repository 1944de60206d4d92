/** base: what every other room may stand on: errors with codes, addresses as text. Pure. */
export {
  ADDRESS_FORM,
  DEFAULT_PORT,
  formatAddress,
  parseAddress,
  type Address,
} from './address.ts';
export { CodedError, type ErrorFacts } from './coded-error.ts';
