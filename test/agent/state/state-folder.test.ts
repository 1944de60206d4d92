import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultStateFolder, StateFolder } from '../../../src/agent/index.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'state-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string) => statSync(path).mode & 0o777;

describe('state folder', () => {
  it('is for its owner only, and so is every file in it', async () => {
    const state = StateFolder.open(join(folder, 'new/deep'));
    state.writeSync('a', 'one');
    await state.write('b', Buffer.from('two'));
    expect(mode(state.path)).toBe(0o700);
    expect(mode(state.file('a'))).toBe(0o600);
    expect(mode(state.file('b'))).toBe(0o600);
    expect(state.readText('a')).toBe('one');
    expect(state.readText('b')).toBe('two');
  });

  it('closes a folder that others could read', () => {
    mkdirSync(join(folder, 'open'), { mode: 0o755 });
    chmodSync(join(folder, 'open'), 0o755);
    expect(mode(StateFolder.open(join(folder, 'open')).path)).toBe(0o700);
  });

  it('removes what a crash left half-written, and nothing else', () => {
    writeFileSync(join(folder, '.swarm.json.0123456789ab.new'), 'half');
    writeFileSync(join(folder, '.keep'), 'mine');
    const state = StateFolder.open(folder);
    // Opening alone leaves them: they may be what a running agent is just writing.
    expect(readdirSync(folder)).toHaveLength(2);
    state.removeLeftovers();
    expect(readdirSync(folder)).toEqual(['.keep']);
  });

  it('keeps the old file when a write fails', async () => {
    const state = StateFolder.open(folder);
    state.writeSync('a', 'old');
    mkdirSync(state.file('b'));
    await expect(state.write('b', Buffer.from('new'))).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(['a', 'b']);
    expect(state.readText('a')).toBe('old');
  });

  it('says which folder it cannot write, and what to do', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => StateFolder.open(join(folder, 'file/state'))).toThrow(
      expect.objectContaining({
        code: 'state_unwritable',
        message: expect.stringContaining(join(folder, 'file/state')),
        hint: expect.stringContaining('--state DIR'),
      }),
    );
  });

  it('is where the system keeps state by default', () => {
    expect(defaultStateFolder({ SWARMPLANE_STATE: '/x' })).toBe('/x');
    if (process.getuid?.() === 0) expect(defaultStateFolder({})).toBe('/var/lib/swarmplane');
    else expect(defaultStateFolder({ XDG_STATE_HOME: '/s' })).toBe('/s/swarmplane');
  });
});
