/** What the options mean for the parts that are put together. */
import { resolve } from 'node:path';
import { type FilterWishes, filterWishes } from '../config/filter-limits.js';
import type { PairOptions } from '../config/options.js';
import type { ResolvedOptions } from '../config/resolve.js';
import { conflictNamePattern } from '../core/conflict-name.js';
import { asTowlineError, TowlineError } from '../core/errors.js';
import { isMirror, type Mode, writtenSidesOf } from '../core/policy.js';
import type { Settings } from '../engine/context.js';
import { modeFact } from '../engine/scanner.js';
import type { State } from '../ports-state.js';
import { realPath } from '../remote.js';
import { resolveRoot } from '../storage/local/root.js';
import { createLocalStorage } from '../storage/local/storage.js';

/** A plan changes nothing, a one-shot run gives up where a watching agent waits. */
export type Purpose = 'once' | 'plan' | 'watch';

/**
 * Where the local folder is, or will be: nothing is made yet.
 * @throws `configuration` when it is missing and is not to be made
 */
export async function localPlace(
  options: PairOptions,
  resolved: ResolvedOptions,
  purpose: Purpose,
): Promise<string> {
  return mayMakeRoot(resolved, purpose) ? realPath(options.local) : resolveRoot(options.local);
}

function mayMakeRoot({ mode }: ResolvedOptions, purpose: Purpose): boolean {
  return writtenSidesOf(mode).includes('local') && purpose !== 'plan';
}

/** The local folder; a mode that writes to it makes it where it is missing, as it does on the server. */
export async function localRoot(
  options: PairOptions,
  resolved: ResolvedOptions,
  purpose: Purpose,
): Promise<string> {
  if (mayMakeRoot(resolved, purpose)) {
    const storage = createLocalStorage({ root: resolve(options.local), writable: true });
    try {
      await storage.ensureRoot({ parents: resolved.mkpath });
    } catch (error) {
      const { message } = asTowlineError(error);
      throw new TowlineError('configuration', message, { path: options.local, cause: error });
    }
  }
  return resolveRoot(options.local);
}

/** The filter rules in force; versions kept beside are nobody's source: a mirror would take them away again. */
export function wishesOf(resolved: ResolvedOptions): FilterWishes {
  const { mode, rules, maxSize, onDrift } = resolved;
  const kept = { type: 'exclude', pattern: conflictNamePattern, source: '--on-drift backup' } as const;
  const all = isMirror(mode) && onDrift === 'backup' ? [...rules, kept] : rules;
  return filterWishes(all, maxSize, mode);
}

/** Whether the base was made in another mode; nobody asks where there is none. */
export async function isOtherMode({ facts }: State, mode: Mode): Promise<boolean> {
  const before = await facts.get<string>(modeFact);
  if (before === null) await facts.set(modeFact, mode);
  return before !== null && before !== mode;
}

/** What the engine is told of the user's wishes. */
export function settingsOf(
  resolved: ResolvedOptions,
  { limits }: Pick<FilterWishes, 'limits'>,
  purpose: Purpose,
): Settings {
  return {
    mode: resolved.mode,
    conflict: resolved.conflict,
    maxConflictCopies: resolved.maxConflictCopies,
    onDrift: resolved.onDrift,
    delete: resolved.delete,
    maxDelete: resolved.maxDelete,
    compare: resolved.compare,
    afresh: purpose !== 'watch' && resolved.compare === 'checksum',
    // Forcing is for one run: while watching it would send everything again at every scan.
    force: resolved.force && purpose !== 'watch',
    modeRule: resolved.modeRule,
    modeRuleText: resolved.modeRuleText,
    sync: resolved.fsync,
    verify: resolved.verify,
    parents: resolved.mkpath,
    ...(limits !== undefined && { limits }),
  };
}
