import { tempName } from '../core/tempname.js';
import type { Clock } from '../ports.js';

/** Letters and digits that nobody can know. */
export function randomWord(clock: Clock): string {
  return [clock.random(), clock.random()].map((one) => one.toString(36).slice(2)).join('');
}

/** The name of a file that is made to see what becomes of it: a temp's, so that one which was left is removed in time. */
export function momentaryName(clock: Clock): string {
  return tempName('probe', `0${randomWord(clock)}`);
}
