// Two programs that share a key of 32 bytes (64 hex digits) talk over a channel that proves both
// ends, seals every byte and changes its keys. Run the first line, then the second with its port:
//   node examples/secure-channel.mjs listen KEY
//   node examples/secure-channel.mjs connect KEY PORT
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { FRAME_MAX_AFTER_AUTH, FrameDecoder, encodeFrame } from 'swarmplane/secure';
import { Identity, MemberHandshake } from 'swarmplane/secure';

const [mode, key, port] = process.argv.slice(2);
const random = (n) => new Uint8Array(randomBytes(n));
const epochKey = new Uint8Array(Buffer.from(key, 'hex'));
const swarmId = new Uint8Array(createHash('sha256').update('my program').digest());
const secrets = { swarmId, epoch: 1, epochKey, joinKey: new Uint8Array(0) };
const identity = Identity.create(random, Date.now() / 1000); // keep toBytes() to stay the same node

function open(socket, role, handlers) {
  const handshake = new MemberHandshake({ role, secrets, identity, bootId: random(16), random });
  const decoder = new FrameDecoder();
  let session;
  const write = (body) => socket.write(encodeFrame(body));
  const flush = () => {
    for (let control; (control = session.pollSend());) write(control);
  };
  const send = (text) => {
    if (session.needsRekey(performance.now())) session.startRekey(performance.now());
    flush();
    write(session.seal(Buffer.from(text)));
  };
  const handle = (frame) => {
    if (session !== undefined) {
      const message = session.open(frame); // throws on anything but the very next frame
      flush();
      if (message !== undefined) handlers.message(Buffer.from(message).toString(), send, socket);
      return;
    }
    const step = handshake.handle(frame);
    if (step.send !== undefined) write(step.send);
    if (step.done === undefined) return;
    ({ session } = step.done);
    decoder.setMaxBytes(FRAME_MAX_AFTER_AUTH);
    socket.setTimeout(0);
    handlers.ready(step.done.peer.nodeId, send);
  };
  socket.setTimeout(10_000, () => socket.destroy(new Error('no handshake within 10 s')));
  socket.on('error', (error) => console.error(`closed: ${error.message}`));
  socket.on('data', (chunk) => {
    try {
      for (const frame of decoder.push(chunk)) handle(frame);
    } catch (error) {
      socket.destroy(error);
    }
  });
  if (role === 'initiator') write(handshake.start());
}

if (mode === 'listen') {
  const ready = (peer) => console.log(`peer ${peer}`);
  const message = (text, send) => send(`you said: ${text}`);
  const server = createServer((socket) => open(socket, 'responder', { ready, message }));
  server.listen(Number(port ?? 0), '127.0.0.1', () => console.log(`port ${server.address().port}`));
} else {
  const ready = (peer, send) => (console.log(`peer ${peer}`), send('hello'));
  const message = (text, _send, socket) => (console.log(text), socket.end());
  const socket = connect(Number(port), '127.0.0.1', () =>
    open(socket, 'initiator', { ready, message }),
  );
}
