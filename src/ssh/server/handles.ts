/** What a session holds open. */
import { closeSync } from 'node:fs';
import { Refusal, status } from './reply.js';

export interface OpenFile {
  readonly type: 'file';
  readonly descriptor: number;
  /** As clients see it, when it was opened: a string of bytes. */
  readonly path: string;
  readonly append: boolean;
  /** Where the last write ended. */
  writtenTo: number;
}

export interface OpenDirectory {
  readonly type: 'directory';
  readonly path: string;
  /** The names when it was opened. */
  readonly names: readonly Buffer[];
  /** How many of them were told. */
  told: number;
  /** Whether the invented items of a fault were told already. */
  fakesTold: boolean;
}

/** As many as OpenSSH's server allows by default on most systems. */
const handlesMax = 1000;

export class HandleTable {
  readonly #open = new Map<string, OpenFile | OpenDirectory>();
  #next = 0;

  /** Keeps it under a handle never given before. */
  add(one: OpenFile | OpenDirectory): string {
    if (this.#open.size >= handlesMax) {
      if (one.type === 'file') closeSync(one.descriptor);
      throw new Refusal(status.failure);
    }
    const handle = String(this.#next++);
    this.#open.set(handle, one);
    return handle;
  }

  file(handle: string): OpenFile {
    const one = this.#open.get(handle);
    if (one?.type !== 'file') throw new Refusal(status.failure);
    return one;
  }

  directory(handle: string): OpenDirectory {
    const one = this.#open.get(handle);
    if (one?.type !== 'directory') throw new Refusal(status.failure);
    return one;
  }

  pathOf(handle: string): string {
    return this.#open.get(handle)?.path ?? '';
  }

  close(handle: string): void {
    const one = this.#open.get(handle);
    if (one === undefined) throw new Refusal(status.failure);
    this.#open.delete(handle);
    if (one.type === 'file') closeSync(one.descriptor);
  }

  closeAll(): void {
    for (const handle of [...this.#open.keys()]) this.close(handle);
  }
}
