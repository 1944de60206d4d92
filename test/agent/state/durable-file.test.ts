/** Files replaced whole: under kill -9 at any moment, where writing fails, and what is left of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  isLeftover,
  replaceFile,
  replaceFileSync,
  syncFolder,
  writeAt,
} from '../../../src/agent/state/durable-file.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'durable-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ROUNDS = 12;
const BYTES = 300_000;
const DIST = new URL('../../../dist/agent/state/durable-file.js', import.meta.url);

/** Replaces `file` with all a, all b, all a .. until it is killed; says so after each one. */
const WRITER = `
  const { replaceFile, replaceFileSync } = await import(process.argv[1]);
  for (let n = 0; ; n++) {
    const bytes = Buffer.alloc(${BYTES}, n % 2 ? 'a' : 'b');
    if (n % 3 === 0) replaceFileSync(process.argv[2], bytes);
    else await replaceFile(process.argv[2], bytes);
    process.stdout.write('x');
  }`;

describe('a file that is replaced', () => {
  it('is the old one or the new one, whenever the writer is killed', async () => {
    const file = join(folder, 'it');
    for (let round = 0; round < ROUNDS; round++) {
      const args = ['--input-type=module', '-e', WRITER, pathToFileURL(DIST.pathname).href, file];
      const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      // A different place in its work each time: after so many files, and a little more.
      let done = 0;
      for await (const chunk of writer.stdout) {
        done += (chunk as Buffer).length;
        if (done > round) break;
      }
      writer.kill('SIGKILL');
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
      const text = readFileSync(file, 'utf8');
      expect(text).toHaveLength(BYTES);
      expect(new Set(text).size).toBe(1);
    }
    const others = readdirSync(folder).filter((name) => name !== 'it');
    expect(others.filter((name) => !isLeftover(name))).toEqual([]);
  });

  it('stays as it was where writing fails, and nothing is left beside it', async () => {
    mkdirSync(join(folder, 'taken'));
    const text = Buffer.from('x');
    await expect(replaceFile(join(folder, 'taken'), text)).rejects.toThrow(/EISDIR|ENOTEMPTY/);
    expect(() => replaceFileSync(join(folder, 'taken'), text)).toThrow(/EISDIR|ENOTEMPTY/);
    await expect(replaceFile(join(folder, 'no/where'), text)).rejects.toThrow('ENOENT');
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('has the mode that was asked for, its owner only by default', async () => {
    await replaceFile(join(folder, 'own'), Buffer.from('x'));
    await replaceFile(join(folder, 'all'), Buffer.from('x'), 0o644);
    replaceFileSync(join(folder, 'sync'), Buffer.from('x'));
    const modes = ['own', 'all', 'sync'].map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o644, 0o600]);
  });
});

describe('a file that grows', () => {
  it('is written whole at a place, over what a crash tore there', async () => {
    const file = join(folder, 'log');
    await replaceFile(file, Buffer.from('one two torn'));
    const handle = await open(file, 'r+');
    await writeAt(handle, Buffer.from('three'), 8);
    await handle.close();
    await syncFolder(folder);
    expect(readFileSync(file, 'utf8')).toBe('one two three');
  });
});

it('a leftover is known by its name, and nothing of anybody else is', () => {
  expect(isLeftover('.swarm.json.0123456789ab.new')).toBe(true);
  for (const name of ['.keep', 'x.new', '.new', '.a.0123.new', 'swarm.json.0123456789ab.new'])
    expect(isLeftover(name), name).toBe(false);
});
