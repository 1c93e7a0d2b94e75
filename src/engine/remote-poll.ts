import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { isBelow } from '../core/path.js';
import { mergeSides } from '../core/reconcile.js';
import type { ScanItem } from '../core/stream.js';
import type { Context } from './context.js';

/** Paths found to differ that are remembered, so that they are not reported again at every look. */
const reportedMax = 50_000;

/** Finds what changed on the remote side by comparing its listing with the base; the local side is not looked at. */
export class RemotePoll {
  readonly #context: Context;
  /** What was reported, as it was then: a conflict that waits for a person is no news. */
  #reported: ReadonlyMap<string, string> = new Map();
  #found: ReadonlyMap<string, string> = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Paths that are not what the base says, new ones and lost ones included. Of a directory that is gone, or new, only
   * itself. They are told again until `taken` is called.
   * @throws `network`, and whatever keeps the side from being listed at all
   */
  async changed(): Promise<string[]> {
    const { remote, state, filter, stopSignal: signal } = this.#context;
    const excludes = filter.excludes;
    const reported = new Map<string, string>();
    const paths: string[] = [];
    let whole: string | null = null;
    const sightings = mergeSides({
      local: nothing(),
      remote: remote.scan({ under: '', excludes, signal, hint: true }),
      base: state.base.scan('', signal),
      excludes,
    });
    for await (const batch of sightings) {
      for (const sighting of batch) {
        if (sighting.type !== 'triple') continue;
        const { path, base, remote: now } = sighting.triple;
        if (whole !== null && isBelow(path, whole)) continue;
        const was = base?.remote ?? null;
        if (isAsRecorded(now, was)) continue;
        if ((now ?? was)?.kind === 'directory' && now?.kind !== was?.kind) whole = path;
        const revision =
          now === null ? '' : `${now.kind} ${String(now.size)} ${String(now.mtimeMs)} ${String(now.mode)}`;
        if (this.#reported.get(path) !== revision) paths.push(path);
        if (reported.size < reportedMax) reported.set(path, revision);
      }
    }
    this.#found = reported;
    return paths;
  }

  /** What `changed` told last is in the queue. */
  taken(): void {
    this.#reported = this.#found;
  }
}

function isAsRecorded(now: Entry | null, was: Entry | null): boolean {
  if (!sameRevision(now, was)) return false;
  return now === null || was === null || now.kind === 'symlink' || now.mode === was.mode;
}

async function* nothing(): AsyncGenerator<ScanItem[], void, undefined> {
  // Yields nothing.
}
