/**
 * The hostile member, a process of its own that gives way to the hosts (nicer than they by 10): what is measured is
 * what its messages cost the hosts, not what it takes of the machine to make them.
 */
import { getPriority, setPriority } from 'node:os';
import { Identity, OperatorKey, signAdmission } from '../../src/secure/index.ts';
import type { SwarmSecrets } from '../../src/secure/index.ts';
import { encodeMessage } from '../../src/wire/index.ts';
import { RawMember } from '../net/raw-member.ts';
import { random } from '../net/swarm-nodes.ts';
import { ATTACKS, introduction } from './attacks.ts';
import type { Attacker } from './attacks.ts';

interface Start {
  readonly secrets: SwarmSecrets;
  /** Of the token by which it was admitted. */
  readonly seed: Uint8Array;
  /** Words of a key of the operator that was revoked, and the statements about it. */
  readonly words: string;
  readonly statements: readonly Uint8Array[];
  readonly hosts: readonly { nodeId: string; address: { host: string; port: number } }[];
}

const WAITING_MAX = 1024 * 1024;
const AT_ONCE = 20;

let attacker: Attacker;
let raws: RawMember[] = [];
let isOver = true;

const OPERATIONS = {
  async start({ secrets, seed, words, statements, hosts }: Start): Promise<string> {
    setPriority(Math.min(19, getPriority() + 10));
    const identity = Identity.create(random, Math.floor(Date.now() / 1000));
    const { swarmId } = secrets;
    const admission = signAdmission(seed, swarmId, identity.nodeId);
    const victims = hosts.map(({ nodeId }) => nodeId);
    const stolen = OperatorKey.fromWords(words, swarmId);
    attacker = { identity, swarmId, admission, victims, stolen, statements };
    for (const { address } of hosts) {
      const raw = await RawMember.connect(address, { ...secrets, admission }, identity);
      raw.drain();
      raw.send(introduction(attacker));
      raws.push(raw);
    }
    const heartbeat = encodeMessage({ t: 'heartbeat' });
    setInterval(() => raws.forEach((raw) => raw.send(heartbeat)), 2_000);
    return identity.nodeId;
  },
  /** Sends to all hosts, as fast as they read, until it is told to end. */
  attack(name: string): void {
    isOver = false;
    const messages = ATTACKS[name]!.messages(attacker);
    const round = (): void => {
      for (let n = 0; n < AT_ONCE; n++) {
        const { value } = messages.next();
        for (const raw of writable()) raw.send(value);
      }
      if (!isOver) setTimeout(round, 1);
    };
    round();
  },
  end(): void {
    isOver = true;
  },
};

/** Those whose socket takes more without piling up here. */
function writable(): RawMember[] {
  raws = raws.filter(({ socket }) => socket.writable);
  return raws.filter(({ socket }) => socket.writableLength < WAITING_MAX);
}

interface Question {
  readonly id: number;
  readonly operation: keyof typeof OPERATIONS;
  readonly argument: never;
}

process.on('message', ({ id, operation, argument }: Question) => {
  Promise.resolve()
    .then<unknown>(() => OPERATIONS[operation](argument))
    .then(
      (result) => process.send!({ id, result }),
      (error: Error) => process.send!({ id, error: error.stack }),
    );
});
process.on('disconnect', () => process.exit(0));
