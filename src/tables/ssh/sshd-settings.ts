/** What sshd_config(5) and the files it includes say, in the order in which sshd reads them. */
import { posix } from 'node:path';

import { describeCode, tryRead } from '../lib/files.ts';
import { shellGlob } from '../lib/shell-glob.ts';
import type { CollectContext } from '../types.ts';
import { configLines, joinWords } from './config-lines.ts';

export interface SshdSetting {
  /** The conditions of the Match lines it stands under, empty for none. */
  readonly match: string;
  /** In lower case, by its present name. */
  readonly option: string;
  readonly words: readonly string[];
  readonly source: string;
  readonly line: number;
}

type SettingsContext = Pick<CollectContext, 'root' | 'warn'>;

export const SSHD_CONFIG = '/etc/ssh/sshd_config';

/**
 * Of an option's settings under the same conditions the first counts; options that gather have all.
 * None where there is no such file; what cannot be read is warned of.
 */
export function sshdSettings(context: SettingsContext): SshdSetting[] {
  const seen = new Set<string>();
  return [...settingsOf(context, SSHD_CONFIG, '', 0)].filter(({ match, option, words }) => {
    if (GATHERING.has(option)) return true;
    const key = `${match}\n${option}\n${option === 'subsystem' ? words[0] : ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

function* settingsOf(
  context: SettingsContext,
  source: string,
  outer: string,
  depth: number,
): Generator<SshdSetting> {
  const file = tryRead(context, source);
  if (!file.ok) {
    if (file.code !== 'ENOENT') context.warn(`cannot read ${source}: ${describeCode(file.code)}`);
    return;
  }
  // The conditions of an included file end with it.
  let match = outer;
  for (const { keyword, words, line } of configLines(file.bytes.toString('utf8'))) {
    if (keyword === 'match') match = [outer, joinWords(words)].filter(Boolean).join(' ');
    else if (keyword !== 'include') {
      yield { match, option: ALIASES[keyword] ?? keyword, words, source, line };
    } else if (depth >= DEPTH_MAX) {
      context.warn(`${source}: includes more than ${DEPTH_MAX} levels deep are not read`);
    } else {
      for (const pattern of words) {
        for (const path of shellGlob(context, posix.resolve('/etc/ssh', pattern))) {
          yield* settingsOf(context, path, match, depth + 1);
        }
      }
    }
  }
}

/** Lines of these add up. */
const GATHERING = new Set([
  ...['acceptenv', 'allowgroups', 'allowusers', 'denygroups', 'denyusers', 'hostcertificate'],
  ...['hostkey', 'listenaddress', 'port'],
]);

const ALIASES: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  skeyauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
  hostbasedacceptedkeytypes: 'hostbasedacceptedalgorithms',
  hostdsakey: 'hostkey',
  pubkeyacceptedkeytypes: 'pubkeyacceptedalgorithms',
};

/** sshd's own. */
const DEPTH_MAX = 16;
