/**
 * A hub as a process of its own, to be killed and stopped: node --import tsx hub-process.ts URL NAME MODE FOLDER.
 * MODE: `ok` answers, `hang` never does, `once` hangs at the first try of each host and answers then,
 * `late` answers once SIGUSR2 came. FOLDER is for the spool.
 * Prints `ready`, then `asked SQL` for each try; SIGTERM is the graceful stop.
 */
import { Hub } from '../../src/hub/hub.ts';
import { silentLog } from '../../src/hub/log.ts';
import { QUICK } from './quick.ts';
import { ScriptedAsker } from './scripted-asker.ts';

const [url = '', name = '', mode = 'ok', folder = ''] = process.argv.slice(2);
const told = new Promise((resolve) => process.once('SIGUSR2', resolve));
const asker = new ScriptedAsker([name, 'web1', 'web2']);
asker.behave = async (host, sql, nth) => {
  console.log(`asked ${sql}`);
  if (mode === 'hang' || (mode === 'once' && nth === 1)) return 'hang';
  if (mode === 'late') await told;
  return { state: 'ok', columns: ['by'], rows: [[`${name} ${host}`]] };
};
const hub = await Hub.start({
  databaseUrl: url,
  asker,
  spoolFolder: folder,
  log: silentLog,
  tuning: QUICK,
});
process.once('SIGTERM', () => void hub.stop());
console.log('ready');
