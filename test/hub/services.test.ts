import { expect, it } from 'vitest';
import { Services, type Service } from '../../src/hub/services.ts';

/** A service that writes down what it is told; `ends` holds its end back. */
function service(name: string, told: string[], ends: Promise<void> = Promise.resolve()): Service {
  return {
    start: () => void told.push(`start ${name}`),
    stop: async () => {
      told.push(`stop ${name}`);
      await ends;
      told.push(`${name} ended`);
    },
  };
}

it('begins stage by stage, and ends the other way round, a stage when the later one has ended', async () => {
  const told: string[] = [];
  let end!: () => void;
  const late = service('listener', told, new Promise((resolve) => (end = resolve)));
  const services = new Services([
    [service('presence', told)],
    [service('upkeep', told), service('sealer', told)],
    [late],
  ]);
  await services.start();
  expect(told.splice(0)).toEqual(
    ['presence', 'upkeep', 'sealer', 'listener'].map((n) => `start ${n}`),
  );
  const stopping = services.stop();
  expect(services.stop()).toBe(stopping);
  await new Promise(setImmediate);
  expect(told.splice(0)).toEqual(['stop listener']);
  end();
  await stopping;
  expect(told).toEqual([
    'listener ended',
    'stop upkeep',
    'stop sealer',
    'upkeep ended',
    'sealer ended',
    'stop presence',
    'presence ended',
  ]);
});

it('goes on where a start failed, and begins nothing twice', async () => {
  const told: string[] = [];
  let away = true;
  const services = new Services([
    [service('nodes', told)],
    [
      {
        start: () => {
          if (away) throw new Error('the database is away');
          told.push('start presence');
        },
      },
    ],
    [service('upkeep', told)],
  ]);
  await expect(services.start()).rejects.toThrow('the database is away');
  away = false;
  await services.start();
  expect(told).toEqual(['start nodes', 'start presence', 'start upkeep']);
});

it('begins nothing more once it is to end', async () => {
  const told: string[] = [];
  let go!: () => void;
  const slow = new Promise<void>((resolve) => (go = resolve));
  const services = new Services([[{ start: () => slow }], [service('upkeep', told)]]);
  const starting = services.start();
  await services.stop();
  go();
  await starting;
  expect(told).toEqual(['stop upkeep', 'upkeep ended']);
});
