import type { Command } from 'commander';
import { controlOnce, planRotation, type OperatorDesk } from '../agent/index.ts';
import type { NewEpochOrder, Placed, RotationPlan } from '../agent/index.ts';
import { CliError } from './errors.ts';
import { confirm, hostMeant } from './confirm.ts';
import { knownRecords, openDesk, withKeyOptions } from './operator-desk.ts';
import type { KeyOptions, KnownRecords } from './operator-desk.ts';
import { controlSocketOf, parseList } from './options.ts';
import { printable } from './text.ts';
import {
  checkClock,
  showToken,
  termsOf,
  withTermsOptions,
  type TermsOptions,
} from './token-terms.ts';

export interface RotateOptions extends KeyOptions, TermsOptions {
  readonly expel?: string;
  readonly only?: string;
  readonly dropToken?: string;
  readonly keepToken?: string;
  readonly away?: boolean;
  readonly alone?: boolean;
  /** False with --no-token. */
  readonly token: boolean;
  readonly tokenFile?: string;
}

export function registerSecret(program: Command): void {
  const secret = program.command('secret').description('the keys of the swarm');
  const rotate = secret
    .command('rotate')
    .description(
      'make a new epoch key and join token; shows who gets the key and who not, and asks',
    )
    .option('--only <HOSTS>', 'names or node ids that stay; all others are left out')
    .option('--expel <HOSTS>', 'names or node ids, separated by commas, that are put out for good')
    .option('--drop-token <TAGS>', 'leave out the hosts that came by these tokens')
    .option('--keep-token <TAGS>', 'keep those of tokens that brought more hosts than they may')
    .option('--away', 'keep hosts that were not heard of for 400 days, too')
    .option('--no-token', 'make no join token: nobody can join until `swarmplane token new`')
    .option('--alone', 'although this host sees less than half of the swarm')
    .option('--yes', 'do not ask')
    .addHelpText('after', HELP);
  withTermsOptions(rotate, '32', '168');
  withKeyOptions(rotate).action((options: RotateOptions) => rotateSecret(rotate, options));
  rotate.exitOverride();
}

/** Everything goes to the agent in one piece: the expulsion, the epoch and its first token. */
export async function rotateSecret(command: Command, options: RotateOptions): Promise<void> {
  checkClock(options);
  const desk = await openDesk(command, options);
  const known = await knownRecords(command);
  desk.checkKey(known);
  checkSight(known, options);
  const { plan, expelled } = await planOf(command, known, options);
  process.stderr.write(listing(known, plan));
  await confirm('rotate?', options, 'look at the list, then add --yes');
  const order = await sign(desk, known, plan, { options, expelled });
  const { records, parts } = order.bundle;
  await controlOnce(controlSocketOf(command), { op: 'install', records, parts });
  tellRotated(order, plan, options);
  await forgetLeftOut(command, plan);
}

function tellRotated(order: NewEpochOrder, plan: RotationPlan, options: RotateOptions): void {
  const names = plan.out.filter(({ why }) => why === 'expelled').map(({ member }) => member.name);
  const out = names.length === 0 ? '' : `; expelled: ${names.map(printable).join(', ')}`;
  process.stderr.write(
    `swarmplane: epoch ${order.head.number} for ${plan.stay.length} members${out}\n`,
  );
  if (order.token === undefined) {
    process.stderr.write('no join token was made: `swarmplane token new` makes one\n');
    return;
  }
  process.stderr.write(`join token ${order.token.record.tag}:\n`);
  showToken(order.token.text, options.tokenFile);
}

async function planOf(
  command: Command,
  known: KnownRecords,
  options: RotateOptions,
): Promise<{ plan: RotationPlan; expelled: ReadonlySet<string> }> {
  const ids = async (text: string | undefined): Promise<ReadonlySet<string>> => {
    const names = text === undefined ? [] : parseList(text, 'host name');
    return new Set(
      await Promise.all(names.map((name) => hostMeant(command, name, 'name', { yes: true }))),
    );
  };
  const tags = (text: string | undefined): ReadonlySet<string> => {
    const all = new Set(text === undefined ? [] : parseList(text, 'token'));
    const wrong = [...all].find((tag) => !known.tokens.some((one) => one.tag === tag));
    if (wrong === undefined) return all;
    throw new CliError(`there is no token ${JSON.stringify(wrong)}`, 'see `swarmplane token list`');
  };
  const expelled = await ids(options.expel);
  const only = options.only === undefined ? {} : { only: await ids(options.only) };
  const choice = {
    ...only,
    expel: expelled,
    away: options.away === true,
    dropTokens: tags(options.dropToken),
    keepTokens: tags(options.keepToken),
  };
  const plan = planRotation(known.members, known.tokens, choice, Date.now());
  if (!plan.stay.some(({ member }) => member.nodeId === known.self)) {
    throw new CliError(
      'this host cannot expel itself, or leave itself out',
      'run it on a host that stays, with --key FILE, or take this one out with `swarmplane leave`',
    );
  }
  for (const token of plan.undecided) refuseUndecided(known, token);
  return { plan, expelled };
}

/** Neither in nor out by default: with --yes in cron either would be wrong. */
function refuseUndecided(known: KnownRecords, { tag, uses, seen }: KnownRecords['tokens'][number]) {
  const hosts = known.members.filter((member) => member.tag === tag && !member.onRoll);
  const names = hosts.map(({ name, nodeId }) => `${printable(name)} (${nodeId})`).join(', ');
  throw new CliError(
    `token ${tag} may bring ${uses} hosts and ${seen} came by it: ${names}`,
    `somebody has its text: name --drop-token ${tag} to leave all of them out, --keep-token ${tag} to keep all, or the hosts that stay with --only`,
  );
}

/** A host that was restored, or is cut off, would strand whom it does not know. */
function checkSight(known: KnownRecords, { alone, clockIsRight }: RotateOptions): void {
  if (known.isBehind) {
    throw new CliError(
      `the swarm is at epoch ${known.newestEpoch}, this host was left behind at ${known.epoch}`,
      'run it on a host that is in the newest epoch',
    );
  }
  const alive = known.members.filter((one) => one.onRoll && one.state === 'alive').length;
  if (alive * 2 < known.roll && alone !== true) {
    throw new CliError(
      `only ${alive} of the ${known.roll} hosts on the roll are alive as seen from here`,
      'run it on a host that sees the others, or add --alone',
    );
  }
  if (Date.now() / 1000 < known.headTime - CLOCK_SLACK_SECONDS && clockIsRight !== true) {
    throw new CliError(
      `the clock of this host is behind the last rotation (${new Date(known.headTime * 1000).toISOString()})`,
      'set the clock, or add --clock-is-right',
    );
  }
}

async function sign(
  desk: OperatorDesk,
  known: KnownRecords,
  plan: RotationPlan,
  { options, expelled }: { options: RotateOptions; expelled: ReadonlySet<string> },
) {
  const { epoch, lists } = known;
  const list =
    expelled.size === 0
      ? {}
      : { list: desk.revoke(lists, { expelled: [...expelled] }, epoch).bytes };
  return desk.newEpoch({
    parent: known.epochId,
    epoch: epoch + 1,
    ...list,
    members: plan.stay.map(({ member }) => member),
    terms: options.token ? termsOf(options) : undefined,
  });
}

/**
 * Who was left out on purpose is not waited for any more; who was expelled, or went by itself, is out
 * of every table. The rotation is in force whatever comes of it.
 */
async function forgetLeftOut(command: Command, plan: RotationPlan): Promise<void> {
  for (const { member, why } of plan.out) {
    if (why === 'expelled' || why === 'left' || why === 'forgotten') continue;
    try {
      await controlOnce(controlSocketOf(command), { op: 'forget', node: member.nodeId });
    } catch (error) {
      const name = printable(member.name);
      process.stderr.write(
        `swarmplane: ${name} is left out, but still in accounts: ${(error as Error).message}; later: swarmplane forget ${member.nodeId}\n`,
      );
    }
  }
}

function listing(known: KnownRecords, { stay, out }: RotationPlan): string {
  const lines = [`the key of epoch ${known.epoch + 1} goes to ${stay.length} hosts:`];
  const of = (why: string, all: readonly Placed[]) => all.filter((one) => one.why === why);
  const roll = of('roll', stay);
  // A thief may have put hosts of its own on it.
  const rollText = known.isVoid
    ? `  of the roll that a revoked key made, look at each: ${namesOf(roll)}`
    : `  ${roll.length} of the roll`;
  if (roll.length > 0) lines.push(rollText);
  const byToken = grouped(of('token', stay), ({ member }) => member.tag ?? '');
  for (const [tag, hosts] of byToken) lines.push(`  new by token ${tag}: ${namesOf(hosts)}`);
  for (const [why, text] of IN) {
    if (of(why, stay).length > 0) lines.push(`  ${text}: ${namesOf(of(why, stay))}`);
  }
  if (out.length > 0) lines.push('left out:');
  for (const [why, hosts] of grouped(out, (one) => one.why)) {
    lines.push(`  ${why}: ${namesOf(hosts)}`);
  }
  const { count, prefixes } = known.unknown;
  if (count > 0) {
    lines.push(
      `  on the old roll, but unknown here: ${count}, they cannot be given a key: ${prefixes.slice(0, 5).join(', ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

const IN = [
  ['stranded', 'left out by the last rotation, taken in again'],
  ['away', 'not heard of for 90 days'],
] as const;

function grouped(all: readonly Placed[], by: (one: Placed) => string): Map<string, Placed[]> {
  const groups = new Map<string, Placed[]>();
  for (const one of all) groups.set(by(one), [...(groups.get(by(one)) ?? []), one]);
  return groups;
}

function namesOf(hosts: readonly Placed[]): string {
  const names = hosts.map(({ member }) => printable(member.name));
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}

const NAMES_SHOWN = 50;
const CLOCK_SLACK_SECONDS = 300;

const HELP = `
Members go over when they have it; hosts that are away catch up within 400 days, or join anew. The join tokens of before let nobody in any more.

Examples:
  $ swarmplane secret rotate --key /media/usb/operator.key
  $ swarmplane secret rotate --expel web7 --yes
  $ swarmplane secret rotate --drop-token 5f0c3a9be1d20744`;
