import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry, Triple } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import { ancestorsOf, comparePaths, parentOf } from '../core/path.js';
import { isUnmounted, unmounted } from '../core/reconcile.js';
import type { Observed, Storage } from '../ports.js';
import type { Looking } from './context.js';
import { devicesOf } from './devices.js';

/** What is known of some paths and of all directories above them. */
export interface Observation {
  readonly triples: ReadonlyMap<string, Triple>;
  /** Paths that one of the sides could not show. */
  readonly failures: ReadonlyMap<string, TowlineError>;
  /** Paths (given or above) that are excluded now. */
  readonly excluded: ReadonlySet<string>;
}

/**
 * Looks at paths on both sides and in the base, together with the directories above them: a path below something that
 * is no directory is not there, whatever a symlink in its place may lead to.
 */
export async function observe(context: Looking, paths: readonly string[]): Promise<Observation> {
  const { local, remote, state, filter, signal } = context;
  const unruled = await filter.ensure(paths);
  const all = [...new Set(paths.flatMap((path) => [...ancestorsOf(path), path]))].sort(comparePaths);
  const [onLocal, seenRemote, base] = await Promise.all([
    local.observe(all, signal),
    remote.observe(all, signal),
    state.base.get(all),
  ]);
  // What is as it was when the sides agreed bears the name that it had then.
  const isAsked = (index: number, entry: Entry) =>
    isEntry(onLocal[index]) && !sameRevision(base[index]?.remote ?? null, entry);
  const onRemote = await respelled(remote, all, seenRemote, isAsked);
  const triples = new Map<string, Triple>();
  const failures = new Map<string, TowlineError>(unruled);
  const excluded = new Set<string>();
  const sides = { local: new Below(), remote: new Below() };
  const mounts = new Mounts(await devicesOf(context, ''));
  all.forEach((path, index) => {
    const localEntry = sides.local.seen(path, onLocal[index]);
    const remoteEntry = sides.remote.seen(path, onRemote[index]);
    const pair = base[index] ?? null;
    const known = localEntry instanceof TowlineError ? null : localEntry;
    const kind = known?.kind ?? (remoteEntry instanceof TowlineError ? undefined : remoteEntry?.kind);
    if (filter.excludes(path, kind ?? pair?.local.kind ?? 'file')) excluded.add(path);
    if (failures.has(path)) return;
    const lost = mounts.lostAbove(path, pair, known);
    if (lost !== null) failures.set(path, unmounted(lost));
    else if (localEntry instanceof TowlineError) failures.set(path, localEntry);
    else if (remoteEntry instanceof TowlineError) failures.set(path, remoteEntry);
    else triples.set(path, { path, base: pair, local: localEntry, remote: remoteEntry });
  });
  return { triples, failures, excluded };
}

function isEntry(observed: Observed | undefined): observed is Entry {
  return observed !== undefined && observed !== null && !(observed instanceof TowlineError);
}

/** What was observed, with the spelling of those that are asked for. */
async function respelled(
  { withSpelling }: Storage,
  paths: readonly string[],
  seen: readonly Observed[],
  isAsked: (index: number, entry: Entry) => boolean,
): Promise<readonly Observed[]> {
  if (withSpelling === undefined) return seen;
  const asked = [...seen.entries()].flatMap(([index, entry]) =>
    isEntry(entry) && isAsked(index, entry) ? [{ index, path: paths[index]!, entry }] : [],
  );
  if (asked.length === 0) return seen;
  const entries = await withSpelling(asked);
  const found = [...seen];
  asked.forEach(({ index }, at) => (found[index] = entries[at]!));
  return found;
}

/** Remembers, in the order of paths, the devices of directories: below an unmounted one nothing is known. */
class Mounts {
  readonly #devices = new Map<string, { was: number | undefined; now: number | undefined }>();
  readonly #lost = new Set<string>();

  constructor(root: { was: number | undefined; now: number | undefined }) {
    this.#devices.set('', root);
  }

  /** The unmounted directory that is `path` or lies above it, or `null`. */
  lostAbove(path: string, base: BasePair | null, local: Entry | null): string | null {
    const above = ancestorsOf(path).find((ancestor) => this.#lost.has(ancestor));
    if (above !== undefined) return above;
    if (local?.kind !== 'directory') return null;
    const here = { was: base?.local.dev, now: local.dev };
    this.#devices.set(path, here);
    const parent = this.#devices.get(parentOf(path) ?? '');
    if (parent === undefined || !isUnmounted(parent, here)) return null;
    this.#lost.add(path);
    return path;
  }
}

/** Remembers, in the order of paths, what is no directory: nothing is below it. */
class Below {
  readonly #leaves = new Set<string>();

  seen(path: string, observed: Observed | undefined): Entry | null | TowlineError {
    const above = ancestorsOf(path).some((ancestor) => this.#leaves.has(ancestor));
    const here = above ? null : (observed ?? null);
    if (here instanceof TowlineError) return here;
    if (here === null || here.kind !== 'directory') this.#leaves.add(path);
    return here;
  }
}
