/** One message of a peer goes to the part that it is for. */
import { decodeMessage, decodeSigned, toHex, WireError } from '../../wire/index.ts';
import type {
  AcceptedBody,
  AcceptedMessage,
  HoldsMessage,
  PartMessage,
  PartWantMessage,
  RecordMessage,
  ReplyMessage,
  SignedObject,
  SwarmMessage,
  TokensMessage,
} from '../../wire/index.ts';
import type { Link } from '../links/links.ts';
import type { LinkId } from '../types.ts';
import type { Wiring } from './wiring.ts';

/** Bytes that are no message close the link. */
export function receive(wiring: Wiring, id: LinkId, bytes: Uint8Array): void {
  const link = wiring.links.get(id);
  if (link === undefined) return;
  const { context, budgets } = wiring;
  link.heardAt = context.now.mono;
  context.bad = [];
  context.wasted = 0;
  const before = link.bytesSent;
  try {
    const message = decodeMessage(bytes);
    if (message === undefined) return;
    dispatch(wiring, link, message);
    const checked = context.bad.length + context.wasted;
    const read = bytes.length;
    budgets.charge(link, message.t, { read, sent: link.bytesSent - before, checked });
    blame(wiring, link);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    wiring.close(link, 'broke_protocol', error.message);
  }
}

/**
 * A link is blamed for what every honest host would have found out before it handed it on: signatures
 * under the key that the object itself names, where that is its peer's own, or the first of its node,
 * of which there is one only. Anything else may look otherwise from where the peer stands.
 */
function blame(wiring: Wiring, link: Link): void {
  for (const { by, isNamed, isFirst } of wiring.context.bad) {
    if (!isNamed || !(isFirst || by === link.nodeId)) continue;
    if (!wiring.budgets.isBroken(link.nodeId)) continue;
    return wiring.close(link, 'broke_protocol', 'signatures that are none');
  }
}

function dispatch(wiring: Wiring, link: Link, message: SwarmMessage): void {
  switch (message.t) {
    case 'heartbeat':
      return;
    case 'frozen':
      return wiring.handleFrozen(link);
    case 'news':
      return wiring.gossip.handleNews(link, message);
    case 'summary':
      return wiring.gossip.handleSummary(link, message);
    case 'digest':
      wiring.records.tell(link.id);
      wiring.seals.tell(link);
      return wiring.gossip.handleDigest(link, message.hash);
    case 'record':
    case 'holds':
    case 'tokens':
    case 'part-want':
    case 'part':
      return handleOperators(wiring, link.id, message);
    case 'keys-want':
      return wiring.keys.handleWant(link.id, message);
    case 'keys':
      return wiring.keys.handleKeys(link.id, message);
    case 'probe':
      return wiring.probeAnswers.handle(link, message);
    case 'probed':
      return wiring.prober.handleProbed(link, message);
    case 'seals':
      return wiring.seals.handleSeals(link, message);
    case 'seals-have':
      return wiring.seals.handleHave(link, message);
    case 'want':
      return wiring.gossip.handleWant(link, message);
    case 'request':
      return wiring.requests.handleRequest(link, message);
    case 'pull':
      return wiring.requests.handlePull(link, message);
    case 'reply':
      return handleReply(wiring, link, message);
    case 'accepted':
      return handleAccepted(wiring, link, message);
    case 'flood':
      return wiring.requests.handleFlood(link, message);
  }
}

/** What the operator signed, and what asks for it: also on links that wait for their admission. */
export function handleOperators(wiring: Wiring, link: LinkId, message: OperatorMessage): void {
  switch (message.t) {
    case 'record':
      wiring.records.apply(message.bytes, link);
      return;
    case 'holds':
      return wiring.records.handleHolds(link, message);
    case 'tokens':
      return wiring.tokens.handle(link, message);
    case 'part-want':
      return wiring.epochs.handlePartWant(link, message);
    case 'part':
      return wiring.epochs.handlePart(message);
  }
}

export function isOperators(message: SwarmMessage): message is OperatorMessage {
  return OPERATORS.has(message.t);
}

type OperatorMessage = HoldsMessage | PartMessage | PartWantMessage | RecordMessage | TokensMessage;

const OPERATORS: ReadonlySet<string> = new Set(['record', 'holds', 'tokens', 'part-want', 'part']);

function handleReply(wiring: Wiring, link: Link, message: ReplyMessage): void {
  const origin = toHex(message.origin);
  if (wiring.isSelf(origin)) return wiring.asks.handleReply(link, message);
  const request = wiring.requests.find(origin, toHex(message.id));
  if (request !== undefined) wiring.replies.relay(link, request, message);
}

function handleAccepted(wiring: Wiring, link: Link, message: AcceptedMessage): void {
  const object = decodeSigned(message.signed);
  if (object.body.kind !== 'accepted') return;
  const origin = toHex(object.body.origin);
  if (wiring.isSelf(origin)) {
    return wiring.asks.handleAccepted(link, object as SignedObject<AcceptedBody>);
  }
  const request = wiring.requests.find(origin, toHex(object.body.id));
  if (request !== undefined) wiring.replies.relayAccepted(link, request, message);
}
