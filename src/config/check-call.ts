/** What a call is given beside settings: types do not bind JavaScript. */
import { TowlineError } from '../core/errors.js';
import { checkOptions } from './check-options.js';

/** `any`: looked at by nobody. */
export type ArgumentKind = 'signal' | 'function' | 'boolean' | 'any';

const allowed = {
  signal: ['an AbortSignal', (value: unknown) => value instanceof AbortSignal],
  function: ['a function', (value: unknown) => typeof value === 'function'],
  boolean: ['true or false', (value: unknown) => typeof value === 'boolean'],
  any: ['anything', () => true],
} as const;

/**
 * Refuses names that are not known, which would be passed over, and values of another kind, which would be found out in the
 * middle of the work. What is `undefined` counts as left out.
 * @throws `configuration`
 */
export function checkCall(options: object, kinds: Readonly<Record<string, ArgumentKind>>): void {
  checkOptions(options, Object.keys(kinds));
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const [words, fits] = allowed[kinds[name]!];
    if (value === undefined || fits(value)) continue;
    throw new TowlineError('configuration', `${name} is something else than it has to be`, {
      hint: `Allowed: ${words}`,
    });
  }
}

/**
 * Refuses what is no path at all.
 * @throws `configuration`
 */
export function checkPath(path: unknown): void {
  if (typeof path === 'string') return;
  throw new TowlineError(
    'configuration',
    `a path cannot be ${path === undefined ? 'left out' : JSON.stringify(path)}`,
    {
      hint: 'Give it as a string',
    },
  );
}
