/** How far the first sync is: sums over events, and the speed of the last seconds. */
import { Pace } from '../core/pace.js';
import type { AgentEvent } from '../index.js';

const foldersMax = 1_000;

export interface Counts {
  readonly files: number;
  readonly bytes: number;
}

export interface FolderProgress {
  /** First part of the paths in it; `.` for files that lie in no folder. */
  readonly name: string;
  readonly found: Counts;
  readonly sent: Counts;
}

interface Folder {
  readonly name: string;
  found: { files: number; bytes: number };
  sent: { files: number; bytes: number };
  inFlight: number;
  touchedMs: number;
}

interface Transfer {
  readonly size: number;
  bytes: number;
}

/** Ask after each `sample`; between two the speed stands still. */
export class ProgressNumbers {
  phase: 'connecting' | 'waiting' | 'comparing' | 'sending' = 'connecting';
  /** Paths looked at, both sides together. */
  entries = 0;
  /** Everything was looked at: no more files will be found. */
  listed = false;
  failed = 0;
  /** Bytes per second. */
  rate = 0;
  /** `null`: nobody knows. */
  leftMs: number | null = null;
  readonly #found = { files: 0, bytes: 0 };
  readonly #sent = { files: 0, bytes: 0 };
  #flyingBytes = 0;
  readonly #transfers = new Map<string, Transfer>();
  readonly #folders = new Map<string, Folder>();
  readonly #pace = new Pace();

  /** What is to be sent, as far as it is known. */
  get found(): Counts {
    const { files, bytes } = this.sent;
    return { files: Math.max(this.#found.files, files), bytes: Math.max(this.#found.bytes, bytes) };
  }

  /** Files that are done, and bytes sent, those of unfinished files included. */
  get sent(): Counts {
    return { files: this.#sent.files, bytes: this.#sent.bytes + this.#flyingBytes };
  }

  /** The largest file on its way, or `null`. */
  get largest(): { readonly path: string; readonly size: number; readonly bytes: number } | null {
    let found: { path: string; size: number; bytes: number } | null = null;
    for (const [path, { size, bytes }] of this.#transfers) {
      if (found === null || size > found.size) found = { path, size, bytes };
    }
    return found;
  }

  /** Folders being worked on, by name, at most `max`. */
  folders(max: number): FolderProgress[] {
    return [...this.#folders.values()]
      .filter(({ sent, found }) => sent.files < found.files)
      .sort((a, b) => b.inFlight - a.inFlight || b.touchedMs - a.touchedMs)
      .slice(0, max)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  note(event: AgentEvent, nowMs: number): void {
    switch (event.type) {
      case 'link':
        if (event.state.name === 'waiting') this.phase = 'waiting';
        else if (event.state.name === 'ready') this.phase = this.#found.files > 0 ? 'sending' : 'comparing';
        break;
      case 'scan-start':
        this.phase = 'comparing';
        this.listed = false;
        break;
      case 'scan-progress':
      case 'scan-listed':
        this.entries = event.entries;
        this.listed = event.type === 'scan-listed';
        break;
      case 'scan-found':
        for (const file of event.files) this.#find(file.path, file.size);
        break;
      case 'transfer-start':
        this.#start(event.path, event.size, nowMs);
        break;
      case 'transfer-progress':
        this.#progress(event.path, event.bytes);
        break;
      case 'transfer-end':
        this.#end(event.path, event.size, event.ok, nowMs);
        break;
      default:
        break;
    }
  }

  /** Measures the speed; called now and then. */
  sample(nowMs: number): void {
    const { sent, found } = this;
    this.#pace.sample(sent, nowMs);
    this.rate = this.#pace.rate;
    const rest = { bytes: found.bytes - sent.bytes, files: found.files - sent.files };
    this.leftMs = this.listed ? this.#pace.leftMs(rest) : null;
  }

  #find(path: string, size: number): void {
    this.phase = 'sending';
    this.#found.files++;
    this.#found.bytes += size;
    const folder = this.#folder(path);
    if (folder === null) return;
    folder.found.files++;
    folder.found.bytes += size;
  }

  #start(path: string, size: number, nowMs: number): void {
    this.#pace.begin(nowMs);
    this.#transfers.set(path, { size, bytes: 0 });
    const folder = this.#folder(path);
    if (folder === null) return;
    folder.inFlight++;
    folder.touchedMs = nowMs;
  }

  #progress(path: string, bytes: number): void {
    const transfer = this.#transfers.get(path);
    if (transfer === undefined) return;
    // A file that is read anew, since it changed, counts once.
    const now = Math.min(bytes, transfer.size);
    this.#flyingBytes += now - transfer.bytes;
    transfer.bytes = now;
  }

  #end(path: string, size: number, ok: boolean, nowMs: number): void {
    this.#flyingBytes -= this.#transfers.get(path)?.bytes ?? 0;
    this.#transfers.delete(path);
    const folder = this.#folder(path);
    if (folder !== null) {
      folder.inFlight--;
      folder.touchedMs = nowMs;
    }
    if (!ok) this.failed++;
    for (const counts of ok ? [this.#sent, folder?.sent] : []) {
      if (counts === undefined) continue;
      counts.files++;
      counts.bytes += size;
    }
  }

  #folder(path: string): Folder | null {
    const slash = path.indexOf('/');
    const name = slash === -1 ? '.' : path.slice(0, slash);
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    if (this.#folders.size >= foldersMax) return null;
    const folder = {
      name,
      found: { files: 0, bytes: 0 },
      sent: { files: 0, bytes: 0 },
      inFlight: 0,
      touchedMs: 0,
    };
    this.#folders.set(name, folder);
    return folder;
  }
}
