/**
 * net: sockets, real clocks, real randomness, the J-PAKE worker. Drives secure's handshakes and
 * sessions and the swarm core. docs/protocol.md sections 2 to 5 are its specification.
 */
export * from './address.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './node.ts';
export * from './options.ts';
export * from './tuning.ts';
