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
import type { Parts } from './parts.ts';

/** Bytes that are no message close the link. */
export function receive(parts: Parts, id: LinkId, bytes: Uint8Array): void {
  const link = parts.links.get(id);
  if (link === undefined) return;
  link.heardAt = parts.context.now.mono;
  try {
    const message = decodeMessage(bytes);
    if (message !== undefined) dispatch(parts, link, message);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    parts.close(link, `protocol: ${error.message}`);
  }
}

function dispatch(parts: Parts, link: Link, message: SwarmMessage): void {
  switch (message.t) {
    case 'heartbeat':
      return;
    case 'frozen':
      return parts.handleFrozen(link);
    case 'news':
      return parts.gossip.handleNews(link, message);
    case 'summary':
      return parts.gossip.handleSummary(link, message);
    case 'digest':
      parts.records.tell(link.id);
      parts.seals.tell(link);
      return parts.gossip.handleDigest(link, message.hash);
    case 'record':
    case 'holds':
    case 'tokens':
    case 'part-want':
    case 'part':
      return handleOperators(parts, link.id, message);
    case 'keys-want':
      return parts.keys.handleWant(link.id, message);
    case 'keys':
      return parts.keys.handleKeys(link.id, message);
    case 'probe':
      return parts.probeAnswers.handle(link, message);
    case 'probed':
      return parts.prober.handleProbed(link, message);
    case 'seals':
      return parts.seals.handleSeals(link, message);
    case 'seals-have':
      return parts.seals.handleHave(link, message);
    case 'want':
      return parts.gossip.handleWant(link, message);
    case 'request':
      return parts.requests.handleRequest(link, message);
    case 'pull':
      return parts.requests.handlePull(link, message);
    case 'reply':
      return handleReply(parts, link, message);
    case 'accepted':
      return handleAccepted(parts, link, message);
    case 'flood':
      return parts.requests.handleFlood(link, message);
  }
}

/** What the operator signed, and what asks for it: also on links that wait for their admission. */
export function handleOperators(parts: Parts, link: LinkId, message: OperatorMessage): void {
  switch (message.t) {
    case 'record':
      parts.records.apply(message.bytes, link);
      return;
    case 'holds':
      return parts.records.handleHolds(link, message);
    case 'tokens':
      return parts.tokens.handle(link, message);
    case 'part-want':
      return parts.epochs.handlePartWant(link, message);
    case 'part':
      return parts.epochs.handlePart(message);
  }
}

export function isOperators(message: SwarmMessage): message is OperatorMessage {
  return OPERATORS.has(message.t);
}

type OperatorMessage = HoldsMessage | PartMessage | PartWantMessage | RecordMessage | TokensMessage;

const OPERATORS: ReadonlySet<string> = new Set(['record', 'holds', 'tokens', 'part-want', 'part']);

function handleReply(parts: Parts, link: Link, message: ReplyMessage): void {
  const origin = toHex(message.origin);
  if (parts.isSelf(origin)) return parts.asks.handleReply(link, message);
  const request = parts.requests.find(origin, toHex(message.id));
  if (request !== undefined) parts.replies.relay(link, request, message);
}

function handleAccepted(parts: Parts, link: Link, message: AcceptedMessage): void {
  const object = decodeSigned(message.signed);
  if (object.body.kind !== 'accepted') return;
  const origin = toHex(object.body.origin);
  if (parts.isSelf(origin)) {
    return parts.asks.handleAccepted(link, object as SignedObject<AcceptedBody>);
  }
  const request = parts.requests.find(origin, toHex(object.body.id));
  if (request !== undefined) parts.replies.relayAccepted(link, request, message);
}
