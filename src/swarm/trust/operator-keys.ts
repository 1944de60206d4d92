/**
 * The keys of the operator as this host knows them (docs/protocol.md section 9). The secrets have them,
 * too, since a record or an EPOCH is checked before the core is asked: what is new here is told.
 */
import type { OperatorSet } from '../../secure/index.ts';
import type { KeyStatement } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';

export class OperatorKeys {
  readonly #context: Context;
  #set: OperatorSet | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** None before this host was admitted. */
  get set(): OperatorSet | undefined {
    return (this.#set ??= this.#context.options.operators?.());
  }

  get statements(): readonly KeyStatement[] {
    return this.set?.statements ?? [];
  }

  /** Told before what added keys have signed. */
  get additions(): readonly KeyStatement[] {
    return this.statements.filter(({ verb }) => verb === 'add');
  }

  /** Told after what stands in place of what revoked keys have signed. */
  get revocations(): readonly KeyStatement[] {
    return this.statements.filter(({ verb }) => verb === 'revoke');
  }

  isNews(statement: KeyStatement): boolean {
    return this.set?.with(statement) !== undefined;
  }

  /** True when it was news. */
  take(statement: KeyStatement): boolean {
    return this.#use(this.set?.with(statement));
  }

  /** What a handshake showed, or the secrets brought; true when something of it was news. */
  adopt(statements: readonly Uint8Array[]): boolean {
    const known = this.set;
    const next = known?.withAll(statements);
    return next !== known && this.#use(next);
  }

  #use(next: OperatorSet | undefined): boolean {
    if (next === undefined) return false;
    this.#set = next;
    const statements = next.statements.map(({ bytes }) => bytes);
    this.#context.events.push({ kind: 'operators', statements });
    return true;
  }
}
