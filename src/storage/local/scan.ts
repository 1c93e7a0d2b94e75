/** Lists the local tree in the total order: synchronous calls, in slices. */
import { lstatSync, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { TowlineError } from '../../core/errors.js';
import { separated } from '../../core/fold.js';
import { join as joinPath, nameProblem, parentOf } from '../../core/path.js';
import { isOwnName, tempAgentOf, tempOfAside } from '../../core/tempname.js';
import { orderedWalk, type Child, type Listing } from '../../core/walk.js';
import type { ScanItem } from '../../core/stream.js';
import type { ScanRequest } from '../../ports.js';
import { componentsOrRoot } from '../checked.js';
import { attempt } from './errors.js';
import { checkDirectories } from './place.js';
import { Slice } from './slice.js';
import { readSmallText } from './source.js';
import { entryFrom } from './stats.js';

interface ScanContext {
  readonly root: string;
  readonly request: ScanRequest;
  readonly slice: Slice;
}

const batchMax = 512;
const bufferedMax = 4096;
/** Directories listed at once while the other side is asked for its spelling. */
const askedMax = 16;

/** See `Storage.scan`. */
export async function* scanLocal(
  root: string,
  request: ScanRequest,
): AsyncGenerator<ScanItem[], void, undefined> {
  checkDirectories(root, componentsOrRoot(request.under));
  const context: ScanContext = { root, request, slice: new Slice() };
  yield* orderedWalk({
    under: request.under,
    flat: request.flat,
    list: (directory) => listDirectory(context, directory),
    // Nothing overlaps when the calls are synchronous, but for asking the other side.
    concurrency: request.spelling === undefined ? 1 : askedMax,
    bufferedMax,
    batchMax,
    signal: request.signal,
  });
}

async function listDirectory(context: ScanContext, directory: string): Promise<Listing> {
  const { slice, request } = context;
  if (slice.over) await slice.pause();
  const names = await readNames(context, directory);
  findRules(context, directory, names);
  const spellings = await request.spelling?.(directory, names);
  const children: Child[] = [];
  for (const name of names) {
    if (slice.over) await slice.pause();
    const spelled = spellings?.get(name);
    const child = childOf(context, joinPath(directory, spelled ?? name), name);
    if (child === null) continue;
    children.push(spelled === undefined ? child : { ...child, name: spelled, item: kept(child.item, name) });
  }
  return separated(children, request.folding);
}

/** The path is spelled as on the other side: here it is kept under `stored`. */
function kept(item: ScanItem, stored: string): ScanItem {
  return item.type === 'entry' ? { ...item, entry: { ...item.entry, spelling: stored } } : item;
}

/** All names, nearly in order. Those that are not valid UTF-8 hold U+FFFD here, which `nameProblem` knows. */
async function readNames({ root, slice }: ScanContext, directory: string): Promise<string[]> {
  const absolute = join(root, directory);
  const names: string[] = [];
  const handle = attempt('list', absolute, () => opendirSync(absolute, { bufferSize: 256 }));
  try {
    // A link put in the place of the directory since it was seen would be followed by now.
    if (directory !== '') checkDirectories(root, [directory]);
    for (
      let item = handle.readSync();
      item !== null;
      item = attempt('list', absolute, () => handle.readSync())
    ) {
      names.push(item.name);
      if (slice.over) await slice.pause();
    }
  } finally {
    handle.closeSync();
  }
  return names.sort();
}

function findRules({ root, request }: ScanContext, directory: string, names: readonly string[]): void {
  if (request.ruleFiles === undefined) return;
  for (const name of request.ruleFiles.names) {
    if (!names.includes(name)) continue;
    const text = readSmallText(join(root, directory, name));
    if (text !== null) request.ruleFiles.found(directory, name, text);
  }
}

function childOf({ root, request }: ScanContext, path: string, name: string): Child | null {
  // By the name it has here: the path may be spelled as on the other side.
  const absolute = join(root, parentOf(path) ?? '', name);
  const problem = nameProblem(name);
  if (problem !== null) {
    const what = `the name ${JSON.stringify(absolute)} ${problem}`;
    const error = new TowlineError('name', what, { path: absolute, hint: 'Rename it' });
    return { name, item: { type: 'skipped', path, reason: 'name', error }, enter: false };
  }
  if (isOwnName(name)) return ownChild(absolute, path, name);
  const seen = look(absolute);
  // Gone between listing and looking: as if it had never been there.
  if (seen === null) return null;
  const { entry } = seen;
  if (request.excludes(path, entry instanceof TowlineError ? 'file' : entry.kind)) return null;
  if (entry instanceof TowlineError) {
    const reason = entry.code === 'name' ? 'name' : 'special';
    return { name, item: { type: 'skipped', path, reason, error: entry }, enter: false };
  }
  return { name, item: { type: 'entry', path, entry }, enter: entry.kind === 'directory' };
}

/** Temps are reported, an aside as its temp; whatever else is ours is nobody's business. */
function ownChild(absolute: string, path: string, name: string): Child | null {
  const aside = tempOfAside(name);
  const temp = aside ?? name;
  if (tempAgentOf(temp) === null) return null;
  const seen = look(absolute);
  if (seen === null) return null;
  const isDirectory = !(seen.entry instanceof TowlineError) && seen.entry.kind === 'directory';
  if (aside !== null && !isDirectory) return null;
  const at = joinPath(parentOf(path) ?? '', temp);
  return { name: temp, item: { type: 'temp', path: at, mtimeMs: seen.mtimeMs }, enter: false };
}

function look(absolute: string) {
  return attempt('look at', absolute, () => {
    const stats = lstatSync(absolute, { throwIfNoEntry: false });
    return stats === undefined
      ? null
      : { mtimeMs: stats.mtimeMs, entry: entryFrom(stats, absolute, absolute) };
  });
}
