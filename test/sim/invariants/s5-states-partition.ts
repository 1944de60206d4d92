import type { Asked } from '../host.ts';
import type { Recording } from '../run.ts';
import type { Invariant } from './index.ts';

export const statesPartition: Invariant = {
  name: 'S5',
  promise: 'answers and statuses partition the expected set, and the account comes in time',
  check(recording) {
    return recording.asked.flatMap(({ asked, askerLife }) => {
      const wrong = checkOne(asked, asked.by.life === askerLife && asked.by.up, recording);
      return wrong.map((what) => `${asked.by.name} ${asked.id.slice(0, 8)}: ${what}`);
    });
  },
};

function checkOne(asked: Asked, askerLived: boolean, { world }: Recording): string[] {
  const { account, endedAt } = asked;
  if (account === undefined) return askerLived ? ['no account'] : [];
  const wrong: string[] = [];
  const ids = account.hosts.map((host) => host.nodeId).sort();
  if (ids.join() !== asked.expected.join())
    wrong.push(`${ids.length} of ${asked.expected.length} hosts`);
  const answered = asked.answers.filter((it) => !it.unexpected).map((it) => it.outcome.nodeId);
  if (answered.sort().join() !== ids.join()) wrong.push('answers and account name different hosts');
  for (const { outcome, unexpected } of asked.answers) {
    const list = unexpected ? account.unexpected : account.hosts;
    if (!list.includes(outcome))
      wrong.push(`${outcome.name} was told as ${outcome.state}, not in the account`);
  }
  if (account.unexpected.some((host) => ids.includes(host.nodeId))) wrong.push('a host twice');
  if (endedAt! > dueAt(asked)) wrong.push(`account after ${endedAt! - asked.startedAt} ms`);
  for (const host of account.hosts) {
    const ran = world.hosts
      .find((it) => it.nodeId === host.nodeId)!
      .runs.some((run) => run.request.id === asked.id);
    if (host.state === 'ok' && !ran) wrong.push(`${host.name} is ok and never ran it`);
  }
  return wrong;
}

/** A host whose own event loop stands still cannot keep its time until it moves again. */
function dueAt({ by, startedAt, spec }: Asked): number {
  let due = startedAt + spec.timeoutMs;
  for (const { from, until } of by.freezes) if (from <= due && until > due) due = until;
  return due;
}
