/** A member that a test speaks for, byte by byte: real keys and sessions, nothing else. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  Identity,
  MemberHandshake,
  type Session,
  type SwarmSecrets,
} from '../../src/secure/index.ts';
import { FrameDecoder, encodeFrame } from '../../src/wire/index.ts';
import { admitted } from './swarm-nodes.ts';

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

export class RawMember {
  readonly socket: Socket;
  readonly session: Session;
  readonly #decoder: FrameDecoder;

  private constructor(socket: Socket, session: Session, decoder: FrameDecoder) {
    this.socket = socket;
    this.session = session;
    this.#decoder = decoder;
  }

  static identity(): Identity {
    return Identity.create(random, Math.floor(Date.now() / 1000));
  }

  /** Connects and does the member handshake; the socket is paused afterwards. */
  static async connect(
    at: { host: string; port: number },
    secrets: SwarmSecrets,
    identity = RawMember.identity(),
  ): Promise<RawMember> {
    const socket = connect(at);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const bootId = random(16);
    const handshake = new MemberHandshake({
      role: 'initiator',
      identity,
      bootId,
      random,
      secrets: admitted(secrets, identity),
    });
    socket.write(encodeFrame(handshake.start()));
    const decoder = new FrameDecoder();
    for (;;) {
      const [bytes] = await firstOf(socket);
      for (const frame of decoder.push(bytes)) {
        const { send, done } = handshake.handle(frame);
        if (send !== undefined) socket.write(encodeFrame(send));
        if (done === undefined) continue;
        socket.pause();
        decoder.setMaxBytes(256 * 1024);
        return new RawMember(socket, done.session, decoder);
      }
    }
  }

  /** False when the socket wants a pause. */
  send(message: Uint8Array): boolean {
    return this.socket.write(encodeFrame(this.session.seal(message)));
  }

  /** Takes what comes and keeps nothing. */
  drain(): void {
    this.#listen(() => undefined);
  }

  /** Takes what comes and keeps all of it; the result grows. */
  collect(): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    this.#listen((message) => messages.push(message));
    return messages;
  }

  #listen(take: (message: Uint8Array) => void): void {
    this.socket.on('data', (bytes) => {
      for (const frame of this.#decoder.push(bytes)) {
        const message = this.session.open(frame);
        if (message !== undefined) take(message);
      }
    });
    this.socket.resume();
  }

  async closed(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
  }
}

/** @throws Error when the connection ends */
async function firstOf(socket: Socket): Promise<[Buffer]> {
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error('the connection ended in the handshake'));
  socket.once('close', end);
  try {
    return (await once(socket, 'data', { signal: ended.signal })) as [Buffer];
  } finally {
    socket.off('close', end);
  }
}
