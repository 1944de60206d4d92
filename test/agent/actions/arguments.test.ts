/** What the configuration allows as an argument, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { argumentsOf } from '../../../src/agent/actions/arguments.ts';
import { parseConfig, renderConfig } from '../../../src/agent/config/config.ts';

const shipped = parseConfig(
  renderConfig({ name: 'web1', listen: '127.0.0.1:7000', seeds: [] }),
  '/s/config.yaml',
).actions;

/** Arguments of an action with one pattern in one place. */
function fill(template: string, pattern: string, value: string): string[] {
  const text = `actions: {a: {program: /bin/true, args: [${JSON.stringify(template)}], patterns: {x: ${JSON.stringify(pattern)}}}}`;
  return argumentsOf(parseConfig(text, '/s/config.yaml').actions.get('a')!, { x: value });
}

const refused = (message: string) =>
  expect.objectContaining({
    code: 'bad_args',
    message: expect.stringContaining(message) as string,
  });

describe('arguments of an action', () => {
  it('are whole arguments, whatever a shell would make of them', () => {
    expect(fill('{x}', '.*', 'a b; $(reboot) `id` * "\'')).toEqual(['a b; $(reboot) `id` * "\'']);
    expect(fill('--name={x}', '.*', "$& $1 $'")).toEqual(["--name=$& $1 $'"]);
    expect(fill('{x}/{x}', '[a-z]+', 'b')).toEqual(['b/b']);
  });

  it.each([
    ['[a-z]+', 'nginx; reboot', 'does not match [a-z]+'],
    ['[a-z]+', 'nginx\n', 'control character'],
    ['[^;]+', 'a\nb', '"a\\nb", which holds a control character'],
    ['.*', 'a\0b', 'control character'],
    ['.*', '\ud800', 'control character'],
    ['a|b', 'abc', 'does not match a|b'],
    ['^a$', 'ab', 'does not match'],
  ])('that match %j do not hold %j', (pattern, value, message) => {
    expect(() => fill('{x}', pattern, value)).toThrow(refused(message));
  });

  it('have a length', () => {
    expect(() => fill('{x}', '.*', 'x'.repeat(1025))).toThrow(refused('has 1025 characters'));
  });

  it('are options only where the pattern begins with a dash', () => {
    expect(() => fill('{x}', '[a-z-]+', '-rf')).toThrow(refused('"-rf", which would be an option'));
    expect(() => fill('{x}', '.*', '--purge')).toThrow(refused('would be an option'));
    expect(fill('{x}', '-[rf]+', '-rf')).toEqual(['-rf']);
    expect(fill('x{x}', '[a-z-]+', '-rf')).toEqual(['x-rf']);
  });

  it('are no options after values that are empty, or after dashes of the configuration', () => {
    const two = (args: string, values: Record<string, string>, b = '.*'): string[] =>
      argumentsOf(
        parseConfig(
          `actions: {a: {program: /bin/true, args: [${JSON.stringify(args)}], patterns: {a: ".*", b: ${JSON.stringify(b)}}}}`,
          '/s/config.yaml',
        ).actions.get('a')!,
        values,
      );
    for (const value of ['-rf', '--purge', '-'])
      expect(() => two('{a}{b}', { a: '', b: value })).toThrow(
        refused(`b is "${value}", which would be an option`),
      );
    expect(() => two('{a}{a}{b}', { a: '', b: '-x' })).toThrow(refused('b is "-x"'));
    expect(() => two('{b}{a}', { a: '-x', b: '' })).toThrow(refused('a is "-x"'));
    expect(() => fill('-{x}', '.*', '-purge')).toThrow(refused('x is "-purge"'));
    expect(() => two('{a}{b}', { a: '-', b: '-x' })).toThrow(refused('a is "-"'));
    expect(two('{a}{b}', { a: 'x', b: '-rf' })).toEqual(['x-rf']);
    expect(two('{a}={b}', { a: '', b: '-rf' })).toEqual(['=-rf']);
    expect(two('{a}{b}', { a: '', b: '-rf' }, '-[rf]+')).toEqual(['-rf']);
    expect(fill('-{x}', '[a-z]', 'v')).toEqual(['-v']);
  });

  it('must be given, and no others', () => {
    const restart = shipped.get('restart-service')!;
    expect(() => argumentsOf(restart, {})).toThrow(refused('wants the argument "unit"'));
    expect(() => argumentsOf(restart, { unit: 'a', host: 'b' })).toThrow(
      refused('has no argument "host"; its arguments: unit'),
    );
    expect(() => argumentsOf(restart, { unit: 'a', __proto__: 'b' })).not.toThrow();
    expect(() => argumentsOf(restart, JSON.parse('{"unit": "a", "__proto__": "b"}'))).toThrow(
      refused('has no argument "__proto__"'),
    );
  });
});

describe('the shipped examples', () => {
  it('are off', () => {
    expect([...shipped.values()].map(({ name, enabled }) => [name, enabled])).toEqual([
      ['restart-service', false],
      ['apt-upgrade-package', false],
    ]);
  });

  it('restart one unit', () => {
    const restart = shipped.get('restart-service')!;
    for (const unit of ['nginx', 'getty@tty1.service', 'dbus-org.freedesktop.timesync1.service'])
      expect(argumentsOf(restart, { unit })).toEqual(['restart', '--', unit]);
    for (const unit of ['*', 'nginx apache2', '-H', '/etc/x.service', 'a\\x2db', '.slice', ''])
      expect(() => argumentsOf(restart, { unit })).toThrow(refused('does not match'));
  });

  // `apt-get install hostname-` removes hostname; `zlib1.` alone is taken as a regular expression.
  it('upgrade one package and cannot be made to remove one', () => {
    const upgrade = shipped.get('apt-upgrade-package')!;
    for (const name of ['openssl', 'libstdc++6', 'python3.11', 'linux-image-6.1.0-9-amd64'])
      expect(argumentsOf(upgrade, { package: name }).slice(-2)).toEqual(['--', name]);
    for (const name of ['hostname-', 'hostname+', 'a/stable', 'a=1', 'a:i386', 'lamp^', '--purge'])
      expect(() => argumentsOf(upgrade, { package: name })).toThrow(refused('does not match'));
    expect(upgrade.env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
    expect(argumentsOf(upgrade, { package: 'a1' })).toContain('APT::Cmd::Pattern-Only=true');
  });
});

describe('configuration of actions', () => {
  const action = (fields: string) => `actions: {a: {program: /bin/true, ${fields}}}`;
  it.each([
    ['actions: []', 'a map of names to actions'],
    ['actions: {"A b": {program: /bin/true}}', 'of lower-case letters'],
    ['actions: {a: x}', 'a is a map with the keys enabled, program'],
    ['actions: {a: {}}', 'a.program is an absolute path'],
    ['actions: {a: {program: systemctl}}', 'a.program is an absolute path, not "systemctl"'],
    [action('shell: true'), 'each key of a is one of enabled'],
    [action('enabled: 1'), 'a.enabled is true or false, not 1'],
    [action('args: restart'), 'a.args is a list of texts, not "restart"'],
    [action('args: [1]'), 'a.args is a list of texts, not 1'],
    [action('args: ["{Unit}"]'), 'not "{Unit}"'],
    [action('args: ["{x}"]'), 'a.patterns has a pattern for {x}'],
    [action('patterns: {x: a}'), 'each of a.patterns is a placeholder that args use, not "x"'],
    [action('args: ["{x}"], patterns: {x: "("}'), 'a.patterns.x is a regular expression'],
    [action('args: ["{x}"], patterns: {x: "a)(b"}'), 'a.patterns.x is a regular expression'],
    [action('args: ["{x}"], patterns: {x: 5}'), 'a.patterns.x is a regular expression, not 5'],
    [action('user: 0'), 'a.user is the name of a user, not 0'],
    [action('time_limit: 5'), 'a.time_limit is a time from 1ms to 24h'],
    [action('time_limit: 25h'), 'not "25h"'],
    [action('output_limit: 1048576'), 'a.output_limit is a number of bytes, at most 524288'],
    [action('env: {"A=B": x}'), 'a.env.A=B is a text'],
  ])('refuses %j', (text, hint) => {
    expect(() => parseConfig(text, '/s/config.yaml')).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        hint: expect.stringContaining(hint) as string,
      }),
    );
  });
});
