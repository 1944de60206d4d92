/**
 * Commands of hubs on this host. At most once: the journal has a command before its program starts,
 * so whatever ends in between, it is not started again; the same command again gets the outcome that
 * is stored, or waits for the run that is under way.
 */
import { permits, type RoleCertificate, SecureError } from '../../secure/index.ts';
import type { Alarm, AlarmKind, IncomingRequest, RunOutcome } from '../../swarm/index.ts';
import type { Certificates } from '../operator/certificates.ts';
import type { Log } from '../log.ts';
import type { StateFolder } from '../state/state-folder.ts';
import { argumentsOf } from './arguments.ts';
import { commandHash, decodeCommand } from './command.ts';
import { ActionJournal, CLOCK_WINDOW_MS, type JournalEntry } from './journal.ts';
import { endLeftovers } from './leftovers.ts';
import { ActionProcess } from './process.ts';
import { refusedOutcome, rowOutcome } from './result.ts';
import { Slots } from './slots.ts';
import { ActionRefusal, type ActionConfig, type ActionOutcome, type Command } from './types.ts';
import { runAs } from './user.ts';

export interface ActionsOptions {
  readonly state: StateFolder;
  readonly nodeId: string;
  readonly actions: ReadonlyMap<string, ActionConfig>;
  readonly certificates: Pick<Certificates, 'check'>;
  readonly raise: (alarm: Alarm) => void;
  readonly log: Log;
}

/** Programs that run at once. */
const RUNNING_MAX = 4;
/** A hub asks for a command at most this long ahead. */
const EXPIRY_AHEAD_MS_MAX = 91 * 86_400_000;
/** An answer leaves this much before the request's time is over. */
const ANSWER_AHEAD_MS = 500;
/** A stop waits this long for programs to end. */
const STOP_MS = 8_000;

/** A command that was taken and has not ended. */
interface Active {
  readonly hash: string;
  readonly outcome: Promise<ActionOutcome>;
  /** Undefined while it waits for its turn. */
  program: ActionProcess | undefined;
  /** Before its turn: it is not started. */
  withdraw(): void;
}

export class Actions {
  readonly #options: ActionsOptions;
  readonly #slots = new Slots(RUNNING_MAX);
  readonly #active = new Map<string, Active>();
  #journal: ActionJournal | undefined;
  /** Why no action runs here now. */
  #closed = new ActionRefusal('busy', 'this host is just starting');
  #recovered: Promise<void> = Promise.resolve();

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /** Reads the journal and ends what an earlier agent left running. Never rejects. */
  async open(): Promise<void> {
    try {
      this.#journal = await ActionJournal.open(this.#options.state);
      this.#recovered = this.#recover(this.#journal);
      this.#over('action_journal', 'damaged');
    } catch (error) {
      const message = `no action runs here: ${(error as Error).message}`;
      this.#closed = new ActionRefusal('journal', message);
      this.#alarm('action_journal', 'damaged', message);
    }
  }

  get configured(): readonly ActionConfig[] {
    return [...this.#options.actions.values()];
  }

  /** What hubs asked for, the oldest first. */
  history(): JournalEntry[] {
    return this.#journal?.list() ?? [];
  }

  /** Carries out a request of kind `action`. Never throws: what goes wrong is the outcome. */
  async run(request: IncomingRequest, signal: AbortSignal): Promise<RunOutcome> {
    const startedAt = performance.now();
    const took = () => Math.round(performance.now() - startedAt);
    try {
      return await rowOutcome(await this.#carryOut(request, signal), took());
    } catch (error) {
      if (error instanceof ActionRefusal) return refusedOutcome(error.code, error.message, took());
      if (error instanceof SecureError) return refusedOutcome('authority', error.message, took());
      throw error;
    }
  }

  /** Ends programs that run; their commands are `interrupted`. */
  async stop(): Promise<void> {
    const journal = this.#journal;
    this.#journal = undefined;
    // Nothing was started: it can be tried again when the host is back.
    this.#closed = new ActionRefusal('busy', 'this host is stopping');
    const active = [...this.#active.values()];
    for (const { program } of active) program?.stop('interrupted');
    let late: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.allSettled([this.#recovered, ...active.map(({ outcome }) => outcome)]),
      new Promise((resolve) => (late = setTimeout(resolve, STOP_MS))),
    ]);
    clearTimeout(late);
    await journal?.close();
  }

  async #carryOut(request: IncomingRequest, signal: AbortSignal): Promise<ActionOutcome> {
    const command = decodeCommand(request.body, this.#options.nodeId);
    this.#authorise(request, command.action);
    await this.#recovered;
    const journal = this.#opened();
    const hash = commandHash(command);
    const active = this.#active.get(command.id);
    const known = active ?? journal.find(command.id);
    if (known === undefined)
      return this.#waitFor(this.#take(command, hash, request), request, signal);
    if (known.hash !== hash) throw this.#reused(command, request);
    return active === undefined
      ? journal.outcome(command.id)
      : this.#waitFor(active, request, signal);
  }

  /** @throws SecureError or ActionRefusal when the hub may not command this */
  #authorise(request: IncomingRequest, action: string): void {
    const { originName, origin, certificate } = request;
    if (certificate === undefined) {
      throw new ActionRefusal(
        'authority',
        `"${action}" wants a commander certificate, and ${originName} showed none: ${grant(originName, action)}`,
      );
    }
    const shown: RoleCertificate = this.#options.certificates.check(certificate, origin);
    if (permits(shown, { role: 'commander' }) && permits(shown, { action })) return;
    throw new ActionRefusal(
      'authority',
      `certificate ${shown.serial} of ${originName} does not allow "${action}": ${grant(originName, action)}`,
    );
  }

  #reused({ id, action, askedBy }: Command, { originName }: IncomingRequest): ActionRefusal {
    const message = `${originName} asks for "${action}" (by ${askedBy}) under the id ${id}, which belongs to another command`;
    this.#alarm('command_reused', id, message);
    return new ActionRefusal('command_reused', message);
  }

  /** Everything that can be refused is refused before it counts as taken. */
  #take(command: Command, hash: string, request: IncomingRequest): Active {
    const action = this.#configured(command.action);
    const args = argumentsOf(action, command.args);
    runAs(action.user);
    checkExpiry(command);
    const withdrawn = new AbortController();
    const active: Active = {
      hash,
      program: undefined,
      outcome: this.#begin({ command, hash, action, args, request }, withdrawn.signal),
      withdraw: () => withdrawn.abort(),
    };
    // Everybody who waits for it hears of it; nobody need be left to.
    active.outcome.catch(() => undefined).finally(() => this.#active.delete(command.id));
    this.#active.set(command.id, active);
    return active;
  }

  #configured(name: string): ActionConfig {
    const action = this.#options.actions.get(name);
    if (action?.enabled === true) return action;
    const [code, why] =
      action === undefined
        ? (['no_such_action', 'no action of that name is configured here'] as const)
        : (['action_disabled', 'it is not enabled here'] as const);
    const hint = 'see actions in config.yaml, and restart the agent after a change';
    throw new ActionRefusal(code, `"${name}" is refused: ${why}; ${hint}`);
  }

  async #begin(
    { command, hash, action, args, request }: Taken,
    withdrawn: AbortSignal,
  ): Promise<ActionOutcome> {
    if (!(await this.#slots.take(withdrawn))) throw busy();
    try {
      // It may have waited for its turn: all that can change is looked at again.
      const journal = this.#opened();
      this.#authorise(request, command.action);
      checkExpiry(command);
      const user = runAs(action.user);
      const startedAt = Date.now();
      await journal.start({ ...command, hash, startedAt, origin: request.origin });
      this.#options.log.info(
        { command: command.id, action: action.name, args: command.args, askedBy: command.askedBy },
        'action starts',
      );
      const outcome = await this.#perform(
        command,
        () => new ActionProcess(action, args, user, command.id),
      );
      await this.#keep(journal, command, outcome);
      return outcome;
    } finally {
      this.#slots.give();
    }
  }

  #perform({ id }: Command, start: () => ActionProcess): Promise<ActionOutcome> {
    try {
      // A stop that came while the start was written down.
      if (this.#journal === undefined) return Promise.resolve(withoutRun('interrupted', null));
      const program = start();
      this.#active.get(id)!.program = program;
      return program.done;
    } catch (error) {
      return Promise.resolve(withoutRun('not_started', (error as Error).message));
    }
  }

  async #keep(journal: ActionJournal, command: Command, outcome: ActionOutcome): Promise<void> {
    const { id, action } = command;
    const { ended, exitCode, tookMs } = outcome;
    this.#options.log.info({ command: id, action, ended, exitCode, tookMs }, 'action ended');
    try {
      await journal.end(id, outcome);
      this.#over('action_journal', 'unwritable');
    } catch (error) {
      const message = `the outcome of ${action} (${id}) cannot be written: ${(error as Error).message}`;
      this.#alarm('action_journal', 'unwritable', message);
    }
  }

  /** The outcome, or that it is not there yet, in time for the asker. */
  async #waitFor(
    active: Active,
    { remainingMs }: IncomingRequest,
    signal: AbortSignal,
  ): Promise<ActionOutcome> {
    const ms = Math.max(remainingMs - ANSWER_AHEAD_MS, remainingMs / 2);
    let timer: NodeJS.Timeout | undefined;
    let stopWaiting = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      stopWaiting = () => resolve(undefined);
      timer = setTimeout(stopWaiting, ms);
      signal.addEventListener('abort', stopWaiting, { once: true });
      if (signal.aborted) stopWaiting();
    });
    try {
      const outcome = await Promise.race([active.outcome, late]);
      if (outcome !== undefined) return outcome;
      if (active.program !== undefined) throw stillRunning();
      active.withdraw();
      throw busy();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stopWaiting);
    }
  }

  /** What was started and never ended was interrupted, once nothing of it runs any more. */
  async #recover(journal: ActionJournal): Promise<void> {
    const cut = journal.list().filter((entry) => !entry.ended);
    const alive = await endLeftovers(new Set(cut.map(({ id }) => id)));
    for (const entry of cut) {
      const error = alive.has(entry.id)
        ? 'the agent ended while it ran, and it cannot be killed'
        : 'the agent ended while it ran';
      await this.#keep(journal, entry, withoutRun('interrupted', error));
    }
  }

  #opened(): ActionJournal {
    if (this.#journal === undefined) throw this.#closed;
    return this.#journal;
  }

  #over(kind: AlarmKind, key: string): void {
    this.#options.raise({ kind, key, message: '', at: Date.now(), over: true });
  }

  #alarm(kind: AlarmKind, key: string, message: string): void {
    this.#options.raise({ kind, key, message, at: Date.now() });
  }
}

interface Taken {
  readonly command: Command;
  readonly hash: string;
  readonly action: ActionConfig;
  readonly args: readonly string[];
  readonly request: IncomingRequest;
}

function checkExpiry({ expires, id }: Command): void {
  const ahead = expires - Date.now();
  if (ahead < -CLOCK_WINDOW_MS) {
    throw new ActionRefusal('command_expired', `the time of command ${id} is over`);
  }
  if (ahead > EXPIRY_AHEAD_MS_MAX) {
    throw new ActionRefusal('bad_command', `command ${id} expires in more than 91 days`);
  }
}

function withoutRun(ended: 'interrupted' | 'not_started', error: string | null): ActionOutcome {
  return {
    ended,
    error,
    exitCode: null,
    signal: null,
    stdout: '',
    stderr: '',
    stdoutBytes: 0,
    stderrBytes: 0,
    truncated: false,
    tookMs: 0,
  };
}

function grant(hub: string, action: string): string {
  return `\`swarmplane operator grant ${hub} --role commander --actions ${action}\``;
}

function busy(): ActionRefusal {
  return new ActionRefusal('busy', `${RUNNING_MAX} actions run here already`);
}

function stillRunning(): ActionRefusal {
  return new ActionRefusal('running', 'it runs still; the host keeps its outcome');
}
