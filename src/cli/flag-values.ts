/** What the values of flags may be; a wrong one is refused with what is allowed. */
import { InvalidArgumentError } from 'commander';
import type { PairOptions } from '../index.js';

export type Compare = NonNullable<PairOptions['compare']>;

export const compares: readonly Compare[] = ['size', 'mtime+size', 'checksum'];

/** A whole number within these bounds. */
export function wholeNumber(min: number, max = 1_000_000_000): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return value;
    const limit = max === 1_000_000_000 ? `${String(min)} or more` : `from ${String(min)} to ${String(max)}`;
    throw new InvalidArgumentError(`It must be a whole number, ${limit}.`);
  };
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** KiB per second; 0: no limit. */
export function bwlimit(text: string): number {
  const value = Number(text);
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text) && (value === 0 || value >= 1)) return value;
  throw new InvalidArgumentError('It must be a number of KiB per second: 1 or more, or 0 for no limit.');
}

/** One of `compares`. */
export function compare(text: string): Compare {
  const found = compares.find((known) => known === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${compares.join(', ')}.`);
}

/** A number of paths, or a percentage. */
export function maxDelete(text: string): string {
  const match = /^(\d{1,12})(%?)$/.exec(text);
  if (match !== null && (match[2] === '' || Number(match[1]) <= 100)) return text;
  throw new InvalidArgumentError('It must be a number of paths (100) or a percentage up to 100% (30%).');
}
