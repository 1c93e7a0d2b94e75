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
import type { Storage } from '../ports.js';
import type { State } from '../ports-state.js';
import { realPath } from '../remote.js';
import { couldBeMade, resolveRoot } from '../storage/local/root.js';
import { createLocalStorage } from '../storage/local/storage.js';
import { createMemoryStorage } from '../storage/memory/storage.js';
import { readOnly } from '../storage/read-only.js';

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
  const isMade = writesHere(resolved) && (purpose !== 'plan' || (await isToBeMade(options, resolved)));
  return isMade ? realPath(options.local) : resolveRoot(options.local);
}

function writesHere({ mode }: ResolvedOptions): boolean {
  return writtenSidesOf(mode).includes('local');
}

function isToBeMade({ local }: PairOptions, { mkpath }: ResolvedOptions): Promise<boolean> {
  return couldBeMade(resolve(local), mkpath);
}

/** The local folder; a mode that writes to it makes it where it is missing, as it does on the server. A plan makes nothing. */
export async function localRoot(
  options: PairOptions,
  resolved: ResolvedOptions,
  purpose: Purpose,
): Promise<string> {
  if (purpose === 'plan') return localPlace(options, resolved, purpose);
  if (writesHere(resolved)) {
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

/** The local side; of a folder that a run would make first, a plan sees that nothing is in it. */
export async function localSide(
  { local: label }: PairOptions,
  root: string,
  writable: boolean,
  purpose: Purpose,
): Promise<Storage> {
  if (purpose === 'plan' && (await couldBeMade(root, true))) return readOnly(createMemoryStorage({ label }));
  return createLocalStorage({ root, label, writable });
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
