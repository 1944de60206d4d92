/** osquery's path patterns. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';

import { globPaths } from '../../../src/tables/lib/glob.ts';
import { matches, parsePattern, type PatternOp } from '../../../src/tables/lib/wildcard.ts';
import { fakeRoot } from './context.ts';

describe('a path pattern', () => {
  const root = (): string =>
    fakeRoot({
      'etc/hosts': '',
      'etc/host.conf': '',
      'etc/ssh/sshd_config': '',
      'etc/ssh/keys/a': '',
      'home/ann/.ssh/id': '',
      'home/bob/.ssh/id': '',
      'home/bob/id': '',
      'home/file': '',
    });
  const found = (pattern: string, op?: PatternOp): string[] =>
    [...globPaths({ root: root() }, pattern, op)].sort();

  it('without wildcards is the path itself, if it is there', () => {
    expect(found('/etc/hosts')).toEqual(['/etc/hosts']);
    expect(found('/etc/nothing')).toEqual([]);
    expect(found('etc/hosts')).toEqual([]);
    expect(found('/etc/hosts/below-a-file')).toEqual([]);
    expect(found(`/etc/${'x'.repeat(300)}`)).toEqual([]);
  });

  it('% is one level, files and folders', () => {
    expect(found('/etc/%')).toEqual(['/etc/host.conf', '/etc/hosts', '/etc/ssh']);
    expect(found('/etc/host%')).toEqual(['/etc/host.conf', '/etc/hosts']);
    expect(found('/home/%/.ssh/%')).toEqual(['/home/ann/.ssh/id', '/home/bob/.ssh/id']);
    expect(found('/%/hosts')).toEqual(['/etc/hosts']);
  });

  it('%% is any number of levels', () => {
    expect(found('/etc/%%')).toEqual([
      '/etc/host.conf',
      '/etc/hosts',
      '/etc/ssh',
      '/etc/ssh/keys',
      '/etc/ssh/keys/a',
      '/etc/ssh/sshd_config',
    ]);
    expect(found('/home/%%/id')).toEqual([
      '/home/ann/.ssh/id',
      '/home/bob/.ssh/id',
      '/home/bob/id',
    ]);
    expect(found('/home/%%id')).toEqual(['/home/ann/.ssh/id', '/home/bob/.ssh/id', '/home/bob/id']);
  });

  it('_ and GLOB’s own characters', () => {
    expect(found('/etc/host_')).toEqual(['/etc/hosts']);
    expect(found('/etc/h?sts', 'glob')).toEqual(['/etc/hosts']);
    expect(found('/etc/[gh]osts', 'glob')).toEqual(['/etc/hosts']);
    expect(found('/etc/**/a', 'glob')).toEqual(['/etc/ssh/keys/a']);
    expect(found('/etc/*_config', 'glob')).toEqual([]);
  });

  it('keeps odd names and does not follow loops', () => {
    const base = root();
    symlinkSync('..', join(base, 'etc/ssh/up'));
    writeFileSync(join(base, 'etc/ssh/a\nb%'), '');
    expect([...globPaths({ root: base }, '/etc/ssh/%%')].sort()).toEqual([
      '/etc/ssh/a\nb%',
      '/etc/ssh/keys',
      '/etc/ssh/keys/a',
      '/etc/ssh/sshd_config',
      '/etc/ssh/up',
    ]);
  });

  it('reads a large folder only as far as it is asked', () => {
    const base = mkdtempSync(join(tmpdir(), 'swarmplane-large-'));
    onTestFinished(() => rmSync(base, { recursive: true }));
    mkdirSync(join(base, 'd'));
    for (let n = 0; n < 2_000; n++) writeFileSync(join(base, 'd', String(n)), '');
    const paths = globPaths({ root: base }, '/d/%');
    expect(paths.next().value).toMatch(/^\/d\/\d+$/);
    paths.return(undefined);
    expect([...globPaths({ root: base }, '/d/%')]).toHaveLength(2_000);
  });

  it('matches as a regular expression of the same meaning would', () => {
    const pieces = fc.array(fc.constantFrom('a', 'b', '/', '.', '%', '%%', '_'), { maxLength: 7 });
    const text = fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, text, (pattern, chars) => {
        const source = pattern
          .join('')
          .replace(/%{2,}|%|_|\./g, (piece) =>
            piece.length > 1 ? '.*' : ({ '%': '[^/]*', _: '[^/]', '.': '\\.' }[piece] ?? piece),
          );
        const expected = new RegExp(`^${source}$`).test(chars.join(''));
        expect(matches(parsePattern(pattern.join(''), 'like'), chars.join(''))).toBe(expected);
      }),
    );
  });

  it('takes no longer for a pattern made to be slow', () => {
    const tokens = parsePattern('%a'.repeat(100), 'like');
    expect(matches(tokens, 'a'.repeat(4_000) + 'b')).toBe(false);
  });
});
