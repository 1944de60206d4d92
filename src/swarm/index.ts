/**
 * swarm: the deciding core, sans-IO. Membership, flooding, replies, completeness.
 * docs/protocol.md sections 7 and 8.
 */
export * from './types.ts';
