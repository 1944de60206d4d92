/**
 * A hub as a process of its own, to be killed and stopped: node --import tsx hub-process.ts URL NAME MODE.
 * MODE: `ok` answers, `hang` never does, `once` hangs at the first try of each host and answers then.
 * Prints `ready`, then `asked SQL` for each try; SIGTERM is the graceful stop.
 */
import { Hub } from '../../src/hub/hub.ts';
import { silentLog } from '../../src/hub/log.ts';
import { QUICK } from './quick.ts';
import { ScriptedAsker } from './scripted-asker.ts';

const [url = '', name = '', mode = 'ok'] = process.argv.slice(2);
const asker = new ScriptedAsker([name, 'web1', 'web2']);
asker.behave = (host, sql, nth) => {
  console.log(`asked ${sql}`);
  if (mode === 'hang' || (mode === 'once' && nth === 1)) return 'hang';
  return { state: 'ok', columns: ['by'], rows: [[`${name} ${host}`]] };
};
const hub = await Hub.start({ databaseUrl: url, asker, log: silentLog, tuning: QUICK });
process.once('SIGTERM', () => void hub.stop().then(() => process.exit(0)));
console.log('ready');
