/** Alarms of what somebody did once end by quiet, those of the last run too, and a hub that comes later hears of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Agent, initSwarm, loadConfig, StateFolder } from '../../../src/agent/index.ts';
import { gone, QUIET_MS } from '../../../src/agent/state/quiet-alarms.ts';
import { ALARM_KINDS, type Alarm, type AlarmKind } from '../../../src/swarm/index.ts';
import type { Log } from '../../../src/agent/log.ts';

function alarm(kind: AlarmKind, at: number): Alarm & { count: number; firstAt: number } {
  return { kind, key: 'k', message: 'm', at, count: 1, firstAt: at };
}

it('of all kinds those end by quiet that no state of things would end', () => {
  const now = 1_800_000_000_000;
  const open = ALARM_KINDS.map((kind) => alarm(kind, now - QUIET_MS - 1));
  expect(gone(open, now).map(({ kind, over }) => [kind, over])).toEqual([
    ['clone', true],
    ['command_reused', true],
    ['join_guessing', true],
    ['old_key', true],
    ['wrong_secret', true],
  ]);
  expect(gone(open, now - 1)).toEqual([]);
});

it('an agent ends those of its last run, with a line in the log, and tells who listens later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quiet-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const state = StateFolder.open(join(folder, 'state'));
  await initSwarm(state, { name: 'a', listen: '127.0.0.1:0' });
  const kept = [
    alarm('wrong_secret', Date.now() - 2 * QUIET_MS),
    alarm('command_reused', Date.now()),
  ];
  // Two hosts had one name; the other is known no more.
  const all = [...kept, alarm('name_reused', Date.now()), alarm('seal_fork', 1)];
  state.writeSync('alarms.json', JSON.stringify(all));
  const lines: string[] = [];
  const note = (facts: object, message: string): void =>
    void lines.push(`${(facts as { alarm?: string }).alarm ?? ''} ${message}`);
  const log = { debug: note, info: note, warn: note, error: note } as unknown as Log;
  const agent = await Agent.start({ state, config: loadConfig(state), hub: false, log });
  onTestFinished(() => agent.stop());
  expect(lines).toContain('wrong_secret the cause of this alarm has ended');
  await new Promise<void>((resolve) => {
    const off = agent.onAlarm(({ kind, over }) => {
      if (kind !== 'name_reused' || over !== true) return;
      queueMicrotask(() => off());
      resolve();
    });
  });
  expect(agent.alarms().map(({ kind }) => kind)).toEqual(['command_reused', 'seal_fork']);
  const told: string[] = [];
  agent.onAlarm(({ kind, over }) => void told.push(`${kind} ${over === true ? 'over' : 'open'}`))();
  expect(told).toEqual([
    'wrong_secret over',
    'name_reused over',
    'command_reused open',
    'seal_fork open',
  ]);
});
