/** The reading half of a memory storage. */
import { throwIfAborted } from '../../core/abort.js';
import type { Entry } from '../../core/entry.js';
import { asTowlineError, TowlineError } from '../../core/errors.js';
import { join, nameProblem } from '../../core/path.js';
import { isTransientName } from '../../core/lock.js';
import { isOwnName } from '../../core/tempname.js';
import { orderedWalk, type Child, type Listing } from '../../core/walk.js';
import type { ScanItem } from '../../core/stream.js';
import type { Observed, ScanRequest, Source } from '../../ports.js';
import { componentsOf, componentsOrRoot } from '../checked.js';
import { step, type MemoryContext } from './context.js';
import { ownerMay, type Node } from './tree.js';

const textBytesMax = 1024 * 1024;
const bounds = { concurrency: 4, bufferedMax: 4096, batchMax: 512 };

/** See `Storage.scan`. */
export async function* scanMemory(
  context: MemoryContext,
  request: ScanRequest,
): AsyncGenerator<ScanItem[], void, undefined> {
  componentsOrRoot(request.under);
  const list = (directory: string) =>
    step(context, 'list', directory, () => listDirectory(context, request, directory));
  const { under, flat, signal } = request;
  yield* orderedWalk({ ...bounds, under, flat, list, signal });
}

function listDirectory({ tree }: MemoryContext, request: ScanRequest, directory: string): Listing {
  const node = tree.find(directory);
  if (node?.kind !== 'directory') {
    const what = `there is no directory ${directory === '' ? 'at the root' : directory}`;
    throw new TowlineError('not-found', what, { path: directory });
  }
  tree.allow(node, ownerMay.read | ownerMay.search, directory);
  const children = [...node.children.values()];
  for (const name of request.ruleFiles?.names ?? []) {
    const rules = children.find((child) => child.name === name)?.node;
    if (rules?.kind === 'file')
      request.ruleFiles?.found(directory, name, textOf(tree, rules, join(directory, name)));
  }
  return children.flatMap(({ name, node: child }) =>
    listed(tree, request, join(directory, name), name, child),
  );
}

function listed(
  tree: MemoryContext['tree'],
  request: ScanRequest,
  path: string,
  name: string,
  node: Node,
): Child[] {
  const problem = nameProblem(name);
  if (problem !== null) {
    const error = new TowlineError('name', `the name ${JSON.stringify(path)} ${problem}`, {
      path,
      hint: 'Rename it',
    });
    return [{ name, item: { type: 'skipped', path, reason: 'name', error }, enter: false }];
  }
  if (isOwnName(name)) {
    if (!isTransientName(name)) return [];
    return [{ name, item: { type: 'temp', path, mtimeMs: node.mtimeMs }, enter: false }];
  }
  if (request.excludes(path, node.kind === 'special' ? 'file' : node.kind)) return [];
  if (node.kind === 'special') {
    const error = new TowlineError('unsupported', `${path} is a socket, a device or a FIFO`, { path });
    return [{ name, item: { type: 'skipped', path, reason: 'special', error }, enter: false }];
  }
  const item: ScanItem = { type: 'entry', path, entry: tree.entry(node, path) };
  return [{ name, item, enter: node.kind === 'directory' }];
}

/** See `Storage.observe`. */
export async function observeMemory(
  context: MemoryContext,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Observed[]> {
  throwIfAborted(signal);
  return step(context, 'observe', paths[0] ?? '', () => paths.map((path) => observeOne(context, path)));
}

function observeOne({ tree }: MemoryContext, path: string): Observed {
  try {
    componentsOrRoot(path);
    return entryAt(tree, path);
  } catch (error) {
    return asTowlineError(error);
  }
}

/** @throws `unsupported` for what is no entry */
export function entryAt(tree: MemoryContext['tree'], path: string): Entry | null {
  const node = tree.find(path);
  return node === null ? null : tree.entry(node, path);
}

/** The text of a file at a path, or `null`. */
export function readMemoryText({ tree }: MemoryContext, path: string): string | null {
  componentsOf(path);
  const node = tree.find(path);
  return node?.kind === 'file' ? textOf(tree, node, path) : null;
}

function textOf(tree: MemoryContext['tree'], node: Node, path: string): string {
  tree.allow(node, ownerMay.read, path);
  if (node.data.length <= textBytesMax) return node.data.toString('utf8');
  const what = `${path} is too large to be read as a list of rules (more than 1 MiB)`;
  throw new TowlineError('unsupported', what, { path, hint: 'Shorten it' });
}

/** See `Storage.openSource`. */
export function openMemorySource(context: MemoryContext, path: string): Source {
  componentsOf(path);
  const { tree } = context;
  const node = tree.find(path);
  if (node === null) throw new TowlineError('vanished', `${path} is not there (any more)`, { path });
  if (node.kind !== 'file')
    throw new TowlineError('changed', `${path} is no regular file (any more)`, { path });
  tree.allow(node, ownerMay.read, path);
  const entry = tree.entry(node, path);
  const opened = { ...node };
  return {
    entry,
    fingerprint: [...(context.identity ? [node.ino, node.ctimeMs] : []), node.data.length, node.mtimeMs].join(
      ':',
    ),
    read: (offset, length) =>
      step(context, 'read', path, () => Buffer.from(node.data.subarray(offset, offset + length))),
    check: () => step(context, 'check', path, () => compare(context, path, opened)),
    close: () => Promise.resolve(),
  };
}

/** A side without identities can only look at the path: what took its place may pass for it. */
function compare(context: MemoryContext, path: string, opened: Node): Awaited<ReturnType<Source['check']>> {
  const now = context.tree.find(path);
  if (now === null) return 'vanished';
  if (now.kind !== 'file' || (context.identity && now.ino !== opened.ino)) return 'changed';
  const sameTimes = now.mtimeMs === opened.mtimeMs && (!context.identity || now.ctimeMs === opened.ctimeMs);
  if (sameTimes && now.data.length === opened.data.length) return 'same';
  return now.data.length > opened.data.length ? 'grown' : 'changed';
}
