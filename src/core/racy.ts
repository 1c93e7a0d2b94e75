/**
 * Milliseconds: a file modified less than this before it was looked at may change again without its size and time showing it, since
 * servers keep times in whole seconds.
 */
export const racyMs = 2_000;
