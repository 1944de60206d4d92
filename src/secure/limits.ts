/** Epochs, list numbers and versions of the operator's records. */
export const NUMBER_MAX = 2 ** 40;
/** Days that an entry of a revocation list is kept at least. */
export const OLD_LIST_DAYS = 400;
