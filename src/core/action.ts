/** What is decided for one path. */
import type { Entry, Side } from './entry.js';

export interface MetadataChange {
  readonly mode?: number;
  readonly mtimeMs?: number;
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
      readonly reason: string;
    }
  | {
      readonly type: 'make-directory';
      readonly side: Side;
      readonly path: string;
      readonly source: Entry;
      /** A file or symlink in the way. */
      readonly destination: Entry | null;
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
    }
  | { readonly type: 'none'; readonly path: string; readonly kept: boolean };

/** What the table says: an action, or that it cannot tell before the contents of these sides are hashed. */
export type Verdict =
  | Action
  | { readonly type: 'contents'; readonly path: string; readonly wants: readonly Side[] }
  /** It cannot be carried to the other side at all. */
  | { readonly type: 'refuse'; readonly path: string; readonly message: string };

/** An action that changes one of the sides. */
export type Change = Exclude<Action, { type: 'adopt' | 'none' }>;

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
      return action.side;
  }
}

/** Whether a directory has to go before the action can be carried out. */
export function replacesDirectory(action: Change): boolean {
  return (action.type === 'upload' || action.type === 'download') && action.destination?.kind === 'directory';
}

/** Bytes of content an action sends. */
export function bytesOf(action: Change): number {
  return action.type === 'upload' || action.type === 'download' ? action.source.size : 0;
}
