/** The demo's one action: harmless, on at every host of the demo, and its hub may command it. */
import { existsSync } from 'node:fs';
import {
  addAction,
  CONFIG_FILE,
  CONTROL_SOCKET,
  controlOnce,
  HUB_DAYS,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  type StateFolder,
} from '../agent/index.ts';
import { agentActions } from './actions.ts';
import { agentStatus } from './status.ts';

export const DEMO_ACTION = 'say-hello';

/** Writes it into the host's configuration, unless it is there. */
export function allowDemoAction(state: StateFolder): void {
  const before = state.readText(CONFIG_FILE)!;
  const after = addAction(before, DEMO_ACTION, {
    program: '/bin/echo',
    args: ['hello {name}'],
    patterns: { name: '[A-Za-z ]{1,40}' },
  });
  if (after !== before) state.writeSync(CONFIG_FILE, after);
}

/**
 * Gives the hub its certificates, as one and to command the action, unless it has them, or the operator key
 * was moved away: those of a folder of last year have ended.
 */
export async function certifyDemoHub(state: StateFolder, nodeId: string): Promise<void> {
  const socket = state.file(CONTROL_SOCKET);
  const key = state.file(OPERATOR_KEY_FILE);
  if (!existsSync(key)) return;
  const desk = await OperatorDesk.open(key);
  const { allowed } = await agentActions(socket);
  const { hub } = await agentStatus(socket);
  const install = (bytes: Uint8Array) => controlOnce(socket, { op: 'install', records: [bytes] });
  if (hub?.['certificate'] !== 'good') await install(desk.grantHub(nodeId, HUB_DAYS).bytes);
  if (allowed.includes(DEMO_ACTION) || allowed.includes('*')) return;
  const grant = { nodeId, roles: ['commander'], actions: [DEMO_ACTION], tables: [], days: 90 };
  await install(desk.grant(grant).bytes);
}
