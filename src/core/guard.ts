/**
 * The checks "too dangerous to do silently". A hold keeps deletions back, and only deletions: all else goes on.
 * Pure: what is known goes in, the holds come out; asked again every few seconds, it lets go when the cause is gone.
 */

/** What is known of the source's root directory. */
export type RootState = 'present' | 'missing' | 'emptied' | 'unmounted';

/** More deletions than this are held: a number of paths, or a share of the known ones (above a small number). */
export type MaxDelete =
  { readonly paths: number } | { readonly percent: number; readonly butAtLeast: number };

/** Holds when more than half of the known paths and more than 20 would go. */
export const defaultMaxDelete: MaxDelete = { percent: 50, butAtLeast: 20 };

/** Deletions count together until there were none for this long, so that a slow `rm -rf` is held as a fast one is. */
export const quietWindowMs = 10 * 60_000;

/** The deletions since the last quiet time. */
export interface DeletionWindow {
  /** Deletions carried out in this window, less those that came back. */
  readonly done: number;
  /** The largest number of known paths seen in this window. */
  readonly known: number;
  readonly lastAtMs: number;
}

export interface GuardInput {
  readonly root: RootState;
  /** Deletions that wait to be carried out. */
  readonly pending: number;
  /** The larger of the base and the destination, in paths. */
  readonly known: number;
  readonly window: DeletionWindow | null;
  readonly maxDelete: MaxDelete;
  /** Directories that could not be listed (or an unmounted one), on either side. */
  readonly unlisted: readonly string[];
  /** A person said yes (`resume --allow-deletes`): limits and a lost state no longer hold. */
  readonly allowed: boolean;
  /** The state was lost (a corrupt database set aside): nobody knows what was deleted and what was never there. */
  readonly stateLost: boolean;
}

/** Why deletions are kept back, for a program. */
export type HoldCause =
  | 'root-missing'
  | 'root-emptied'
  | 'root-unmounted'
  | 'too-many-deletions'
  | 'partial-listing'
  | 'state-lost';

/** Why deletions are kept back, for a program (`cause`) and for a person. */
export interface Hold {
  /** For a program. */
  readonly cause: HoldCause;
  /** For a person: what was seen, and what to do. */
  readonly message: string;
  /** Deletions kept back when it was last looked at. */
  readonly deletions: number;
}

/** The window as it stands at `nowMs`: `null` once it was quiet long enough. */
export function currentWindow(window: DeletionWindow | null, nowMs: number): DeletionWindow | null {
  return window !== null && nowMs - window.lastAtMs < quietWindowMs ? window : null;
}

/** The window after `count` more deletions were carried out (negative: paths that were deleted came back). */
export function extendWindow(
  window: DeletionWindow | null,
  count: number,
  known: number,
  nowMs: number,
): DeletionWindow {
  const current = currentWindow(window, nowMs);
  return {
    done: Math.max(0, (current?.done ?? 0) + count),
    known: Math.max(current?.known ?? 0, known + count),
    lastAtMs: nowMs,
  };
}

/** Whether `deletions` of `known` paths are more than `limit` allows. */
export function exceeds(limit: MaxDelete, deletions: number, known: number): boolean {
  if ('paths' in limit) return deletions > limit.paths;
  if (limit.percent >= 100) return false;
  return deletions > limit.butAtLeast && deletions * 100 > limit.percent * known;
}

/** The holds in force; none means that the pending deletions may go. Without pending deletions nothing is held. */
export function guard(input: GuardInput): Hold[] {
  if (input.pending === 0) return [];
  const hold = (cause: HoldCause, message: string): Hold => ({ cause, message, deletions: input.pending });
  const holds: Hold[] = [];
  if (input.root === 'missing') {
    holds.push(hold('root-missing', 'the source folder is gone: nothing is deleted until it is back'));
  } else if (input.root === 'unmounted') {
    holds.push(hold('root-unmounted', 'the source folder was a mount point and is none now: mount it again'));
  } else if (input.root === 'emptied') {
    holds.push(
      hold('root-emptied', 'the source folder is empty: nothing is deleted until something is in it again'),
    );
  }
  if (input.unlisted.length > 0) holds.push(hold('partial-listing', unlistedMessage(input.unlisted)));
  if (input.stateLost && !input.allowed) {
    holds.push(
      hold(
        'state-lost',
        'the state of this pair was lost: nothing is deleted until `towline resume --allow-deletes` says so to a running watch',
      ),
    );
  }
  const deletions = (input.window?.done ?? 0) + input.pending;
  const known = Math.max(input.known, input.window?.known ?? 0);
  if (!input.allowed && exceeds(input.maxDelete, deletions, known)) {
    holds.push(hold('too-many-deletions', tooManyMessage(input.maxDelete, deletions, known)));
  }
  return holds;
}

function unlistedMessage(unlisted: readonly string[]): string {
  const first = unlisted[0] === '' ? 'the root' : `'${unlisted[0] ?? ''}'`;
  const more = unlisted.length > 1 ? ` and ${String(unlisted.length - 1)} more` : '';
  return `${first}${more} could not be listed: what is missing there may only be unreadable`;
}

function tooManyMessage(limit: MaxDelete, deletions: number, known: number): string {
  const allowed = 'paths' in limit ? String(limit.paths) : `${String(limit.percent)} %`;
  return (
    `${String(deletions)} of ${String(known)} known paths would be deleted, more than --max-delete allows (${allowed}): ` +
    'if that is right, run again with a higher --max-delete'
  );
}

/**
 * Parses `--max-delete`: a number of paths (`100`) or a share of the known ones (`30%`).
 * @returns `null` when the text is neither
 */
export function parseMaxDelete(text: string): MaxDelete | null {
  const match = /^(\d{1,12})(%?)$/.exec(text.trim());
  if (match === null) return null;
  const value = Number(match[1]);
  if (match[2] !== '%') return { paths: value };
  return value <= 100 ? { percent: value, butAtLeast: 0 } : null;
}
