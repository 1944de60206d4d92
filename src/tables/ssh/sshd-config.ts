/** sshd_config: how the ssh server lets people in. */
import { integer, text } from '../lib/columns.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { joinWords } from './config-lines.ts';
import { sshdSettings } from './sshd-settings.ts';

export const sshdConfig: SnapshotTable = {
  name: 'sshd_config',
  description:
    'Settings of the ssh server that are in force, with the file and line each comes from, and its ' +
    'defaults as sshd -T tells them. What stands under Match holds instead for the connections that ' +
    'it names; of several that match the first counts.',
  kind: 'snapshot',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['match', 'option', 'value', 'source', 'line'],
  columns: [
    text('match', 'Conditions of the Match lines it stands under; empty where it holds for all.'),
    text('option', 'Name of the setting in lower case, as permitrootlogin.'),
    text('value', 'Its value as written; of a default as sshd -T prints it.'),
    text('source', 'The file it stands in; NULL for a default.'),
    integer('line', 'Line of that file, counted from 1; NULL for a default.'),
  ],
  async collect(context) {
    const written = sshdSettings(context);
    const rows: Row[] = written.map(({ match, option, words, source, line }) => ({
      match,
      option,
      value: joinWords(words),
      source,
      line,
    }));
    const set = new Set(written.filter(({ match }) => match === '').map(({ option }) => option));
    return [...rows, ...(await defaults(context)).filter(({ option }) => !set.has(`${option}`))];
  },
};

/** All settings that hold for everybody, as sshd itself finds them; none where there is no sshd. */
async function defaults(context: CollectContext): Promise<Row[]> {
  try {
    const { code, stdout, stderr } = await runProgram(context, '/usr/sbin/sshd', ['-T']);
    if (code !== 0) {
      context.warn(
        `defaults are not shown: sshd -T failed: ${lines(stderr)[0] ?? `exit code ${code}`}`,
      );
      return [];
    }
    return lines(stdout).map((line) => {
      const [option = '', ...value] = line.split(' ');
      return { match: '', option, value: value.join(' '), source: null, line: null };
    });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (error.reason !== 'missing') context.warn(`defaults are not shown: ${error.message}`);
    return [];
  }
}
