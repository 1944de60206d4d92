import { describe, expect, it } from 'vitest';
import { planRotation, type KnownMember, type KnownToken } from '../../../src/agent/index.ts';
import { CONTROL_FRAME_MAX, encodeRequest } from '../../../src/agent/control/control-protocol.ts';
import { PART_BYTES_MAX } from '../../../src/wire/index.ts';

const NOW = Date.UTC(2026, 10, 28);
const DAY = 86_400_000;
const NONE = {
  expel: new Set<string>(),
  dropTokens: new Set<string>(),
  keepTokens: new Set<string>(),
};
const ALL = { ...NONE, away: false };

function member(name: string, change: Partial<KnownMember> = {}): KnownMember {
  return {
    nodeId: Buffer.from(name).toString('hex').padEnd(64, '0'),
    name,
    entry: new Uint8Array(1),
    state: 'alive',
    since: NOW - DAY,
    tag: null,
    onRoll: true,
    admitted: true,
    frozen: false,
    ...change,
  };
}

function token(tag: string, change: Partial<KnownToken> = {}): KnownToken {
  return {
    tag,
    version: 1,
    state: 'open',
    bytes: new Uint8Array(1),
    uses: 10,
    seen: 1,
    made: 0,
    notAfter: NOW,
    note: '',
    host: '',
    ...change,
  };
}

function whys(placed: readonly { member: KnownMember; why: string }[]): Record<string, string> {
  return Object.fromEntries(placed.map(({ member: { name }, why }) => [name, why]));
}

describe('who gets the next key', () => {
  const members = [
    member('rolled'),
    member('new', { onRoll: false, tag: 'aa' }),
    member('dropped', { onRoll: false, tag: 'bb' }),
    member('rolled-since', { tag: 'bb' }),
    member('stranded', { onRoll: false, admitted: false, state: 'dead', tag: 'old' }),
    member('away', { state: 'dead', since: NOW - 91 * DAY }),
    member('gone', { state: 'dead', since: NOW - 401 * DAY }),
    member('forked', { frozen: true }),
    member('bad'),
  ];
  const tokens = [token('aa'), token('bb')];
  const bad = member('bad').nodeId;

  it('is told with the reason, and who does not', () => {
    const choice = { ...ALL, expel: new Set([bad]), dropTokens: new Set(['bb']) };
    const { stay, out, undecided } = planRotation(members, tokens, choice, NOW);
    expect(whys(stay)).toEqual({
      rolled: 'roll',
      new: 'token',
      'rolled-since': 'roll',
      stranded: 'stranded',
      away: 'away',
    });
    expect(whys(out)).toEqual({
      dropped: 'token dropped',
      gone: 'gone for 400 days',
      forked: 'frozen',
      bad: 'expelled',
    });
    expect(undecided).toEqual([]);
  });

  it('are not those that went, by their word or by ours, unless they are named', () => {
    const gone = [
      member('left', { state: 'left' }),
      member('forgotten', { state: 'forgotten' }),
      member('stays'),
    ];
    expect(whys(planRotation(gone, [], ALL, NOW).out)).toEqual({
      left: 'left',
      forgotten: 'forgotten',
    });
    const only = new Set([member('left').nodeId]);
    expect(whys(planRotation(gone, [], { ...ALL, only }, NOW).stay)).toEqual({ left: 'roll' });
  });

  it('is who is named with only, and those away where that is said', () => {
    const only = new Set(['rolled', 'gone'].map((name) => member(name).nodeId));
    const named = planRotation(members, tokens, { ...ALL, only }, NOW);
    expect(Object.keys(whys(named.stay))).toEqual(['rolled', 'gone']);
    const away = planRotation(members, tokens, { ...ALL, away: true }, NOW);
    expect(whys(away.stay)).toMatchObject({ gone: 'away' });
  });

  it('waits for a word on a token that brought more than it may', () => {
    const over = [token('aa', { uses: 1, seen: 2 }), token('bb')];
    const plan = (choice: Partial<typeof ALL> & { only?: Set<string> }) =>
      planRotation(members, over, { ...ALL, ...choice }, NOW).undecided.map(({ tag }) => tag);
    expect(plan({})).toEqual(['aa']);
    expect(plan({ keepTokens: new Set(['aa']) })).toEqual([]);
    expect(plan({ dropTokens: new Set(['aa']) })).toEqual([]);
    expect(plan({ only: new Set([bad]) })).toEqual([]);
  });

  it('is found among ten thousand, and what is signed then fits the control socket', () => {
    const many = Array.from({ length: 10_000 }, (_, n) => member(`host${n}`));
    expect(planRotation(many, tokens, ALL, NOW).stay).toHaveLength(10_000);
    const records = [new Uint8Array(250 * 1024), new Uint8Array(1024), new Uint8Array(600)];
    const parts = Array.from({ length: 6 }, () => new Uint8Array(PART_BYTES_MAX));
    const frame = encodeRequest({ op: 'install', records, parts });
    expect(frame.length).toBeLessThan(CONTROL_FRAME_MAX);
  });
});
