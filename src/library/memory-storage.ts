/** A storage in memory as programs are given it: without the knobs by which our own tests make it fail. */
import { checkOptions } from '../config/check-options.js';
import type { Capabilities, Storage } from '../ports.js';
import { createMemoryStorage as create } from '../storage/memory/storage.js';

/** What a storage in memory is to be like. */
export interface MemoryStorageOptions {
  /** For people. Default: `memory`. */
  readonly label?: string;
  /** What it cannot do, with `false`: that is missing in deed. Default: it can do everything. */
  readonly capabilities?: Partial<Omit<Capabilities, 'timeGranularityMs' | 'names'>>;
  /** Modification times are cut to whole multiples of this, ms. Default: 1. */
  readonly timeGranularityMs?: number;
  /** Names that differ in case only are one. Default: false. */
  readonly foldCase?: boolean;
  /** Bytes of content that fit. Default: no end. */
  readonly capacityBytes?: number;
}

/** A storage that lives in memory. It begins as an empty directory. */
export interface MemoryStorage extends Storage {
  /** What others do to it, at once. */
  readonly edit: MemoryEdit;
}

/** The hands of somebody else on a storage in memory: no agent is asked. */
export interface MemoryEdit {
  /** Writes a file, and makes the directories above it that are missing. `mode` as in `0o644`, `mtimeMs` since 1970. */
  write(
    path: string,
    data: string | Buffer,
    options?: { readonly mode?: number; readonly mtimeMs?: number },
  ): void;
  /** The content of a file. @throws `not-found` */
  read(path: string): Buffer;
  /** Makes a directory, and those above it that are missing. Default of `mode`: `0o755`. */
  mkdir(path: string, mode?: number): void;
  /** Makes a symlink. */
  symlink(target: string, path: string): void;
  /** Renames a file or a whole directory, in place of what is at `to`. @throws `not-found` */
  rename(from: string, to: string): void;
  /** Removes a file or a whole directory, if it is there. */
  remove(path: string): void;
  /**
   * All there is, by path: `directory 755`, `symlink -> target`, `file 644 "text"` (long or binary contents by length and
   * SHA-256).
   */
  tree(): Record<string, string>;
}

const known: readonly (keyof MemoryStorageOptions)[] = [
  'label',
  'capabilities',
  'timeGranularityMs',
  'foldCase',
  'capacityBytes',
];

/**
 * Makes a storage in memory, for the `remote` of a program's tests or as the base of a storage of its own.
 * @throws `configuration`
 */
export function createMemoryStorage(options: MemoryStorageOptions = {}): MemoryStorage {
  checkOptions(options, known);
  return create(options);
}
