/** Proquints (arXiv:0901.4016): 16 bits as one pronounceable word of five letters. */

/** An even number of bytes as words joined by `-`. */
export function toProquints(bytes: Uint8Array): string {
  const words: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) words.push(toWord((bytes[i]! << 8) | bytes[i + 1]!));
  return words.join('-');
}

/** @throws RangeError on a word that is none */
export function fromProquints(words: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 2);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint16(index * 2, fromWord(word)));
  return bytes;
}

export function isProquint(word: string): boolean {
  return /^(?:[bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]$/.test(word);
}

function toWord(value: number): string {
  return (
    CONSONANTS[(value >> 12) & 15]! +
    VOWELS[(value >> 10) & 3]! +
    CONSONANTS[(value >> 6) & 15]! +
    VOWELS[(value >> 4) & 3]! +
    CONSONANTS[value & 15]!
  );
}

function fromWord(word: string): number {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const letters = i % 2 === 0 ? CONSONANTS : VOWELS;
    const index = letters.indexOf(word[i] ?? '?');
    if (index < 0 || word.length !== 5) throw new RangeError('not a word of five letters');
    value = (value << (i % 2 === 0 ? 4 : 2)) | index;
  }
  return value;
}

const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
