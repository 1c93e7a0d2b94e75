/** What the contract suite needs of a side: the storage under test, and raw hands on what lies behind it. */
import { expect } from 'vitest';
import type { Entry, Kind } from '../../src/core/entry.js';
import { TowlineError, type ErrorCode } from '../../src/core/errors.js';
import type { ScanItem } from '../../src/core/stream.js';
import type { ScanRequest, Storage, Temp } from '../../src/ports.js';

export interface RawStat {
  readonly kind: Kind | 'special';
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly target?: string;
}

/** Does to the tree what its users do, without the storage under test. Paths are relative to the root. */
export interface RawSide {
  /** In place where the file exists; missing parents are made. */
  write(path: string, data: string | Buffer, options?: { mode?: number; mtimeMs?: number }): Promise<void>;
  append(path: string, data: string): Promise<void>;
  /** Missing parents are made; fine when it exists. */
  mkdir(path: string, mode?: number): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Whatever it holds. */
  remove(path: string): Promise<void>;
  read(path: string): Promise<Buffer>;
  /** Of the path itself, not of what a link points to; `null` when nothing is there. */
  stat(path: string): Promise<RawStat | null>;
  /** All names in a directory, our own included, sorted. */
  names(directory: string): Promise<string[]>;
  /** Makes something that is no entry (a FIFO), where that is possible. */
  special?(path: string): Promise<void>;
  /** Makes listing this directory fail with `permission`, where that is possible. */
  unlistable?(path: string): Promise<void>;
}

export interface ContractSide<S extends Storage = Storage> {
  readonly storage: S;
  readonly raw: RawSide;
  /** Names that the server shows as other ones, and so are no names there. */
  readonly renamed?: RegExp;
  dispose(): Promise<void>;
}

/** `missing`: the root is not there, its parent is; `far`: its parent is missing too. */
export type MakeSide<S extends Storage = Storage> = (
  root: 'present' | 'missing' | 'far',
) => Promise<ContractSide<S>>;

export async function scanAll(storage: Storage, request: Partial<ScanRequest> = {}): Promise<ScanItem[]> {
  const items: ScanItem[] = [];
  for await (const batch of storage.scan({ under: '', excludes: () => false, ...request })) {
    expect(batch.length).toBeGreaterThan(0);
    items.push(...batch);
  }
  return items;
}

/** What `observe` says of one path; fails when it cannot tell. */
export async function observed(storage: Storage, path: string): Promise<Entry | null> {
  const [seen] = await storage.observe([path]);
  if (seen instanceof TowlineError) throw seen;
  if (seen === undefined) throw new Error(`no answer for ${path}`);
  return seen;
}

/** As `observed`, of something that is there. */
export async function entryAt(storage: Storage, path: string): Promise<Entry> {
  const seen = await observed(storage, path);
  if (seen === null) throw new Error(`nothing at ${path}`);
  return seen;
}

/** The code of the `TowlineError` this rejects with; `'none'` when it resolves. Other errors fail the test. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (!(error instanceof TowlineError)) throw error;
    expect(error.message).not.toBe('');
    return error.code;
  }
}

export const tempOf = (number: number): string => `.towline-agent1-${String(number).padStart(13, '0')}.tmp`;

/** A temp that holds `data`, complete. */
export async function completeTemp(
  storage: Storage,
  path: string,
  data: string | Buffer,
  attributes: { mode?: number; mtimeMs?: number; name?: string } = {},
): Promise<{ temp: Temp; made: Entry; destination: Entry | null }> {
  const { name = tempOf(1), ...rest } = attributes;
  const bytes = Buffer.from(data);
  const temp = await storage.createTemp(path, name);
  await temp.write(bytes, 0);
  return { temp, ...(await temp.complete({ size: bytes.length, sync: false, ...rest })) };
}

/** A time cut to what the side can keep. */
export function cutTime(storage: Storage, mtimeMs: number): number {
  const granularityMs = storage.capabilities.timeGranularityMs;
  return granularityMs < 1 ? mtimeMs : Math.floor(mtimeMs / granularityMs) * granularityMs;
}
