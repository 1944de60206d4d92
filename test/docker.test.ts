/** No container engine runs in the tests, so the files are held to what a parser can tell. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MAJORS } from './helpers/nodes.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (name: string) => readFileSync(resolve(ROOT, name), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: string[];
  readonly volumes?: string[];
  readonly depends_on?: Record<string, unknown>;
}

describe('docker-compose.yml', () => {
  const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };

  it('has PostgreSQL 18, a hub and three agents that join it', () => {
    expect(services['postgres']!.image).toBe('postgres:18');
    expect(services['hub']!.command!.join(' ')).toContain('exec swarmplane hub');
    const agents = Object.values(services).filter((service) => service.command?.includes('--join'));
    expect(agents).toHaveLength(3);
    for (const agent of agents) expect(agent.command).toContain('hub:7411');
  });

  it('holds no password: one is made on the first start', () => {
    const text = read('docker-compose.yml');
    expect(text).not.toMatch(/POSTGRES_PASSWORD:/);
    expect([...text.matchAll(/:\/\/[^:/\s]+:([^@]+)@/g)].map(([, it]) => it)).toEqual([
      '$$(cat /secret/password)',
    ]);
    for (const name of ['postgres', 'hub'])
      expect(services[name]!.volumes).toContain('secret:/secret:ro');
  });

  it('names only services and volumes that there are', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service.image ?? service.build, name).toBeDefined();
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(services).toHaveProperty(other);
      for (const volume of service.volumes ?? [])
        expect(volumes).toHaveProperty(volume.split(':')[0]!);
    }
    const states = Object.values(services).flatMap((service) =>
      (service.volumes ?? []).filter((volume) => volume.includes(':/state')),
    );
    expect(new Set(states).size).toBe(states.length);
  });
});

describe('Dockerfile', () => {
  it('copies what there is', () => {
    const sources = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      (match) => match[1]!.split(' '),
    );
    expect(sources).toContain('src');
    for (const source of sources)
      expect([source, existsSync(resolve(ROOT, source))]).toEqual([source, true]);
  });

  it('is on one Node.js of those that are tested', () => {
    const images = [...read('Dockerfile').matchAll(/^FROM node:(\d+)-/gm)].map(
      ([, major]) => major,
    );
    expect(images).toEqual(['24', '24']);
    expect(MAJORS.map(String)).toContain(images[0]);
  });

  it('keeps what the image does not need out of the build', () => {
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.git', 'node_modules', 'dist']),
    );
  });
});
