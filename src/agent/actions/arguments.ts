/** From the values of a command to the arguments of its program, or a refusal that quotes the value. */
import { PLACEHOLDER } from './config.ts';
import { ActionRefusal, type ActionConfig } from './types.ts';

/** @throws ActionRefusal `bad_args` */
export function argumentsOf(
  action: ActionConfig,
  values: Readonly<Record<string, string>>,
): string[] {
  const unknown = Object.keys(values).find((name) => !action.patterns.has(name));
  if (unknown !== undefined) {
    const known = [...action.patterns.keys()].join(', ') || 'none';
    throw refuse(action, `has no argument ${quoted(unknown)}; its arguments: ${known}`);
  }
  for (const [name, pattern] of action.patterns) checkValue(action, name, pattern, values[name]);
  return action.args.map((template) => fill(action, template, values));
}

const VALUE_CHARS_MAX = 1024;

function checkValue(
  action: ActionConfig,
  name: string,
  pattern: RegExp,
  value: string | undefined,
): void {
  if (value === undefined) throw refuse(action, `wants the argument ${quoted(name)}`);
  if (value.length > VALUE_CHARS_MAX) {
    throw refuse(action, `${name} has ${value.length} characters, at most ${VALUE_CHARS_MAX}`);
  }
  // Whatever the pattern says: no program is helped by these, and some files are read line by line.
  if (/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(value)) {
    throw refuse(action, `${name} is ${quoted(value)}, which holds a control character`);
  }
  if (!pattern.test(value)) {
    throw refuse(action, `${name} is ${quoted(value)}, which does not match ${shown(pattern)}`);
  }
}

/**
 * A value can make an option of the filled argument only where its own pattern begins with a dash:
 * it is judged wherever nothing, or nothing but dashes, has come before it.
 */
function fill(
  action: ActionConfig,
  template: string,
  values: Readonly<Record<string, string>>,
): string {
  let filled = '';
  let at = 0;
  for (const { 0: placeholder, 1: name, index } of template.matchAll(PLACEHOLDER)) {
    filled += template.slice(at, index);
    at = index + placeholder.length;
    const value = values[name!]!;
    if (/^-*$/.test(filled)) refuseOption(action, name!, value);
    filled += value;
  }
  return filled + template.slice(at);
}

function refuseOption(action: ActionConfig, name: string, value: string): void {
  if (!value.startsWith('-')) return;
  const pattern = action.patterns.get(name)!;
  if (/^\^\(\?:-/.test(pattern.source)) return;
  throw refuse(action, `${name} is ${quoted(value)}, which would be an option`);
}

/** Without the anchors. */
function shown(pattern: RegExp): string {
  return pattern.source.slice(4, -2);
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
}

function refuse(action: ActionConfig, why: string): ActionRefusal {
  return new ActionRefusal('bad_args', `${action.name} ${why}`);
}
