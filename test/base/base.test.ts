import { describe, expect, it } from 'vitest';
import { CodedError, formatAddress, parseAddress } from '../../src/base/index.ts';
import { AgentError } from '../../src/agent/errors.ts';
import { CliError, EXIT } from '../../src/cli/errors.ts';
import { HubError } from '../../src/hub/errors.ts';
import { SecureError } from '../../src/secure/errors.ts';
import { TableError } from '../../src/tables/types.ts';

describe('an error', () => {
  const cause = new Error('the disk is full');
  it.each([
    [
      new HubError('unwritable', 'x', { hint: 'free some', cause }),
      'HubError',
      'unwritable',
      'free some',
    ],
    [
      new AgentError('host_gone', 'x', 'start it', { cause }),
      'AgentError',
      'host_gone',
      'start it',
    ],
    [new SecureError('bad_seal', 'x', { cause }), 'SecureError', 'bad_seal', undefined],
    [new TableError('x', { cause }), 'TableError', 'table_unavailable', undefined],
  ])('has its name, code, hint and cause: %s', (error, name, code, hint) => {
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({ name, code, message: 'x' });
    expect([error.hint, error.cause]).toEqual([hint, cause]);
    expect(String(error)).toBe(`${name}: x`);
  });

  it('has no cause where none was given', () => {
    expect('cause' in new HubError('a', 'b')).toBe(false);
    expect(new CliError('b')).toMatchObject({ code: 'failed', exitCode: EXIT.failed });
    expect(new CliError('b', 'c', EXIT.usage)).toMatchObject({ code: 'usage', hint: 'c' });
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:7411', '127.0.0.1', 7411],
    ['db-1.example.org:1', 'db-1.example.org', 1],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:65535', '::1', 65_535],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('%s is read and written', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  it.each([
    '',
    'a',
    'a:',
    ':1',
    'a:65536',
    'a:1x',
    '::1:80',
    '[::1]',
    '[a:1',
    'http://a:80',
    'a b:1',
  ])('%j is none', (text) => expect(parseAddress(text)).toBeUndefined());

  it('of a host longer than DNS allows is none', () => {
    expect(parseAddress(`${'a'.repeat(255)}:1`)).toBeDefined();
    expect(parseAddress(`${'a'.repeat(256)}:1`)).toBeUndefined();
  });
});
