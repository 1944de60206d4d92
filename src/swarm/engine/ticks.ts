/** A timer that is due goes to the part that set it. */
import { endAlarms } from './alarm-ends.ts';
import type { Parts } from './parts.ts';
import type { TimerName } from './timers.ts';

/** How often old entries leave the caches. */
export const SWEEP_MS = 5_000;

export function tick(parts: Parts, name: TimerName, subject: string): void {
  switch (name) {
    case 'start':
      return;
    case 'heartbeat':
      return handleHeartbeat(parts, Number(subject));
    case 'dial':
      return parts.dialer.handleDialTimer();
    case 'recontact':
      return parts.dialer.handleRecontactTimer();
    case 'dial-lost':
      return parts.dialer.handleDone(Number(subject), false);
    case 'news':
      return parts.gossip.handleNewsTimer();
    case 'digest':
      return parts.gossip.handleDigestTimer();
    case 'keep':
      return parts.keeper.handleTimer();
    case 'keep-seals':
      return parts.seals.handleTimer();
    case 'keys':
      return parts.keys.handleTimer(Number(subject));
    case 'keep-keys':
      return parts.keys.handleKeepTimer();
    case 'parts':
      return parts.epochs.handleTimer();
    case 'probe':
      return parts.prober.handleTimer();
    case 'probe-end':
      return parts.prober.handleEndTimer();
    case 'lost':
      return parts.suspicion.handleLostTimer(subject);
    case 'dead':
      return parts.members.handleDead(subject);
    case 'sweep':
      return sweep(parts);
    case 'pull':
      return parts.requests.handlePullTimer(subject);
    case 'accepted':
      return parts.executions.handleAcceptedTimer(Number(subject));
    case 'seal':
      return parts.replies.handleSealTimer();
    case 'run-end':
      return parts.executions.handleEndTimer(Number(subject));
    case 'ask-end':
      return parts.asks.handleEndTimer(subject);
    case 'ask-check':
      return parts.asks.handleCheckTimer(subject);
    case 'beacon':
      return parts.asks.handleBeaconTimer(subject);
  }
}

function handleHeartbeat(parts: Parts, id: number): void {
  const link = parts.links.get(id);
  if (link !== undefined && parts.links.handleHeartbeat(id)) {
    parts.close(link, 'silent for too long');
  }
}

function sweep(parts: Parts): void {
  parts.members.sweep();
  parts.prekeys.sweep();
  parts.dialer.sweep();
  parts.suspicion.sweep();
  parts.requests.sweep();
  parts.replies.sweep();
  parts.prober.sweep();
  parts.probeAnswers.sweep();
  parts.turns.sweep((node) => parts.members.get(node) !== undefined);
  parts.exposure.sweep(parts);
  endAlarms(parts);
  const { timers, now } = parts.context;
  timers.set('sweep', '', now.mono + SWEEP_MS);
}
