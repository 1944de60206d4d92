/** The demo's one action: harmless, on at every host of the demo, and its hub may command it. */
import { existsSync } from 'node:fs';
import {
  addAction,
  CONFIG_FILE,
  CONTROL_SOCKET,
  controlOnce,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  type StateFolder,
} from '../agent/index.ts';
import { agentActions } from './actions.ts';

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

/** Gives the hub its certificate, unless it has one, or the operator key was moved away. */
export async function grantDemoAction(state: StateFolder, nodeId: string): Promise<void> {
  const socket = state.file(CONTROL_SOCKET);
  const { allowed } = await agentActions(socket);
  const key = state.file(OPERATOR_KEY_FILE);
  if (allowed.includes(DEMO_ACTION) || allowed.includes('*') || !existsSync(key)) return;
  const desk = await OperatorDesk.open(key);
  const grant = { nodeId, roles: ['commander'], actions: [DEMO_ACTION], tables: [], days: 90 };
  await controlOnce(socket, { op: 'install', records: [desk.grant(grant).bytes] });
}
