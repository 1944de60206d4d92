/** Five real nodes, all linked, and one hostile member with a link to each of them. */
import { issueRevocations } from '../../src/secure/index.ts';
import { encodeMessage, utf8 } from '../../src/wire/index.ts';
import { RawMember } from '../net/raw-member.ts';
import { admitted, createSwarm, meshed, startNode, until } from '../net/swarm-nodes.ts';
import type { TestNode, TestSwarm } from '../net/swarm-nodes.ts';
import { introduction } from './attacks.ts';
import type { Attack, Attacker } from './attacks.ts';

/** A busy machine is not what these tests are about. */
const PATIENT = { firstMessageMs: 30_000, handshakeMs: 60_000, linkDeadMs: 15_000 };

export class Fleet {
  readonly swarm: TestSwarm;
  readonly nodes: readonly TestNode[];
  readonly attacker: Attacker;
  readonly #raws: readonly RawMember[];
  #beat: NodeJS.Timeout;

  private constructor(
    swarm: TestSwarm,
    nodes: readonly TestNode[],
    attacker: Attacker,
    raws: readonly RawMember[],
  ) {
    this.swarm = swarm;
    this.nodes = nodes;
    this.attacker = attacker;
    this.#raws = raws;
    const heartbeat = encodeMessage({ t: 'heartbeat' });
    this.#beat = setInterval(() => raws.forEach((raw) => raw.send(heartbeat)), 2_000);
  }

  /** `quiet` is called before the hostile member comes. */
  static async start(count: number, quiet: (nodes: readonly TestNode[]) => void): Promise<Fleet> {
    const swarm = await createSwarm(100);
    const first = await startNode('n0', swarm.secrets, { tuning: PATIENT });
    const rest = Array.from({ length: count - 1 }, (_, at) =>
      startNode(`n${at + 1}`, swarm.secrets, { tuning: PATIENT, seeds: [first.address] }),
    );
    const nodes = [first, ...(await Promise.all(rest))];
    await meshed(...nodes);
    // Until each has shown its prekey a named host ends as `no_key`.
    while (!(await askAll(nodes, first)).every((state) => state === 'ok'));
    quiet(nodes);
    const identity = RawMember.identity();
    const attacker: Attacker = {
      identity,
      swarmId: swarm.secrets.swarmId,
      admission: admitted(swarm.secrets, identity).admission!,
      victims: nodes.map((one) => one.identity.nodeId),
    };
    const raws: RawMember[] = [];
    for (const one of nodes) {
      const raw = await RawMember.connect(one.node.address, swarm.secrets, identity);
      raw.drain();
      raw.send(introduction(attacker));
      raws.push(raw);
    }
    const isKnown = ({ node }: TestNode): boolean =>
      node.members().some(({ nodeId, name }) => nodeId === identity.nodeId && name === 'hostile');
    await until(() => nodes.every(isKnown));
    return new Fleet(swarm, nodes, attacker, raws);
  }

  /** Sends to all nodes, as fast as they read, until `over`; then what is on its way is left alone. */
  async attack(attack: Attack, over: Promise<unknown>): Promise<void> {
    let isOver = false;
    const end = over.finally(() => (isOver = true));
    end.catch(() => undefined);
    const messages = attack.messages(this.attacker);
    while (!isOver) {
      for (let n = 0; n < 20; n++) {
        const { value } = messages.next();
        for (const raw of this.#writable()) raw.send(value);
      }
      await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 1))]);
    }
    await end;
  }

  /** States, or codes, of all nodes, as asked by one. */
  ask(from: TestNode): Promise<string[]> {
    return askAll(this.nodes, from);
  }

  async expel(): Promise<void> {
    const expelled = [this.attacker.identity.nodeId];
    const day = Math.floor(Date.now() / 86_400_000);
    const { bytes } = issueRevocations(this.swarm.operator, [], { expelled }, { day, epoch: 1 });
    await this.nodes[0]!.node.install({ records: [bytes], parts: [] });
  }

  stop(): void {
    clearInterval(this.#beat);
    for (const raw of this.#raws) raw.socket.destroy();
  }

  /** Those whose socket takes more without piling up here. */
  #writable(): RawMember[] {
    return this.#raws.filter(
      ({ socket }) => socket.writable && socket.writableLength < 1024 * 1024,
    );
  }
}

async function askAll(nodes: readonly TestNode[], from: TestNode): Promise<string[]> {
  const targets = { kind: 'nodes', nodes: nodes.map((one) => one.identity.nodeId) } as const;
  const spec = { kind: 'query', body: utf8('q'), targets, timeoutMs: 8_000 };
  for await (const event of from.node.request(spec))
    if (event.kind === 'account')
      return event.account.hosts.map(({ code, state }) => code ?? state);
  throw new Error('no account');
}
