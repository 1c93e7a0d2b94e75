/**
 * What inotifywait writes, as events. Each record ends in a mark that no file name holds, since nobody could know it: a line
 * break in a name is no end then.
 */
import type { WatchEventKind } from '../core/stream.js';

export type RemoteEvent =
  | {
      readonly type: 'change';
      readonly kind: WatchEventKind;
      readonly path: string;
      readonly isDirectory: boolean;
    }
  /** The root was removed or moved away, or something was unmounted. */
  | { readonly type: 'gone' }
  /** How many events the kernel there queues at most. */
  | { readonly type: 'queue'; readonly max: number };

export class EventReader {
  readonly #end: Buffer;
  #rest: Buffer = Buffer.alloc(0);
  #begun = false;
  /** The root as paths begin with it; without a slash at its end. */
  #root = '';

  /**
   * @param mark comes first, and ends every record: `<events>|<path>|<mark>`, line break. A record `ROOT|<path>` says what
   * the paths of those after it begin with, and `QUEUE|<number>` what `RemoteEvent` tells of it
   */
  constructor(mark: string) {
    this.#end = Buffer.from(`|${mark}\n`);
  }

  /** The events that are complete now. */
  add(piece: Buffer): RemoteEvent[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const events: RemoteEvent[] = [];
    for (let end = this.#rest.indexOf(this.#end); end !== -1; end = this.#rest.indexOf(this.#end)) {
      const event = this.#begun ? this.#eventOf(this.#rest.toString('utf8', 0, end)) : null;
      // Before the first mark is what a login script printed.
      this.#begun = true;
      this.#rest = this.#rest.subarray(end + this.#end.length);
      if (event !== null) events.push(event);
    }
    return events;
  }

  /** `null` for what says nothing new, and for names that are not UTF-8: those are never acted on. */
  #eventOf(record: string): RemoteEvent | null {
    const bar = record.indexOf('|');
    const names = record.slice(0, bar).split(',');
    const rest = record.slice(bar + 1).replace(/\/$/, '');
    if (names[0] === 'QUEUE') return Number(rest) > 0 ? { type: 'queue', max: Number(rest) } : null;
    if (names[0] === 'ROOT') {
      this.#root = rest;
      return null;
    }
    if (names.includes('UNMOUNT')) return { type: 'gone' };
    const self = names.includes('DELETE_SELF') || names.includes('MOVE_SELF');
    // A directory tells of itself what its parent tells of it too, but for the root.
    if (rest === this.#root) return self ? { type: 'gone' } : null;
    if (self || rest.includes('\ufffd') || !rest.startsWith(`${this.#root}/`)) return null;
    const kind = kindOf(names);
    const isDirectory = names.includes('ISDIR');
    return kind === null
      ? null
      : { type: 'change', kind, path: rest.slice(this.#root.length + 1), isDirectory };
  }
}

function kindOf(names: readonly string[]): WatchEventKind | null {
  const isDirectory = names.includes('ISDIR');
  switch (names[0]) {
    case 'CREATE':
    case 'MOVED_TO':
      return isDirectory ? 'addDir' : 'add';
    case 'DELETE':
    case 'MOVED_FROM':
      return isDirectory ? 'unlinkDir' : 'unlink';
    case 'MODIFY':
    case 'ATTRIB':
    case 'CLOSE_WRITE':
      return 'change';
    default:
      return null;
  }
}
