/** How far transfers are: each file, and all of them together. */
import { type Amount, Pace } from '../core/pace.js';
import type { Clock } from '../ports.js';

/** One file on its way. */
export interface FileProgress {
  /** Relative to the root. */
  readonly path: string;
  /** `upload`: to the server; `download`: from there. */
  readonly action: 'upload' | 'download';
  /** Bytes of the whole file. */
  readonly size: number;
  /** Bytes that are over there by now; never more than `size`, also where it had to be sent anew. */
  readonly bytes: number;
  /** Bytes per second, over the last five seconds. */
  readonly rate: number;
  /** Time left, ms; `null` while nobody can tell: in the first two seconds, and when nothing moves. */
  readonly leftMs: number | null;
}

/** All files together. */
export interface TotalProgress {
  /** Files that are over there. */
  readonly files: number;
  /** Files that are to be carried, as far as they are known. */
  readonly filesFound: number;
  /** Bytes that are over there, those of unfinished files included. */
  readonly bytes: number;
  /** Bytes that are to be carried, as far as they are known. */
  readonly bytesFound: number;
  /** Whether everything was looked at: until then more may be found. */
  readonly listed: boolean;
  /** Bytes per second, over the last five seconds. */
  readonly rate: number;
  /** Time left, ms; `null` while nobody can tell: as for a file, and before everything was looked at. */
  readonly leftMs: number | null;
}

/** What a `progress` callback is told at each step: when a file begins, with each piece of it, and when it ends. */
export interface Progress {
  /** The file that came one step further. */
  readonly file: FileProgress;
  /** All files of the run (of an agent: since it last had nothing to do). */
  readonly total: TotalProgress;
}

/** Measures transfers. */
export class ProgressMeter {
  listed = true;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #files = new Set<FileMeter>();
  #found: Amount = nothing;
  #done: Amount = nothing;
  #pace = new Pace();
  #over = false;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** So many files are to be carried. */
  find(amount: Amount): void {
    this.#again();
    this.#found = sum(this.#found, amount);
  }

  /** A file begins. */
  begin(path: string, action: FileProgress['action'], size: number): FileMeter {
    this.#again();
    const nowMs = this.#clock.monotonic();
    this.#pace.begin(nowMs);
    if (this.#files.size === 0) this.#pace.sample(this.#moved(), nowMs);
    const file = new FileMeter(this, path, action, size, nowMs);
    this.#files.add(file);
    return file;
  }

  /** What was found is dealt with; the next find begins a new count, unless files are still on their way. */
  settle(): void {
    this.#over = this.#files.size === 0;
  }

  /** For `FileMeter`: a step, told as progress. */
  step(file: FileMeter): Progress {
    const nowMs = this.#clock.monotonic();
    this.#pace.sample(this.#moved(), nowMs);
    return { file: file.progress(nowMs), total: this.total };
  }

  /** For `FileMeter`: its end. */
  end(file: FileMeter, ok: boolean): Progress {
    this.#files.delete(file);
    if (ok) this.#done = sum(this.#done, { files: 1, bytes: file.size });
    return this.step(file);
  }

  get total(): TotalProgress {
    const moved = this.#moved();
    // What was decided late was never announced.
    const known = sum(this.#done, this.#underWay());
    const found = {
      files: Math.max(this.#found.files, known.files),
      bytes: Math.max(this.#found.bytes, known.bytes),
    };
    const rest = { files: found.files - moved.files, bytes: found.bytes - moved.bytes };
    return {
      files: moved.files,
      filesFound: found.files,
      bytes: moved.bytes,
      bytesFound: found.bytes,
      listed: this.listed,
      rate: this.#pace.rate,
      leftMs: this.listed ? this.#pace.leftMs(rest) : null,
    };
  }

  #moved(): Amount {
    let bytes = this.#done.bytes;
    for (const file of this.#files) bytes += file.bytes;
    return { files: this.#done.files, bytes };
  }

  #underWay(): Amount {
    let bytes = 0;
    for (const file of this.#files) bytes += file.size;
    return { files: this.#files.size, bytes };
  }

  #again(): void {
    if (!this.#over) return;
    this.#over = false;
    this.#found = nothing;
    this.#done = nothing;
    this.#pace = new Pace();
  }
}

/** Measures one file. */
export class FileMeter {
  readonly #meter: ProgressMeter;
  readonly #path: string;
  readonly #action: FileProgress['action'];
  readonly #pace = new Pace();
  #size: number;
  #bytes = 0;

  /** See `ProgressMeter.begin`. */
  constructor(
    meter: ProgressMeter,
    path: string,
    action: FileProgress['action'],
    size: number,
    nowMs: number,
  ) {
    this.#meter = meter;
    this.#path = path;
    this.#action = action;
    this.#size = size;
    this.#pace.begin(nowMs);
    this.#pace.sample({ bytes: 0, files: 0 }, nowMs);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * So many bytes are over there by now.
   * @param size if it is another one than at the beginning
   */
  note(bytes: number, size = this.#size): Progress {
    this.#size = size;
    // A file that is read anew, since it changed, counts once.
    this.#bytes = Math.min(bytes, size);
    return this.#meter.step(this);
  }

  /** @param ok whether it is over there */
  end(ok: boolean): Progress {
    if (ok) this.#bytes = this.#size;
    return this.#meter.end(this, ok);
  }

  /** For `ProgressMeter`. */
  progress(nowMs: number): FileProgress {
    const [path, action, size, bytes] = [this.#path, this.#action, this.#size, this.#bytes];
    this.#pace.sample({ bytes, files: 0 }, nowMs);
    const leftMs = this.#pace.leftMs({ bytes: size - bytes, files: 0 });
    return { path, action, size, bytes, rate: this.#pace.rate, leftMs };
  }
}

const nothing: Amount = { files: 0, bytes: 0 };

function sum(a: Amount, b: Amount): Amount {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}
