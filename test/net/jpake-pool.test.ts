import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { JpakePool } from '../../src/net/jpake-pool.ts';
import type { HandshakeRole, PakeOptions } from '../../src/secure/index.ts';
import { random, until } from './swarm-nodes.ts';

const LIMITS = { pakeIdleMs: 60_000, pakeStepMs: 20_000 };
const pools: JpakePool[] = [];
const folder = mkdtempSync(join(tmpdir(), 'swarmplane-pake-'));
let scripts = 0;
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makePool(limits = {}, script?: URL): JpakePool {
  const pool = new JpakePool({ ...LIMITS, ...limits }, script);
  pools.push(pool);
  return pool;
}

const shared = { joinKey: random(32), swarmId: random(32), tag: random(8) };

function side(role: HandshakeRole, joinKey = shared.joinKey): PakeOptions {
  return { ...shared, joinKey, role, selfId: random(32) };
}

/** A whole exchange; the keys of both sides. */
async function exchange(pool: JpakePool, responderKey = shared.joinKey): Promise<Uint8Array[]> {
  const initiator = pool.create(side('initiator'));
  const responder = pool.create(side('responder', responderKey));
  try {
    const i1 = await initiator.round1();
    const r1 = await responder.round1(i1);
    const i2 = await initiator.round2(r1);
    const r2 = await responder.round2(i1);
    const iTag = await initiator.finish(r2);
    const rTag = await responder.finish(i2);
    const rKey = await responder.confirm(iTag);
    return [await initiator.confirm(rTag), rKey];
  } finally {
    initiator.drop();
    responder.drop();
  }
}

describe('J-PAKE in a worker', () => {
  test('two sides agree, off the main thread, and the worker starts with the first exchange', async () => {
    const pool = makePool();
    expect(pool.threadId).toBeUndefined();
    const [one, other] = await exchange(pool);
    expect(one).toHaveLength(32);
    expect(one).toEqual(other);
    expect(pool.threadId).toBeGreaterThan(0);
  });

  test('a wrong secret comes back as secure says it', async () => {
    const pool = makePool();
    await expect(exchange(pool, random(32))).rejects.toMatchObject({ code: 'wrong_secret' });
    const [one, other] = await exchange(pool);
    expect(one).toEqual(other);
  });

  test('bytes that are no message end that exchange only', async () => {
    const pool = makePool();
    const good = pool.create(side('initiator'));
    await good.round1();
    const bad = pool.create(side('responder'));
    await expect(bad.round1(random(353))).rejects.toMatchObject({ name: 'SecureError' });
    await expect(bad.round2(random(353))).rejects.toMatchObject({ code: 'closed' });
    const { threadId } = pool;
    await exchange(pool);
    expect(pool.threadId).toBe(threadId);
  });

  test('an idle worker is let go; a new exchange gets a new one', async () => {
    const pool = makePool({ pakeIdleMs: 1 });
    await exchange(pool);
    await until(() => pool.threadId === undefined);
    await exchange(pool);
  });

  test('a worker that crashes fails the exchanges it held, and the next gets a new worker', async () => {
    const pool = makePool({}, script('process.exit(7)'));
    const one = pool.create(side('initiator'));
    await expect(one.round1()).rejects.toMatchObject({
      code: 'worker_failed',
      message: expect.stringContaining('7') as string,
    });
    await expect(one.round2(random(1))).rejects.toMatchObject({ code: 'worker_failed' });
    await expect(pool.create(side('initiator')).round1()).rejects.toMatchObject({
      code: 'worker_failed',
    });
  });

  test('a worker that cannot be started, throws, or is stuck fails the exchange too', async () => {
    const missing = makePool({}, pathToFileURL(join(folder, 'missing.mjs')));
    await expect(missing.create(side('initiator')).round1()).rejects.toMatchObject({
      code: 'worker_failed',
    });
    const throwing = makePool({}, script("throw new Error('out of luck')"));
    await expect(throwing.create(side('initiator')).round1()).rejects.toMatchObject({
      code: 'worker_failed',
      cause: expect.objectContaining({ message: 'out of luck' }) as Error,
    });
    const stuck = makePool({ pakeStepMs: 50 }, script('for (;;);'));
    await expect(stuck.create(side('initiator')).round1()).rejects.toMatchObject({
      code: 'worker_failed',
    });
    expect(stuck.threadId).toBeUndefined();
  });

  test('stopping fails what is under way', async () => {
    const pool = makePool();
    const under = pool.create(side('initiator')).round1();
    const failed = expect(under).rejects.toMatchObject({ code: 'stopped' });
    await pool.stop();
    await failed;
  });
});

/** A worker that does `work` at its first message. */
function script(work: string): URL {
  const file = join(folder, `worker${scripts++}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', () => { ${work} });\n`,
  );
  return pathToFileURL(file);
}
