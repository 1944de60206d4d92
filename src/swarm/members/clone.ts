/** What people are told to do about two copies of one state folder; in one place, for all who find them. */

/** Ends a sentence. */
export const CLONE_REMEDY = 'run `swarmplane identity reset` on one of the two hosts';
