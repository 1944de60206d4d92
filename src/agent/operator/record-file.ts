/**
 * A record of the operator as a file that is carried from host to host: JSON with the signed bytes
 * in base64. It needs no secrecy: its signature is what counts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { AgentError } from '../errors.ts';

const KIND = 'swarmplane operator record';

/** Replaces `file`. @throws AgentError `operator_key` */
export function writeRecordFile(file: string, bytes: Uint8Array): void {
  const text = { kind: KIND, version: 1, bytes: Buffer.from(bytes).toString('base64') };
  try {
    writeFileSync(file, `${JSON.stringify(text, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw bad(`cannot write ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

/** @throws AgentError `operator_key` that quotes the file */
export function readRecordFile(file: string): Uint8Array {
  try {
    const value = Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>;
    if (value['kind'] !== KIND) throw new Error(`its kind is ${JSON.stringify(value['kind'])}`);
    if (typeof value['bytes'] !== 'string') throw new Error('it holds no bytes');
    return new Uint8Array(Buffer.from(value['bytes'], 'base64'));
  } catch (error) {
    const why = (error as Error).message;
    throw bad(`cannot read an operator's record from ${JSON.stringify(file)}: ${why}`);
  }
}

function bad(message: string): AgentError {
  return new AgentError(
    'operator_key',
    message,
    '`swarmplane operator grant NODE --out FILE` writes such files',
  );
}
