/** The contract of what watches a local tree. See ports.ts for the others. */
import type { Kind } from './core/entry.js';
import type { TowlineError } from './core/errors.js';
import type { WatchEventKind } from './core/stream.js';

export interface WatchHandlers {
  readonly event: (kind: WatchEventKind, path: string) => void;
  /** Events may have been lost: the caller scans, and rebuilds the watch set. */
  readonly error: (error: TowlineError) => void;
  readonly excludes: (path: string, kind: Kind) => boolean;
}

/** A hint that something changed; never the truth. One instance watches once. */
export interface Watcher {
  /** Resolves once every directory is watched: what changes from then on gives an event. */
  start(handlers: WatchHandlers, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
