/**
 * Text of other machines on a terminal: control characters could move the cursor, recolour the screen
 * or answer in the reader's name, and marks of direction could turn a line around. They are shown as
 * escapes, those of JSON.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/** On one line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    return NAMED[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** With its own line feeds, as for an error of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
