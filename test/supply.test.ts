/** What a user installs is what was tested: pinned, hashed, bundled, and compiled by nobody. */
import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  /** For development, and an optional peer of what is not. */
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies',
  Record<string, string>
> & { bundleDependencies: string[] };
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
const required = locked.filter(
  ([, { dev, devOptional, optional }]) => !(dev ?? devOptional ?? optional ?? false),
);

describe('the packages', () => {
  it('are of one version each, by package.json and by the lock file', () => {
    const wanted = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    };
    for (const [name, version] of Object.entries(wanted)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+[-.\w]*$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  it('come from the registry, each under a SHA-512 that npm ci checks', () => {
    const strange = locked.filter(
      ([, { integrity, resolved }]) =>
        integrity?.startsWith('sha512-') !== true ||
        (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    );
    expect(strange).toEqual([]);
  });

  it('that every user needs travel inside the package, all of them', () => {
    expect(manifest.bundleDependencies).toEqual(Object.keys(manifest.dependencies));
    expect(required.filter(([, { inBundle }]) => inBundle !== true)).toEqual([]);
  });

  it('that every user needs run nothing when they are installed', () => {
    expect(required.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });

  it("are without alasql's React Native tree", () => {
    expect(required.filter(([path]) => /react-native|\/react$/.test(path))).toEqual([]);
  });
});

describe('npm run signatures', () => {
  it.each([
    [404, '', /^swarmplane: signatures were not checked: .* gives no keys \(HTTP 404\)\n$/],
    [200, '{"keys":[]}', /^swarmplane: signatures were not checked: .* \(an empty answer\)\n$/],
  ])('says that nothing was checked where the registry answers %d %s', async (code, body, says) => {
    const [ended, said] = await signaturesBy((url) =>
      url.endsWith('/keys') ? [code, body] : undefined,
    );
    expect([ended, said]).toEqual([0, expect.stringMatching(says)]);
  });

  it('fails where the registry has keys and packages are not signed by them', async () => {
    const key = {
      expires: null,
      keyid: 'SHA256:x',
      keytype: 'ecdsa',
      scheme: 'ecdsa',
      key: 'AA==',
    };
    const [ended] = await signaturesBy((url) =>
      url.endsWith('/keys') ? [200, JSON.stringify({ keys: [key] })] : undefined,
    );
    expect(ended).not.toBe(0);
  });
});

/** Its exit code and standard output with a registry of ours, which knows no package. */
async function signaturesBy(
  answer: (url: string) => [number, string] | undefined,
): Promise<[number, string]> {
  const server = createServer((request, response) => {
    const [code, body] = answer(request.url ?? '') ?? [404, '{}'];
    response.writeHead(code, { 'content-type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const script = new URL('../scripts/signatures.mjs', import.meta.url);
    const child = spawn(process.execPath, [script.pathname], {
      env: {
        ...process.env,
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_fetch_retries: '0',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [[code], said] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
    return [code as number, said];
  } finally {
    server.close();
  }
}
