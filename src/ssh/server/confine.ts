/**
 * Paths of clients → paths of this machine, confined to the served folder as a chroot would do it: `..` stops at the
 * root, an absolute link starts at it, and every link is resolved here instead of by the system.
 *
 * All of it is synchronous on purpose. Resolving and acting happen in one turn of the event loop, so that no other
 * session can put a link between the check and the use. (Another process could: the folder is the caller's own.)
 *
 * Paths are kept as strings of bytes (latin1), so that names that are not UTF-8 survive.
 */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { Faults } from './faults.js';
import { Refusal, status } from './reply.js';

/** More links than this on the way to one path are a loop. */
const linksMax = 40;

/** Where a client's path leads. Its last component may be missing. */
export interface Place {
  /** On this machine; the bytes of the path. */
  readonly real: Buffer;
  /** As clients see it: absolute, without links, a string of bytes. */
  readonly seen: string;
}

export type Names = Pick<Faults, 'foldCase' | 'normalize'>;

export class Confinement {
  readonly #root: string;

  /** @param root the real path of the served folder */
  constructor(root: string) {
    this.#root = Buffer.from(root).toString('latin1');
  }

  /**
   * Follows `path` from the root.
   * @param last whether a link at the last component is followed
   * @throws Refusal (no such file, bad message) or an error of the system
   */
  locate(path: Buffer, last: 'follow' | 'keep', names: Names): Place {
    const pending = components(path.toString('latin1')).reverse();
    const at: string[] = [];
    let links = 0;
    while (pending.length > 0) {
      const name = pending.pop()!;
      if (name === '..') {
        at.pop();
        continue;
      }
      const stored = storedName(this.#real(at), name, names);
      const found = lstatSync(this.#real([...at, stored]), { throwIfNoEntry: false });
      const isLast = pending.length === 0;
      if (found?.isSymbolicLink() === true && (!isLast || last === 'follow')) {
        if (++links > linksMax) throw new Refusal(status.noSuchFile);
        const target = readlinkSync(this.#real([...at, stored]), 'buffer').toString('latin1');
        if (target.startsWith('/')) at.length = 0;
        pending.push(...components(target).reverse());
        continue;
      }
      if (!isLast && found?.isDirectory() !== true) throw new Refusal(status.noSuchFile);
      at.push(stored);
    }
    return { real: this.#real(at), seen: `/${at.join('/')}` };
  }

  #real(at: readonly string[]): Buffer {
    return Buffer.from([this.#root, ...at].join('/'), 'latin1');
  }
}

function components(path: string): string[] {
  // NUL would end the path for the system, and throws in Node.
  if (path.includes('\0')) throw new Refusal(status.badMessage);
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** The spelling under which the server keeps `name` in this directory. */
function storedName(directory: Buffer, name: string, names: Names): string {
  if (names.foldCase !== true && names.normalize === undefined) return name;
  const kept = spelled(name, names);
  if (names.foldCase !== true && names.normalize !== 'any') return kept;
  const key = folded(kept, names);
  const found = readdirSync(directory, 'buffer').map((one) => one.toString('latin1'));
  return (
    found.find((one) => one === kept) ??
    found.find((one) => folded(spelled(one, names), names) === key) ??
    kept
  );
}

/** The form in which the server keeps a name that it does not have yet. */
export function spelled(name: string, { normalize }: Names): string {
  if (normalize === undefined || normalize === 'any') return name;
  return Buffer.from(Buffer.from(name, 'latin1').toString().normalize(normalize)).toString('latin1');
}

function folded(name: string, { foldCase, normalize }: Names): string {
  const text = Buffer.from(name, 'latin1').toString();
  const form = normalize === undefined ? text : text.normalize('NFC');
  return foldCase === true ? form.toLowerCase() : form;
}
