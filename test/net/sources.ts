import type { Source } from '../../src/wire/index.ts';

/** Somebody of a made-up network, each network a block of its own. */
export function from(network: string, host = '1', block = network): Source {
  return { block, network, address: `${network}.${host}` };
}
