/** What is decided for one path. */
import type { Entry, Side, Triple } from './entry.js';
import { TowlineError } from './errors.js';

/** Why a path is left alone (core/limits.ts): its size on one of the sides, or a rule for one direction. */
export type LeftOut = 'size' | 'direction';

/** What is to be changed of a file or directory that stays as it is otherwise. */
export interface MetadataChange {
  /** Permission bits, `0o7777` at most. */
  readonly mode?: number;
  /** Modification time, ms since 1970. */
  readonly mtimeMs?: number;
  /** The name is to be kept as the path spells it. A step of its own: the path is looked at again afterwards. */
  readonly respell?: true;
}

export type Action =
  /** Content goes to the other side: a file, or a symlink. `destination` is what it replaces. */
  | {
      readonly type: 'upload' | 'download';
      readonly path: string;
      readonly source: Entry;
      readonly destination: Entry | null;
      /** The destination was changed by others since the sides last agreed. */
      readonly drift: boolean;
      /** It overwrites a change of the other side, as the conflict policy or a person said. */
      readonly conflict?: true;
      readonly reason: string;
    }
  | {
      readonly type: 'make-directory';
      readonly side: Side;
      readonly path: string;
      readonly source: Entry;
      /** A file or symlink in the way. */
      readonly destination: Entry | null;
      /** As of an upload. */
      readonly conflict?: true;
      readonly reason: string;
    }
  | {
      readonly type: 'set-metadata';
      readonly side: Side;
      readonly path: string;
      readonly source: Entry;
      readonly destination: Entry;
      readonly change: MetadataChange;
      readonly reason: string;
    }
  | {
      readonly type: 'delete-local' | 'delete-remote';
      readonly path: string;
      readonly destination: Entry;
      readonly reason: string;
    }
  /** Only the base learns: both sides agree already, or (an entry is `null`) a deletion is not carried over. */
  | {
      readonly type: 'adopt';
      readonly path: string;
      readonly local: Entry | null;
      readonly remote: Entry | null;
      /** The destination keeps what the source lost. */
      readonly kept: boolean;
      /** Why it is left alone, where limits say so. */
      readonly leftOut?: LeftOut;
    }
  /**
   * The entry of one side gets a name of its own beside (core/conflict-name.ts), so that the other side's can take its
   * place: what becomes of the path is decided anew then.
   */
  | {
      readonly type: 'set-aside';
      readonly side: Side;
      readonly path: string;
      readonly entry: Entry;
      /** Both sides changed, or others changed the side that only follows. */
      readonly cause: 'conflict' | 'drift';
      readonly reason: string;
    }
  | {
      readonly type: 'none';
      readonly path: string;
      /** One side keeps what the other lacks, or has otherwise. */
      readonly kept: boolean;
      /** It was changed by others on the side that only follows. */
      readonly drift?: true;
      /** Why it is left alone, where limits say so. */
      readonly leftOut?: LeftOut;
    };

/** What the table says: an action, or that it cannot tell before the contents of these sides are hashed. */
export type Verdict =
  | Action
  | { readonly type: 'contents'; readonly path: string; readonly wants: readonly Side[] }
  /** Both sides changed, and a person is to decide: nothing is done. */
  | { readonly type: 'conflict'; readonly path: string }
  /** Others changed the side that only follows, and the agent is to stop over that. */
  | { readonly type: 'halt'; readonly path: string; readonly side: Side }
  /** It cannot be carried to the other side at all. */
  | { readonly type: 'refuse'; readonly path: string; readonly message: string };

/** An action that changes one of the sides. */
export type Change = Exclude<Action, { type: 'adopt' | 'none' }>;

/** A verdict that leaves the path as it is, with something to say about it. */
export type Unresolved = Extract<Verdict, { type: 'conflict' | 'halt' | 'refuse' }>;

/** Whether a verdict leaves the path as it is. */
export function isUnresolved(verdict: Verdict): verdict is Unresolved {
  return verdict.type === 'conflict' || verdict.type === 'halt' || verdict.type === 'refuse';
}

/** What a person is told of such a path. */
export function errorOf(verdict: Unresolved): TowlineError {
  const { path } = verdict;
  switch (verdict.type) {
    case 'refuse':
      return new TowlineError('unsupported', `'${path}': ${verdict.message}`, { path });
    case 'conflict':
      return new TowlineError('conflict', `'${path}' was changed on both sides`, {
        path,
        hint: `Decide with: towline conflicts resolve '${path}' --keep local|remote|both`,
      });
    case 'halt':
      return new TowlineError('drift', `'${path}' was changed by others on the ${verdict.side} side`, {
        path,
        hint: 'Have a look at it; another --on-drift, or restoring it, lets Towline go on',
      });
  }
}

/** The side an action writes to. */
export function writtenSide(action: Change): Side {
  switch (action.type) {
    case 'upload':
    case 'delete-remote':
      return 'remote';
    case 'download':
    case 'delete-local':
      return 'local';
    case 'make-directory':
    case 'set-metadata':
    case 'set-aside':
      return action.side;
  }
}

/** Whether it only takes something away. */
export function isDeletion(
  action: Verdict,
): action is Extract<Change, { type: 'delete-local' | 'delete-remote' }> {
  return action.type === 'delete-local' || action.type === 'delete-remote';
}

/** Whether a directory has to go before the action can be carried out. */
export function replacesDirectory(action: Change): boolean {
  return (action.type === 'upload' || action.type === 'download') && action.destination?.kind === 'directory';
}

/** Whether what is at the path stays though the sides differ: then nothing below it has a place on both of them. */
export function sparesBelow(verdict: Verdict): boolean {
  const { type } = verdict;
  return type === 'halt' || type === 'conflict' || (type === 'none' && verdict.drift === true);
}

/** Whether the contents are to decide between a directory and something else: until then nothing below has a place either. */
export function hangsOnKind(verdict: Verdict, { local, remote }: Triple): boolean {
  return verdict.type === 'contents' && local?.kind !== remote?.kind;
}

/** Whether it overwrites what the other side changed, too. */
export function overwritesChange(action: Change): boolean {
  return 'conflict' in action;
}

/** Bytes of content an action sends. */
export function bytesOf(action: Change): number {
  return action.type === 'upload' || action.type === 'download' ? action.source.size : 0;
}
