/**
 * kill -9 at every message boundary of both handshakes, at either end. Each round: a fresh handshake
 * through the proxy, one of the two processes killed at one boundary and started again on what it
 * left on disk; the pair must come back and answer a question.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readSecrets, writeSecrets } from '../../src/agent/state/secrets-file.ts';
import { StateFolder } from '../../src/agent/state/state-folder.ts';
import { Host, MessageProxy, temporaryFolder } from './kill-rig.ts';
import { toHex } from '../../src/wire/index.ts';
import { createSwarm, type TestSwarm } from './swarm-nodes.ts';

export interface KillCase {
  readonly handshake: 'member' | 'admission';
  /** How many messages have begun; 0: connected, nothing said. */
  readonly message: number;
  /** Whether the last of them passes before the kill. */
  readonly passes: boolean;
  readonly victim: Name;
}

type Name = 'initiator' | 'responder';
const MESSAGES = { admission: 8, member: 3 } as const;

/** Every boundary, 48 cases. */
export const KILL_CASES: readonly KillCase[] = (['admission', 'member'] as const).flatMap(
  (handshake) =>
    Array.from({ length: MESSAGES[handshake] + 1 }, (_, message) =>
      (['initiator', 'responder'] as const).flatMap((victim) =>
        (message === 0 ? [true] : [false, true]).map((passes) => ({
          handshake,
          message,
          passes,
          victim,
        })),
      ),
    ).flat(),
);

export class KillRounds {
  readonly #folder = temporaryFolder();
  readonly #swarm: TestSwarm;
  readonly #proxy: MessageProxy;
  readonly #hosts: Partial<Record<Name, Host>> = {};
  #spare = new Host();
  #round = 0;

  private constructor(swarm: TestSwarm, proxy: MessageProxy) {
    this.#swarm = swarm;
    this.#proxy = proxy;
  }

  static async start(): Promise<KillRounds> {
    const rounds = new KillRounds(await createSwarm(), await MessageProxy.start());
    for (const name of ['responder', 'initiator'] as const) {
      mkdirSync(rounds.#path(name));
      writeSecrets(rounds.#state(name), rounds.#swarm.secrets);
      rounds.#state(name).writeSync('store-records', rounds.#swarm.records);
      await rounds.#begin(name);
    }
    await rounds.#whole();
    return rounds;
  }

  /** The next case, with a pause before the kill that grows from one pass over all cases to the next. */
  async next(): Promise<KillCase> {
    const round = this.#round++;
    const one = KILL_CASES[round % KILL_CASES.length]!;
    const pauseMs = (Math.floor(round / KILL_CASES.length) * 3) % 40;
    try {
      await this.#run(one, pauseMs);
    } catch (cause) {
      throw new Error(`round ${round}, pause ${pauseMs} ms: ${JSON.stringify(one)}`, { cause });
    }
    return one;
  }

  async stop(): Promise<void> {
    await Promise.all([...Object.values(this.#hosts), this.#spare].map((host) => host.kill()));
    await this.#proxy.stop();
    this.#folder.remove();
  }

  async #run({ handshake, message, passes, victim }: KillCase, pauseMs: number): Promise<void> {
    if (handshake === 'admission') await this.#forgetAdmission();
    const dead = new Promise<void>((resolve, reject) => {
      const kill = (): void => void this.#hosts[victim]!.kill().then(resolve, reject);
      const at = pauseMs === 0 ? kill : () => setTimeout(kill, pauseMs);
      this.#proxy.set({ message, passes, at });
    });
    if (handshake === 'admission') await this.#begin('initiator');
    else this.#proxy.cut();
    await dead;
    this.#checkLeft(victim);
    const { member } = await this.#begin(victim);
    if (handshake === 'admission' && victim === 'initiator' && pauseMs === 0) {
      // Nothing short of the last message makes a member; in a pause more of them may pass.
      if (message < MESSAGES.admission || !passes) assert.equal(member, false);
    }
    await this.#whole();
  }

  /** The initiator has only the token again, and the id it always had. */
  async #forgetAdmission(): Promise<void> {
    await this.#hosts.initiator!.kill();
    for (const name of ['swarm.json', 'store-records']) this.#state('initiator').remove(name);
  }

  /** What a killed host left is what it was started with, or all that admission gave. */
  #checkLeft(name: Name): void {
    const left = readSecrets(this.#state(name));
    if (left === undefined && name === 'initiator') return;
    assert.deepEqual(plain(left), plain(this.#swarm.secrets));
  }

  async #begin(name: Name): Promise<{ member: boolean }> {
    const host = this.#spare;
    this.#hosts[name] = host;
    this.#spare = new Host();
    const seeds = name === 'initiator' ? [this.#proxy.address] : [];
    // Nobody is where the initiator says that it is: all handshakes go one way, through the proxy.
    const advertise = name === 'initiator' ? '127.0.0.1:1' : this.#proxy.address;
    if (name === 'responder') this.#proxy.target = undefined;
    const { swarmId, joining } = this.#swarm.stranger;
    const { joinKey, seed, tag } = joining!;
    const token = [swarmId, joinKey, seed, tag].map(toHex);
    host.tell(JSON.stringify({ name, state: this.#path(name), seeds, advertise, token }));
    const { up, member } = await host.line((line) => line.up !== undefined);
    if (name === 'responder') this.#proxy.target = up;
    return { member: member! };
  }

  /** Both see each other, answer, and hold the secrets of members. */
  async #whole(): Promise<void> {
    const { initiator, responder } = this.#hosts as Record<Name, Host>;
    await Promise.all([initiator.linkedTo('responder'), responder.linkedTo('initiator')]);
    assert.deepEqual(await initiator.ask(), ['initiator ok', 'responder ok']);
    for (const name of ['initiator', 'responder'] as const) {
      assert.deepEqual(plain(readSecrets(this.#state(name))), plain(this.#swarm.secrets));
    }
  }

  #path(name: Name): string {
    return `${this.#folder.path}/${name}`;
  }

  #state(name: Name): StateFolder {
    return StateFolder.existing(this.#path(name));
  }
}

/** Uint8Arrays and Buffers of the same bytes are the same; each host has an admission of its own. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) =>
      key === 'admission' ? undefined : part instanceof Uint8Array ? toHex(part) : part,
    ),
  );
}
