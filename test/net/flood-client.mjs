// Opens bogus connections at a rate, from 50 networks of loopback addresses, until its standard input
// ends. Half of the networks are of the block that honest hosts of the test are in.
// argv: port, connections a second, then first bytes to send as hex, in turn. Prints how many it opened.
import { connect } from 'node:net';

const [port, perSecond, ...hex] = process.argv.slice(2);
const firsts = hex.map((text) => Buffer.from(text, 'hex'));
const NETWORKS = 50;
const TICK_MS = 20;
let opened = 0;
let due = 0;

function open() {
  const n = opened++;
  const network = n % NETWORKS;
  const block = network < NETWORKS / 2 ? '127.0' : `127.${network}`;
  const localAddress = `${block}.${1 + network}.${1 + (Math.floor(n / NETWORKS) % 250)}`;
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.on('connect', () => socket.write(firsts[n % firsts.length]));
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
