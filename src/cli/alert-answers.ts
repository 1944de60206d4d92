/** `swarmplane alerts ack`, `mute` and `unmute`: what somebody answers to an alert of the hub. */
import type { Command } from 'commander';
import type { AlertAnswer } from '../hub/index.ts';
import { CliError } from './errors.ts';
import { databaseOf } from './options.ts';

interface Options {
  readonly database?: string;
  readonly why?: string;
  readonly until?: string;
  readonly for?: string;
}

export function registerAlertAnswers(alerts: Command): void {
  const database = "a hub's database; default: that of the hub here";
  alerts
    .command('ack')
    .argument('<id>', 'number of an open alert, as `alerts` prints it after #')
    .description('say that somebody sees to an alert; it stays open')
    .option('--why <TEXT>', 'what is being done')
    .option('--database <URL>', database)
    .action((id: string, _options: unknown, command: Command) => {
      const { why = '' } = command.optsWithGlobals<Options>();
      return tell(command, { say: 'acknowledge', id: idOf(id), why }, `acknowledged #${idOf(id)}`);
    });
  alerts
    .command('mute')
    .argument('<id>', 'number of an open alert')
    .description('tell nobody of an alert and its cause until a time; counted and ended as before')
    .option('--for <INTERVAL>', "how long, as '2 hours'")
    .option('--until <TIME>', "until when, as '2026-12-01 08:00+01'")
    .requiredOption('--why <TEXT>', 'why nobody need look')
    .option('--database <URL>', database)
    .action((id: string, _options: unknown, command: Command) => {
      const { until, for: span, why = '' } = command.optsWithGlobals<Options>();
      if ((until === undefined) === (span === undefined))
        throw new CliError(
          'until when is not said, or twice',
          "give --for '2 hours' or --until TIME",
        );
      const when = until === undefined ? { span: span! } : { until };
      return tell(command, { say: 'mute', id: idOf(id), why, ...when }, `muted #${idOf(id)}`);
    });
  alerts
    .command('unmute')
    .argument('<kind>', 'of the muted alert')
    .argument('<key>', 'of the muted alert')
    .description('end a mute before its time')
    .option('--database <URL>', database)
    .action((kind: string, key: string, _options: unknown, command: Command) =>
      tell(command, { say: 'unmute', kind, key }, `told of ${kind} ${key} again`),
    );
}

async function tell(command: Command, answer: AlertAnswer, said: string): Promise<void> {
  const url = databaseOf(command, command.optsWithGlobals<Options>().database);
  const { answerAlert } = await import('../hub/index.ts');
  await answerAlert(url, answer);
  process.stdout.write(`${said}\n`);
}

function idOf(text: string): string {
  const id = text.replace(/^#/, '');
  if (/^\d{1,18}$/.test(id)) return id;
  throw new CliError(
    `no number of an alert: ${JSON.stringify(text)}`,
    '`swarmplane alerts` prints them after #',
  );
}
