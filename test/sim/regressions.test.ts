/** Seeds that found a fault, and what it was: each fails again when the mended line is taken back. */
import { test } from 'vitest';
import { noLaterKnobs } from './knobs.js';
import { simulate } from './push.js';

const faults: readonly (readonly [number, string])[] = [
  [51, 'a file replaced by another one of the same size and time was believed to be the same'],
  [141, 'the same, after a crash'],
  [13, 'a temp reserved for a path whose way could not be cleared stayed on record for ever'],
  [55, 'a link that broke during the very first request ended the agent'],
  [312, 'a folder without write permission could never be deleted with what was in it'],
  [33, 'a look at changed files that failed stopped the intake of all later changes'],
  [595, 'a check of the root that failed ended an agent that had run for long'],
  [9545, 'a file that was rewritten, longer, while it was read was published as a mixture'],
  [15479, 'the same'],
  [19298, 'the same'],
];

/** The same for what the later knobs found. */
const laterFaults: readonly (readonly [number, string])[] = [
  [4, 'an event for a name that cannot be carried stayed a problem for ever, and made its whole batch fail'],
  [47, 'a temp whose path failed before it was used stayed on record'],
  [2163, 'a file that can be replaced but not read on the server was never sent again'],
  [6087, 'deletions were held for ever: the hold was let go before they were written down as held'],
];

test.each(laterFaults)('later seed %i: %s', async (seed) => {
  await simulate(seed);
});

test.each(faults)('seed %i: %s', async (seed) => {
  await simulate(seed, noLaterKnobs);
});
