import type { Clock } from '../ports.js';

/** Twenty lower-case letters and digits, of 96 random bits: for names that were never used. */
export function randomText(clock: Pick<Clock, 'random'>): string {
  const part = () =>
    Math.floor(clock.random() * 2 ** 48)
      .toString(36)
      .padStart(10, '0');
  return part() + part();
}
