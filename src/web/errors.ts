/** What can go wrong with the HTTP endpoint, for people. */
export class WebError extends Error {
  readonly code: 'port_in_use' | 'address_unavailable';
  readonly hint: string;

  constructor(code: WebError['code'], message: string, options: ErrorOptions & { hint: string }) {
    super(message, options);
    this.name = 'WebError';
    this.code = code;
    this.hint = options.hint;
  }
}
