// Two programs that share a key of 32 bytes (64 hex digits) talk over a channel that proves both
// ends, seals every byte and changes its keys. Run the first line, then the second with its port:
//   node examples/secure-channel.mjs listen KEY
//   node examples/secure-channel.mjs connect KEY PORT
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { Channel, Identity } from 'swarmplane/secure';

const [mode, key, port] = process.argv.slice(2);
const random = (n) => new Uint8Array(randomBytes(n));
const swarmId = new Uint8Array(createHash('sha256').update('my program').digest());
const secrets = { swarmId, epoch: 1, epochKey: new Uint8Array(Buffer.from(key, 'hex')) };
const identity = Identity.create(random, Date.now() / 1000); // keep toBytes() to stay the same node

function talk(socket, role, onText) {
  const channel = new Channel({ role, secrets, identity, bootId: random(16), random });
  const flush = () => {
    for (let bytes; (bytes = channel.pollSend());) socket.write(bytes);
  };
  const handle = ({ peer, message }) => {
    if (peer) console.log(`peer ${peer.nodeId}`);
    const answer = onText(message && Buffer.from(message).toString(), socket);
    if (answer) channel.send(Buffer.from(answer), performance.now());
  };
  socket.setTimeout(10_000, () => socket.destroy(new Error('silent for 10 s')));
  socket.on('error', (error) => console.error(`closed: ${error.message}`));
  socket.on('data', (chunk) => {
    try {
      channel.receive(chunk, performance.now()).forEach(handle);
      flush();
    } catch (error) {
      socket.destroy(error);
    }
  });
  flush();
}

if (mode === 'listen') {
  const echo = (text) => text && `you said: ${text}`;
  const server = createServer((socket) => talk(socket, 'responder', echo));
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
} else {
  const ask = (text, socket) => {
    if (!text) return 'hello';
    socket.end(() => console.log(text));
  };
  const socket = connect(Number(port), '127.0.0.1', () => talk(socket, 'initiator', ask));
}
