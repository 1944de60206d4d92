/** The help text is the specification: exact, so that a change of it is seen. */
import { describe, expect, it } from 'vitest';
import { swarmplane } from '../helpers/swarm.ts';

describe('help', () => {
  it('of the program names every command', async () => {
    const { stdout, code } = await swarmplane(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot();
  });

  it('of query states the exit codes', async () => {
    const { stdout } = await swarmplane(['query', '--help']);
    expect(stdout).toMatchInlineSnapshot();
  });
});
