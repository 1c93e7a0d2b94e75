import type { Side } from '../core/entry.js';
import { join, nameOf, parentOf } from '../core/path.js';
import type { Storage } from '../ports.js';
import type { LeftTemp, TransferTemps } from '../transfer/target.js';
import type { Temps } from './temps.js';

/** Where a file is to be written. */
export interface Destination {
  readonly temps: Temps;
  readonly side: Side;
  readonly storage: Storage;
  readonly path: string;
}

/** The temps of one transfer: the name that is on record for it already, a fresh one for each further try. */
export class PathTemps implements TransferTemps {
  readonly #temps: Temps;
  readonly #side: Side;
  readonly #storage: Storage;
  readonly #path: string;
  /** On record and not used yet. */
  #next: string | null;
  readonly #used = new Set<string>();

  /** @param first a name that is on record, or `null`: one is reserved when it is needed */
  constructor({ temps, side, storage, path }: Destination, first: string | null) {
    this.#temps = temps;
    this.#side = side;
    this.#storage = storage;
    this.#path = path;
    this.#next = first;
  }

  async fresh(): Promise<string> {
    const temp = this.#next ?? (await this.#temps.reserve(this.#side, [this.#path]))[0]!;
    this.#next = null;
    this.#used.add(temp);
    return nameOf(temp);
  }

  async resumable(source: { fingerprint: string; size: number } | null): Promise<LeftTemp | null> {
    const left = await this.#temps.takeUp(this.#side, this.#path, this.#storage, source);
    if (left === null) return null;
    this.#used.add(left.temp);
    const to = await this.#temps.inherit(left);
    this.#used.add(to);
    return { from: nameOf(left.temp), to: nameOf(to), offset: left.offset, sure: left.sure };
  }

  async resumed(left: LeftTemp, goesOn: boolean): Promise<void> {
    if (!goesOn) {
      await this.#temps.removeUsed(this.#storage, [this.#temp(left.from), this.#temp(left.to)]);
      return;
    }
    this.#temps.gone(this.#temp(left.from));
    // Whatever else an earlier attempt left is of no use any more.
    await this.#temps.takeUp(this.#side, this.#path, this.#storage, null);
  }

  progress(name: string, fingerprint: string, bytes: number): Promise<void> {
    return this.#temps.progress(this.#temp(name), fingerprint, bytes);
  }

  gone(name: string): void {
    this.#temps.gone(this.#temp(name));
  }

  /** Nothing uses the names any more; one that was never used is certainly not there. */
  end(): void {
    if (this.#next !== null) this.#temps.gone(this.#next);
    for (const temp of this.#used) this.#temps.abandon(temp);
  }

  #temp(name: string): string {
    return join(parentOf(this.#path) ?? '', name);
  }
}
