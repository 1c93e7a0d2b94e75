/** When a path that failed is tried again. Pure: the attempt number and a random number go in, milliseconds come out. */
import { type ErrorCode, retryClassOf } from './errors.js';

/** How long a path waits after a failure, and whether the failure counts against it. */
export interface Retry {
  readonly delayMs: number;
  readonly counts: boolean;
  /** It is shown as a problem until it succeeds. */
  readonly problem: boolean;
}

const observeFirstMs = 50;
const observeMaxMs = 5_000;
const spaceMs = 15_000;
const problemFirstMs = 10_000;
const problemMaxMs = 10 * 60_000;
const changingMs = 5_000;

/**
 * @param code what failed
 * @param attempts failures of this path before this one (those that counted, or in a row for `observe`)
 * @param random at least 0, less than 1: spreads the retries of many paths by a fifth
 */
export function retryAfter(code: ErrorCode, attempts: number, random: number): Retry {
  const jittered = (ms: number) => Math.round(ms * (0.9 + random * 0.2));
  switch (retryClassOf(code)) {
    case 'link':
      return { delayMs: 0, counts: false, problem: false };
    case 'observe':
      return {
        delayMs: jittered(backoff(observeFirstMs, observeMaxMs, attempts)),
        counts: false,
        problem: false,
      };
    case 'space':
      return { delayMs: spaceMs, counts: false, problem: true };
    case 'problem': {
      const first = code === 'changing' ? changingMs : problemFirstMs;
      return { delayMs: jittered(backoff(first, problemMaxMs, attempts)), counts: true, problem: true };
    }
    case 'halt':
    case 'stop':
      return { delayMs: 0, counts: false, problem: false };
  }
}

/** `first` doubled `attempts` times, at most `max`; all in ms. */
export function backoff(first: number, max: number, attempts: number): number {
  return Math.min(max, first * 2 ** Math.min(attempts, 30));
}
