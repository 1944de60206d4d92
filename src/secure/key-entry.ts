import type { KeyEntry } from './types.ts';
/** @throws SecureError `bad_key_list` */
export declare function parseKeyEntry(bytes: Uint8Array): KeyEntry;
/** A whole list from version 0. @throws SecureError `bad_key_list` */
export declare function verifyKeyList(entries: readonly Uint8Array[]): readonly KeyEntry[];
