/** Hubs as processes of their own for tests; none outlives its test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './hub-fixture.ts';

const PROGRAM = fileURLToPath(new URL('hub-process.ts', import.meta.url));

export interface HubProcess {
  readonly child: ChildProcess;
  /** Resolves at the next line that begins so. */
  said(start: string): Promise<void>;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Resolves once the hub is at work. `mode` as in hub-process.ts. */
export async function hubProcess(
  url: string,
  name: string,
  mode: string,
  folder = temporaryFolder(),
): Promise<HubProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, url, name, mode, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const said = (start: string): Promise<void> =>
    new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error(`ended before it said ${start}`)));
      lines.on('line', (line) => line.startsWith(start) && resolve());
    });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  onTestFinished(() => end('SIGKILL'));
  await said('ready');
  return { child, said, end };
}
