import { type Action, type Change, isDeletion, overwritesChange, writtenSide } from '../core/action.js';
import { otherSide, type Side } from '../core/entry.js';
import type { Applied } from './applied.js';
import type { Context } from './context.js';
import type { Directories } from './directories.js';
import type { Moved } from './moves.js';
import type { Tally } from './tally.js';

/** Counts what a batch did, tells of what people want to know, and which directories were touched by it. */
export class BatchNotes {
  readonly #context: Context;
  readonly #tally: Tally;
  readonly #directories: Readonly<Record<Side, Directories>>;

  constructor(context: Context, tally: Tally, directories: Readonly<Record<Side, Directories>>) {
    this.#context = context;
    this.#tally = tally;
    this.#directories = directories;
  }

  /** Contents were read, or it was looked at again, and nothing is to be done. */
  settled({ kept, leftOut }: Extract<Action, { type: 'none' | 'adopt' }>): void {
    if (kept) this.#tally.kept++;
    else if (leftOut !== undefined) this.#tally.leftOut++;
    else this.#tally.skipped++;
  }

  moved({ side, from, to }: Moved): void {
    this.#tally.moved++;
    this.#tally.touch(to);
    for (const path of [from, to]) this.#directories[side].changedIn(path);
  }

  done(change: Change, done: Applied): void {
    const tally = this.#tally;
    const directories = this.#directories[writtenSide(change)];
    tally.touch(change.path);
    if (!isDeletion(change)) this.#context.deletions.made(change.path);
    if (writtenSide(change) === 'remote') tally.bytesSent += done.bytes;
    else tally.bytesReceived += done.bytes;
    tally.deleted += done.deleted;
    switch (change.type) {
      case 'upload':
      case 'download':
        if (done.aside !== undefined) break;
        tally.transferred++;
        if (overwritesChange(change)) this.#noteConflict(change);
        else if (change.drift) tally.drifted++;
        directories.changedIn(change.path);
        break;
      case 'make-directory':
        tally.directories++;
        if (overwritesChange(change)) this.#noteConflict(change);
        directories.made(change.path);
        directories.changedIn(change.path);
        break;
      case 'set-metadata':
        tally.metadata++;
        if (change.change.mode !== undefined) directories.changed(change.path, change.change.mode);
        break;
      case 'set-aside':
        if (change.cause === 'conflict') tally.conflicts++;
        else tally.drifted++;
        directories.changedIn(change.path);
        break;
      case 'delete-local':
      case 'delete-remote':
        tally.kept += this.#context.staying.met(done.kept, this.#context.emit);
        directories.removed(change.path);
        directories.changedIn(change.path);
        break;
    }
  }

  #noteConflict(change: Change): void {
    this.#tally.conflicts++;
    const side = writtenSide(change);
    const told = { type: 'conflict', path: change.path, cause: 'conflict' } as const;
    this.#context.emit({ ...told, resolution: otherSide(side), side, copy: null });
  }
}
