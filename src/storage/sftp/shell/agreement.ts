/**
 * Whether a shell's directory looks just like the one that SFTP shows: the same file system, and the same entries with the
 * same metadata. That is no proof (a copy on one file system, times and all, passes), and what is built on it must come
 * right by itself when it is wrong.
 */
import { randomUUID } from 'node:crypto';
import { hasCode } from '../../../core/errors.js';
import { join } from '../../../core/path.js';
import type { Attributes, DirectoryItem } from '../../../ssh/channel.js';
import { kindOf } from '../attributes.js';
import { offers } from '../capabilities.js';
import { listDirectory } from '../listing.js';
import { readFields } from './fields.js';
import { FoundTree, recordFormat } from './found-tree.js';
import { answerMs, type LookParts } from './tools.js';

/** Fewer entries say too little; then the folders of the root are looked into as well. */
const entriesMin = 5;
/** What changed between two looks looks alike at the next. */
const looksMax = 2;

/** More is not asked of a shell. */
const fieldsMax = 400_000;

interface FileSystem {
  /** Any of them may be its number. */
  readonly ids: readonly number[];
  readonly blocks: number;
  readonly inodes: number;
}

/** What one side says. */
interface Look {
  readonly fileSystem: FileSystem;
  /** By path, with the root itself as `.`. */
  readonly entries: ReadonlyMap<string, Attributes>;
}

/** @throws `network` */
export async function agrees(parts: LookParts): Promise<boolean> {
  const timeout = new AbortController();
  const cancel = parts.clock.timer(answerMs, () =>
    timeout.abort(new Error('the shell did not answer in time')),
  );
  try {
    for (let looks = 0; looks < looksMax; looks++) {
      const bySftp = await lookBySftp(parts);
      if (bySftp === null) return false;
      const byShell = await lookByShell(parts, AbortSignal.any([timeout.signal, parts.signal]));
      if (byShell !== null && alike(bySftp, byShell)) return true;
    }
    return false;
  } catch (error) {
    if (hasCode(error, 'network')) throw error;
    // What may not be looked at shows nothing.
    return false;
  } finally {
    cancel();
  }
}

/** `null` where too little is to be seen to tell one tree from another. */
async function lookBySftp({ channel, paths }: LookParts): Promise<Look | null> {
  if (!offers(channel.extensions, 'statvfs')) return null;
  const { identity } = await channel.space(paths.root);
  if (identity === undefined) return null;
  const entries = new Map([['.', await channel.stat(paths.root)]]);
  const add = (directory: string, items: readonly DirectoryItem[]) => {
    for (const { name, attributes } of items) entries.set(join(directory, name), attributes);
  };
  const top = await listDirectory(channel, paths.root);
  add('', top);
  if (top.length < entriesMin) {
    for (const { name, attributes } of top) {
      if (kindOf(attributes) === 'directory') add(name, await listDirectory(channel, paths.below(name)));
    }
  }
  return entries.size > entriesMin ? { fileSystem: { ...identity, ids: [identity.id] }, entries } : null;
}

async function lookByShell(parts: LookParts, signal: AbortSignal): Promise<Look | null> {
  const { commands, directory } = parts;
  const mark = randomUUID();
  const marks = { begin: `begin ${mark}`, end: `end ${mark}` };
  const script = [
    `printf '${marks.begin}\\0'`,
    `printf '%s\\0' "$(stat -f -c '%i %b %c' .)"`,
    // Of the root's folders only where it holds little else: otherwise SFTP did not look into them.
    `if [ "$(find . -mindepth 1 -maxdepth 1 -printf x | wc -c)" -lt ${String(entriesMin)} ]; then depth=2; else depth=1; fi`,
    `find . -maxdepth "$depth" -noleaf -printf '${recordFormat}'`,
    `printf '${marks.end}\\0'`,
  ].join(' && ');
  const fields: Buffer[] = [];
  const stream = commands.stream(script, { directory, environment: { LC_ALL: 'C' }, signal });
  const whole = await readFields(stream, marks, (field) => fields.push(field) < fieldsMax);
  const fileSystem = whole ? fileSystemOf(fields.shift()) : null;
  const entries = entriesOf(fields);
  return fileSystem === null || entries === null ? null : { fileSystem, entries };
}

/**
 * From `stat -f -c '%i %b %c'`. It writes the two halves of the number the other way round than the C library puts them
 * together for SFTP.
 */
function fileSystemOf(text: Buffer | undefined): FileSystem | null {
  const said = /^([0-9a-f]{1,16}) (\d+) (\d+)$/.exec(text?.toString('latin1') ?? '');
  if (said === null) return null;
  const turned = said[1]!.padStart(16, '0').replace(/^(.{8})(.{8})$/, '$2$1');
  return {
    ids: [said[1]!, turned].map((hex) => Number(`0x${hex}`)),
    blocks: Number(said[2]),
    inodes: Number(said[3]),
  };
}

/** From records of find and their targets in turn, of which the first is the root's, without a path. */
function entriesOf(fields: readonly Buffer[]): ReadonlyMap<string, Attributes> | null {
  const tree = new FoundTree();
  for (const [index, record] of fields.entries()) {
    if (index % 2 === 1) continue;
    const named = index === 0 ? Buffer.concat([record, Buffer.from('.')]) : record;
    const target = fields[index + 1];
    if (target === undefined || !tree.add(named, target)) return null;
  }
  const entries = new Map<string, Attributes>();
  const top = tree.take('') ?? [];
  for (const { name, attributes } of top) entries.set(name, attributes);
  for (const { name: directory } of top) {
    for (const { name, attributes } of tree.take(directory) ?? []) {
      entries.set(join(directory, name), attributes);
    }
  }
  return entries;
}

function alike(one: Look, other: Look): boolean {
  if (!isSameFileSystem(one.fileSystem, other.fileSystem)) return false;
  if (one.entries.size !== other.entries.size) return false;
  for (const [path, attributes] of one.entries) {
    const there = other.entries.get(path);
    if (there === undefined || !isSameMetadata(attributes, there)) return false;
  }
  return true;
}

function isSameMetadata(one: Attributes, other: Attributes): boolean {
  return (
    kindOf(one) === kindOf(other) &&
    ((one.mode ?? 0) & 0o7777) === ((other.mode ?? 0) & 0o7777) &&
    one.size === other.size &&
    one.mtime === other.mtime &&
    one.uid === other.uid &&
    one.gid === other.gid
  );
}

function isSameFileSystem(one: FileSystem, other: FileSystem): boolean {
  return (
    one.blocks === other.blocks &&
    one.inodes === other.inodes &&
    one.ids.some((id) => other.ids.some((there) => isSameId(id, there)))
  );
}

/** As far as a number of JavaScript can tell 64 bits; exact below 2^50. */
function isSameId(one: number, other: number): boolean {
  return Math.abs(one - other) <= Math.max(one, other) * 2 ** -50;
}
