/**
 * Simulated primitives: same shapes and the same refusals as the real ones, at a fraction of the
 * cost. A signature is a hash with the public key, so anybody could forge one: fine for faults,
 * not for attacks, which are tested with the real backend.
 */
import { createHash } from 'node:crypto';
import {
  admissionMessage,
  concat,
  decodeAllFields,
  decodeFields,
  encodeFields,
  equalBytes,
  fromHex,
  fromUtf8,
  joinAdmission,
  PART_SLOTS_MAX,
  partHashInput,
  prefixOfNode,
  readU64,
  SLOT_BYTES,
  toHex,
  u64,
  utf8,
} from '../../src/wire/index.ts';
import type {
  Crypto,
  EpochHead,
  KeyEntry,
  OperatorRecord,
  TokenRecord,
} from '../../src/secure/types.ts';

export function simulatedCrypto(signKey: Uint8Array): Crypto {
  const crypto: Crypto = {
    sign: (message) => hash('sha512', signKey, message),
    verify: (publicKey, message, signature) =>
      equalBytes(hash('sha512', publicKey, message), signature),
    x25519KeyPair: (seed) => ({ publicKey: hash('sha256', seed), secretKey: hash('sha256', seed) }),
    x25519: (secretKey, publicKey) => {
      const [a, b] = [secretKey, publicKey].sort(Buffer.compare) as [Uint8Array, Uint8Array];
      return hash('sha256', a, b);
    },
    sha256: (...parts) => hash('sha256', ...parts),
    sha512: (...parts) => hash('sha512', ...parts),
    seal: (key, nonce, plain) => concat(tag(key, nonce, plain), plain),
    open: (key, nonce, sealed) => {
      const plain = sealed.subarray(16);
      return equalBytes(tag(key, nonce, plain), sealed.subarray(0, 16)) ? plain : undefined;
    },
    isX25519Key: (publicKey) => publicKey.some((byte) => byte !== 0),
    // One box a recipient, each of the whole text: slower in bytes, the same in what can be opened.
    sealToMany: ({ recipients, plain, context }) =>
      encodeFields(
        recipients.map(({ id, publicKey }) =>
          crypto.seal(hash('sha256', id, publicKey, context), NONCE, plain),
        ),
      ),
    openFromMany: (sealed, { id, publicKey }, context) => {
      const key = hash('sha256', id, publicKey, context);
      return boxesOf(sealed)
        .map((box) => crypto.open(key, NONCE, box))
        .find((plain) => plain !== undefined);
    },
  };
  return crypto;
}

const NONCE = new Uint8Array(24);

function boxesOf(sealed: Uint8Array): Uint8Array[] {
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const boxes: Uint8Array[] = [];
  for (let at = 0; at + 4 <= sealed.length;) {
    const end = at + 4 + view.getUint32(at);
    boxes.push(sealed.subarray(at + 4, end));
    at = end;
  }
  return boxes;
}

/** A first key entry of its own simulated kind. */
export function simulatedEntry(signKey: Uint8Array): KeyEntry {
  const nodeId = hash('sha256', signKey);
  return parseSimulatedEntry(encodeFields([nodeId, u64(0), signKey]))!;
}

export function parseSimulatedEntry(bytes: Uint8Array): KeyEntry | undefined {
  try {
    const [nodeId, version, signKey] = decodeFields(bytes, 3) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    if (!equalBytes(nodeId, hash('sha256', signKey))) return undefined;
    return {
      nodeId: toHex(nodeId),
      version: readU64(version),
      signKey,
      boxKey: new Uint8Array(32),
      nextHash: new Uint8Array(32),
      previousHash: new Uint8Array(32),
      time: 0,
      bytes,
    };
  } catch {
    return undefined;
  }
}

/** A revocation list; nobody signs it. `merges`: hashes of the lists that it stands in place of. */
export function simulatedList(
  number: number,
  nodeIds: readonly string[],
  merges: readonly string[] = [],
): Uint8Array {
  const nodes = concat(...nodeIds.map(fromHex));
  return encodeFields([utf8('list'), u64(number), nodes, concat(...merges.map(fromHex))]);
}

export function hashOf(bytes: Uint8Array): string {
  return toHex(hash('sha256', bytes));
}

/** An EPOCH for these nodes: real parts, whose slots nobody has to open. */
export function simulatedEpoch(
  swarm: Uint8Array,
  epoch: number,
  nodeIds: readonly string[],
  options: { parent?: string; salt?: number; slots?: number } = {},
): { head: EpochHead; parts: readonly Uint8Array[] } {
  const { parent = '', salt = 0, slots = PART_SLOTS_MAX } = options;
  const prefixes = nodeIds.map((id) => fromHex(prefixOfNode(id))).sort(Buffer.compare);
  const all = prefixes.map((prefix) => concat(prefix, new Uint8Array(SLOT_BYTES - 16).fill(salt)));
  const parts = Array.from({ length: Math.ceil(all.length / slots) }, (_, at) =>
    concat(...all.slice(at * slots, (at + 1) * slots)),
  );
  const named = parts.map((part) =>
    concat(hash('sha256', partHashInput(swarm, part)), part.subarray(0, 16)),
  );
  const bytes = encodeFields([utf8('epoch'), u64(epoch), fromHex(parent), concat(...named)]);
  return { head: parseSimulatedRecord(bytes) as EpochHead, parts };
}

/** A join token whose secret key is its public key. */
export function simulatedToken(
  epochId: string,
  publicKey: Uint8Array,
  options: Partial<Pick<TokenRecord, 'version' | 'uses' | 'made' | 'state' | 'host'>> = {},
): TokenRecord {
  const { version = 1, uses = 4096, made = 0, state = 'open', host = '' } = options;
  const flag = Uint8Array.of(state === 'open' ? 0 : 1);
  const numbers = [u64(version), publicKey, u64(uses), u64(made), flag];
  const fields = [fromHex(epochId), ...numbers, utf8(host)];
  return parseSimulatedRecord(encodeFields([utf8('token'), ...fields])) as TokenRecord;
}

export function simulatedAdmission(
  swarm: Uint8Array,
  token: TokenRecord,
  nodeId: string,
): Uint8Array {
  const tag = fromHex(token.tag);
  const message = admissionMessage(swarm, tag, fromHex(nodeId));
  return joinAdmission(tag, hash('sha512', token.publicKey, message));
}

export function parseSimulatedRecord(bytes: Uint8Array): OperatorRecord | undefined {
  try {
    const [kind, ...fields] = decodeAllFields(bytes);
    if (fromUtf8(kind!) === 'list') return parseList(fields, bytes);
    if (fromUtf8(kind!) === 'epoch') return parseHead(fields, bytes);
    if (fromUtf8(kind!) === 'hub') return parseHub(fields, bytes);
    return fromUtf8(kind!) === 'token' ? parseToken(fields, bytes) : undefined;
  } catch {
    return undefined;
  }
}

function parseList([number, nodes, merges]: Uint8Array[], bytes: Uint8Array): OperatorRecord {
  const expelled = chunks(nodes!, 32).map((node) => prefixOfNode(toHex(node)));
  const merged = chunks(merges!, 32).map(toHex);
  const name = hashOf(bytes);
  return {
    kind: 'revocations',
    number: readU64(number!),
    hash: name,
    merges: merged,
    expelled,
    serials: [],
    bytes,
  };
}

/** The operator's word that a node is a hub. */
export function simulatedHub(nodeId: string): Uint8Array {
  return encodeFields([utf8('hub'), fromHex(nodeId)]);
}

function parseHub([node]: Uint8Array[], bytes: Uint8Array): OperatorRecord {
  const nodeId = toHex(node!);
  const serial = nodeId.slice(0, 32);
  return { kind: 'hub', number: 1, notBefore: 1, notAfter: 2 ** 40, nodeId, serial, bytes };
}

function parseHead([epoch, parent, parts]: Uint8Array[], bytes: Uint8Array): OperatorRecord {
  const number = readU64(epoch!);
  const none = new Uint8Array(0);
  return {
    kind: 'epoch',
    number,
    time: 0,
    ephemeral: none,
    keyHash: none,
    sealed: none,
    bytes,
    id: toHex(concat(u64(number), hash('sha256', bytes).subarray(0, 8))),
    ...(parent!.length > 0 && { parent: toHex(parent!) }),
    parts: chunks(parts!, 48).map((one) => ({
      hash: one.subarray(0, 32),
      first: one.subarray(32),
    })),
  };
}

function parseToken(fields: Uint8Array[], bytes: Uint8Array): OperatorRecord {
  const [epochId, version, publicKey, uses, made, flag, host] = fields as [
    ...[Uint8Array, Uint8Array, Uint8Array],
    ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array],
  ];
  const number = readU64(version);
  return {
    kind: 'token',
    number,
    version: number,
    publicKey,
    joinKey: publicKey,
    bytes,
    tag: toHex(hash('sha256', publicKey).subarray(0, 8)),
    epochId: toHex(epochId),
    uses: readU64(uses),
    made: readU64(made),
    notAfter: 2 ** 40,
    note: '',
    host: fromUtf8(host),
    state: flag[0] === 0 ? 'open' : 'ended',
  };
}

function chunks(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: bytes.length / length }, (_, at) =>
    bytes.slice(at * length, (at + 1) * length),
  );
}

function tag(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return hash('sha256', key, nonce, plain).subarray(0, 16);
}

function hash(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
