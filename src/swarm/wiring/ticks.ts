/** A timer that is due goes to the part that set it. */
import { checkHub } from '../trust/own-hub.ts';
import { checkVoid } from '../trust/void-epoch.ts';
import { endAlarms } from './alarm-ends.ts';
import type { Wiring } from './wiring.ts';
import type { TimerName } from '../engine/timers.ts';

/** How often old entries leave the caches. */
export const SWEEP_MS = 5_000;
/** How often the whole table is walked for members that are gone: they were for two months. */
export const GONE_MS = 3_600_000;

export function tick(wiring: Wiring, name: TimerName, subject: string): void {
  switch (name) {
    case 'start':
      return;
    case 'heartbeat':
      return handleHeartbeat(wiring, Number(subject));
    case 'dial':
      return wiring.dialer.handleDialTimer();
    case 'recontact':
      return wiring.dialer.handleRecontactTimer();
    case 'dial-lost':
      return wiring.dialer.handleDone(Number(subject), false);
    case 'news':
      return wiring.gossip.handleNewsTimer();
    case 'digest':
      return wiring.gossip.handleDigestTimer();
    case 'keep':
      return wiring.keptTable.handleTimer();
    case 'keep-seals':
      return wiring.seals.handleTimer();
    case 'keys':
      return wiring.keys.handleTimer(Number(subject));
    case 'keep-keys':
      return wiring.keys.handleKeepTimer();
    case 'parts':
      return wiring.epochs.handleTimer();
    case 'probe':
      return wiring.prober.handleTimer();
    case 'probe-end':
      return wiring.prober.handleEndTimer();
    case 'lost':
      return wiring.suspicion.handleLostTimer(subject);
    case 'dead':
      return wiring.members.handleDead(subject);
    case 'forget':
      return handleForget(wiring, subject);
    case 'refute':
      return wiring.own.handleRefuteTimer();
    case 'sweep':
      return sweep(wiring);
    case 'gone':
      return dropGone(wiring);
    case 'pull':
      return wiring.requests.handlePullTimer(subject);
    case 'accepted':
      return wiring.executions.handleAcceptedTimer(Number(subject));
    case 'seal':
      return wiring.replies.handleSealTimer();
    case 'run-end':
      return wiring.executions.handleEndTimer(Number(subject));
    case 'ask-end':
      return wiring.asks.handleEndTimer(subject);
    case 'ask-check':
      return wiring.asks.handleCheckTimer(subject);
    case 'beacon':
      return wiring.asks.handleBeaconTimer(subject);
  }
}

function handleHeartbeat(wiring: Wiring, id: number): void {
  const link = wiring.links.get(id);
  if (link !== undefined && wiring.links.handleHeartbeat(id)) {
    wiring.close(link, 'silent', 'silent for too long');
  }
}

function dropGone({ members, context }: Wiring): void {
  members.dropGone();
  context.timers.set('gone', '', context.now.mono + GONE_MS);
}

function handleForget({ members, gossip }: Wiring, nodeId: string): void {
  const forget = members.handleForgetDue(nodeId);
  if (forget !== undefined) gossip.spread(forget);
}

function sweep(wiring: Wiring): void {
  wiring.members.sweep();
  wiring.standing.update();
  wiring.full.sweep();
  wiring.budgets.sweep();
  wiring.prekeys.sweep();
  wiring.dialer.sweep();
  wiring.suspicion.sweep();
  wiring.requests.sweep();
  wiring.replies.sweep();
  wiring.prober.sweep();
  wiring.probeAnswers.sweep();
  wiring.turns.sweep((node) => wiring.members.get(node) !== undefined);
  wiring.exposure.sweep(wiring);
  checkHub(wiring);
  checkVoid(wiring);
  endAlarms(wiring);
  const { timers, now } = wiring.context;
  timers.set('sweep', '', now.mono + SWEEP_MS);
}
