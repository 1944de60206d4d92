/**
 * wire: bytes to typed messages and back, size limits, versions. Imports nothing from src.
 * docs/protocol.md section 2 is its specification.
 */
export * from './bytes.ts';
export * from './errors.ts';
export * from './fields.ts';
export * from './frame.ts';
export * from './network.ts';
export * from './host-name.ts';
export * from './pack.ts';
export * from './swarm-messages.ts';
export * from './admission.ts';
export * from './epoch-part.ts';
