/** Hashes of many files by `sha256sum` on the server. */
import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../../core/abort.js';
import { hasCode } from '../../core/errors.js';
import { parentOf } from '../../core/path.js';
import { mapBounded } from '../bounded.js';
import type { SftpContext } from './context.js';
import { pathProblem } from './paths.js';
import { readFields } from './shell/fields.js';
import type { RemoteShell } from './shell/remote-shell.js';

/** Files and bytes of names that one command is given, at most; a command line of the server must hold the names. */
const filesMax = 1_000;
const nameBytesMax = 64 * 1024;
/** Commands at once: each has a channel, and servers allow ten. */
const commandsMax = 2;
const looksInFlightMax = 256;

interface Asked {
  readonly path: string;
  readonly length?: number;
}

/**
 * See `Storage.hashInPlace`. Whole files are looked at before and after (inode, size, times): one that changed has no hash.
 * @throws `network`, the signal's reason
 */
export async function hashInPlace(
  context: SftpContext,
  shell: RemoteShell,
  files: readonly Asked[],
  signal?: AbortSignal,
): Promise<(string | null)[] | null> {
  throwIfAborted(signal);
  if ((await shell.tools())?.sha256sum !== true) return null;
  const safe = await inTheTree(context, files);
  throwIfAborted(signal);
  const wholes = [...new Set(safe.filter((one) => one.length === undefined).map((one) => one.path))];
  const parts = [...new Map(safe.filter(hasLength).map((one) => [keyOf(one), one])).values()];
  const work = [
    ...chunksOf(wholes, (path) => path).map((chunk) => () => hashWholes(shell, chunk, signal)),
    ...chunksOf(parts, keyOf).map((chunk) => () => hashParts(shell, chunk, signal)),
  ];
  const hashes = new Map<string, string>();
  await mapBounded(work, commandsMax, async (run) => {
    for (const [key, hash] of await run()) hashes.set(key, hash);
  });
  throwIfAborted(signal);
  return files.map((one) => hashes.get(hasLength(one) ? keyOf(one) : one.path) ?? null);
}

interface Part {
  readonly path: string;
  readonly length: number;
}

function hasLength(one: Asked): one is Part {
  return one.length !== undefined;
}

/** Two slashes are in no path. */
function keyOf(part: Part): string {
  return `${String(part.length)}//${part.path}`;
}

/** Those that can be named, in directories that are real ones: the shell would follow a link out of the tree. */
async function inTheTree(context: SftpContext, files: readonly Asked[]): Promise<Asked[]> {
  const channel = await context.channel('transfer');
  const named = files.filter(({ path }) => path !== '' && pathProblem(path) === null);
  const parents = [...new Set(named.map(({ path }) => parentOf(path) ?? ''))];
  const real = new Set<string>();
  await mapBounded(parents, looksInFlightMax, async (parent) => {
    try {
      await context.directories.confirm(channel, parent);
      real.add(parent);
    } catch (error) {
      if (hasCode(error, 'network', 'interrupted')) throw error;
    }
  });
  return named.filter(({ path }) => real.has(parentOf(path) ?? ''));
}

function chunksOf<T>(items: readonly T[], keyOfItem: (item: T) => string): T[][] {
  const chunks: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const added = Buffer.byteLength(keyOfItem(item)) + 4;
    if (bytes + added > nameBytesMax || chunks.at(-1)!.length >= filesMax) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)!.push(item);
    bytes += added;
  }
  return chunks;
}

/** Names on standard input end in two slashes, since a shell variable holds no NUL on the way. */
const names = `sed 's|//|\\o000|g' | xargs -0 -r`;

/** `B` and `A` are the looks before and after; a hash comes as `sha256sum -z` writes it. */
const wholesScript = [
  `find "$@" -maxdepth 0 -type f -printf 'B%s %T@ %C@ %i %p\\0'`,
  `find "$@" -maxdepth 0 -type f -print0 | xargs -0 -r sha256sum -z --`,
  `find "$@" -maxdepth 0 -type f -printf 'A%s %T@ %C@ %i %p\\0'`,
].join('; ');

const lookPattern = /^([AB])(\S+ \S+ \S+ \S+) \.\/(.*)$/s;
const hashPattern = /^([0-9a-f]{64}) [ *]\.\/(.*)$/s;

async function hashWholes(
  shell: RemoteShell,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const before = new Map<string, string>();
  const found = new Map<string, string>();
  const hashes = new Map<string, string>();
  const stdin = paths.map((path) => `./${path}//`).join('');
  await run(shell, `${names} sh -c ${quoted(wholesScript)} sh`, stdin, signal, (text) => {
    const [, when, look, path] = lookPattern.exec(text) ?? [];
    const [, hash, hashed] = hashPattern.exec(text) ?? [];
    if (hash !== undefined && hashed !== undefined) found.set(hashed, hash);
    else if (path === undefined || look === undefined) return;
    else if (when === 'B') before.set(path, look);
    else if (before.get(path) === look && found.has(path)) hashes.set(path, found.get(path)!);
  });
  return hashes;
}

/** One file that is at least that long, its first bytes, and how many these were. */
const partScript = [
  `[ -f "$2" ] && [ ! -L "$2" ] || exit 0`,
  `[ "$(head -c "$1" < "$2" | wc -c)" -eq "$1" ] || exit 0`,
  `hash=$(head -c "$1" < "$2" | sha256sum)`,
  `printf '%s %s//%s\\0' "\${hash%% *}" "$1" "$2"`,
].join('; ');

const partPattern = /^([0-9a-f]{64}) (\d+\/\/)\.\/(.*)$/s;

async function hashParts(
  shell: RemoteShell,
  parts: readonly Part[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  const stdin = parts.map(({ path, length }) => `${String(length)}//./${path}//`).join('');
  await run(shell, `${names} -n 2 sh -c ${quoted(partScript)} sh`, stdin, signal, (text) => {
    const [, hash, length, path] = partPattern.exec(text) ?? [];
    if (hash !== undefined) hashes.set(`${length!}${path!}`, hash);
  });
  return hashes;
}

/** A command that broke off has told nothing wrong: what it did not tell is not known. */
async function run(
  shell: RemoteShell,
  command: string,
  stdin: string,
  signal: AbortSignal | undefined,
  told: (text: string) => void,
): Promise<void> {
  const mark = randomUUID();
  const marks = { begin: `begin ${mark}`, end: `end ${mark}` };
  const script = `printf '${marks.begin}\\0'; ${command}; printf '${marks.end}\\0'`;
  const options = signal === undefined ? { stdin } : { stdin, signal };
  const stream = await shell.start('sha256sum', script, options);
  try {
    await readFields(stream, marks, (field) => {
      told(field.toString('utf8'));
      return true;
    });
  } catch (error) {
    throwIfAborted(signal);
    if (hasCode(error, 'network')) throw error;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
