// Opens bogus connections at a rate, from many loopback addresses, until its standard input ends.
// argv: port, connections a second, hex of a whole first frame to replay. Prints how many it opened.
import { connect } from 'node:net';

const [port, perSecond, firstFrame] = process.argv.slice(2);
const frame = Buffer.from(firstFrame, 'hex');
const GARBAGE = [
  Buffer.alloc(0),
  Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  Buffer.from('0000010053575'.padEnd(80, '7'), 'hex'),
  frame,
];
const TICK_MS = 20;
let opened = 0;
let due = 0;

function open() {
  const n = opened++;
  const localAddress = `127.${1 + (n % 250)}.${Math.floor(n / 250) % 250}.9`;
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.on('connect', () => socket.write(GARBAGE[n % GARBAGE.length]));
  socket.resume();
}

const timer = setInterval(() => {
  due += (Number(perSecond) * TICK_MS) / 1000;
  for (; due >= 1; due--) open();
}, TICK_MS);
process.stdin.resume();
process.stdin.on('end', () => {
  clearInterval(timer);
  process.stdout.write(`${opened}\n`, () => process.exit(0));
});
process.stdout.write('ready\n');
