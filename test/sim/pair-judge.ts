/** What must hold between two sides when the trouble is over: the tables of DESIGN.md, section 6. */
import { sameTime } from '../../src/core/compare.js';
import type { BasePair } from '../../src/core/entry.js';
import { isLockName } from '../../src/core/lock.js';
import { ancestorsOf, isBelow, isCarriable, nameOf, parentOf } from '../../src/core/path.js';
import { isMirror, sourceSideOf, writtenSidesOf } from '../../src/core/policy.js';
import { tempAgentOf } from '../../src/core/tempname.js';
import type { Settings } from '../../src/engine/context.js';
import type { Durable } from './durable.js';
import type { PairKnobs } from './pair-knobs.js';
import type { PairWorld } from './pair-world.js';
import { ownNames, type Seen } from './walk-tree.js';
import type { Side } from './wire.js';

export interface Judged {
  readonly world: PairWorld;
  readonly durable: Durable;
  readonly settings: Settings;
  readonly knobs: Pick<PairKnobs, 'remote' | 'stateLost'>;
}

const sides: readonly Side[] = ['local', 'remote'];
const otherOf = (side: Side): Side => (side === 'local' ? 'remote' : 'local');

/**
 * What is not as it should be in the end; nothing, when all is well.
 * @param records whether no temp may be on record
 */
export function pairOpenEnds(judged: Judged, records: boolean): string[] {
  const { world, durable } = judged;
  const blocked = blockedPaths(judged);
  const isBlocked = (path: string) => blocked.some((one) => path === one || isBelow(path, one));
  return [
    ...differences(judged)
      .filter(({ path }) => !isBlocked(path))
      .map(({ path, what }) => `'${path}': ${what}`),
    ...[...durable.queue.values()]
      // A name that cannot be carried is a problem of the folder it is in for as long as it is there.
      .filter(({ path, problem }) => !isBlocked(path) && !(problem?.code === 'name' && isCarriable(path)))
      .map(({ path, problem, held }) => {
        return `'${path}' is in the queue${held ? ', held' : ''}: ${problem?.message ?? 'no problem'}`;
      }),
    ...leftNames(judged),
    ...[...(records ? durable.partials.values() : [])]
      .filter(({ temp, side }) => isReachable(world, side, temp))
      .map(({ temp }) => `the temp '${temp}' is on record`),
    ...world.missing().map((key) => `nobody has '${key.slice(0, 40)}' any more`),
  ];
}

/** Nobody may remove anything from a folder without write permission. */
function isReachable(world: PairWorld, side: Side, path: string): boolean {
  return ((world[side].edit.stat(parentOf(path) ?? '')?.mode ?? 0o700) & 0o300) === 0o300;
}

function leftNames({ world, durable, settings, knobs }: Judged): string[] {
  return writtenSidesOf(settings.mode).flatMap((side) =>
    ownNames(world[side].edit)
      .filter((path) => {
        const name = nameOf(path);
        // Those of an earlier state's agent are a stranger's: they go when they are old.
        const ours = isLockName(name)
          ? knobs.stateLost === 0 && !world.strayLocks.has(path)
          : tempAgentOf(name) === durable.agentId;
        // Somebody may move a folder to where nobody is to look, with a temp in it.
        const hidden = ancestorsOf(path).some((one) => world.excluded(one, 'directory'));
        return ours && !hidden && isReachable(world, side, path);
      })
      .map((path) => `'${path}' is left on the ${side} side`),
  );
}

/** Paths that cannot become equal: what they hold on one side must not, or cannot, go, or be on the other. */
export function blockedPaths(judged: Judged): string[] {
  const { world, settings, knobs, durable } = judged;
  const trees = { local: world.tree('local'), remote: world.tree('remote') };
  const blocked: string[] = [];
  for (const side of sides) {
    const strange = ownNames(world[side].edit).filter(
      (path) => tempAgentOf(nameOf(path)) !== durable.agentId,
    );
    const stays = [...trees[side]]
      .filter(([path, { kind }]) => world.excluded(path, kind))
      .map(([path]) => path);
    const follows = spares(judged) && side !== sourceSideOf(settings.mode);
    const drifted = follows ? [...trees[side].keys()].filter((path) => isDrift(judged, side, path)) : [];
    for (const [path, seen] of trees[side]) {
      const other = trees[otherOf(side)].get(path);
      if (seen.kind === 'symlink' && side === 'local' && !knobs.remote.symlinks) blocked.push(path);
      // What its owner made unreadable, over there or here, cannot be read by us.
      if (seen.kind === 'file' && (seen.mode & 0o400) === 0) blocked.push(path);
      if (seen.kind !== 'directory' || other?.kind === 'directory') continue;
      const holds = [...stays, ...strange, ...drifted].some((one) => isBelow(one, path));
      // A mirror without deletions makes no way for what is no directory.
      const inTheWay = isMirror(settings.mode) && !settings.delete && other !== undefined;
      if (holds || (inTheWay && side !== sourceSideOf(settings.mode))) blocked.push(path);
    }
  }
  return blocked;
}

interface Difference {
  readonly path: string;
  readonly what: string;
}

interface Pathwise {
  readonly path: string;
  readonly local: Seen | undefined;
  readonly remote: Seen | undefined;
  readonly row: BasePair | undefined;
}

function differences(judged: Judged): Difference[] {
  const { world, durable, settings } = judged;
  const trees = { local: world.tree('local'), remote: world.tree('remote') };
  const paths = new Set([...trees.local.keys(), ...trees.remote.keys()]);
  const found: Difference[] = [];
  for (const path of paths) {
    const local = trees.local.get(path);
    const remote = trees.remote.get(path);
    const kind = (local ?? remote)!.kind;
    if (world.excluded(path, kind) || ancestorsOf(path).some((one) => world.excluded(one, 'directory')))
      continue;
    const one = { path, local, remote, row: durable.base.get(path) };
    const what = isMirror(settings.mode) ? mirrored(one, judged) : shared(one, judged);
    if (what !== null) found.push({ path, what });
    const lie = what === null ? untruth(one, judged) : null;
    if (lie !== null) found.push({ path, what: lie });
  }
  return found;
}

/** In push and pull. */
function mirrored(one: Pathwise, judged: Judged): string | null {
  const { settings } = judged;
  const source = sourceSideOf(settings.mode)!;
  const mirror = otherOf(source);
  // What is to be kept beside keeps its name where nothing is to take its place.
  const isSpared = (path: string) =>
    spares(judged) &&
    isDrift(judged, mirror, path) &&
    (settings.onDrift === 'keep' || judged.world[source].edit.stat(path) === null);
  if ([...ancestorsOf(one.path), one.path].some(isSpared)) return null;
  if (one[source] !== undefined) return unequal(one, judged);
  return settings.delete ? `only on the ${mirror} side` : null;
}

/** Whether what others changed on the side that follows may stay: where the agent stops over it, a person decides first. */
function spares({ settings }: Judged): boolean {
  return isMirror(settings.mode) && (settings.onDrift === 'keep' || settings.onDrift === 'backup');
}

function isDrift(judged: Judged, mirror: Side, path: string): boolean {
  const row = judged.durable.base.get(path);
  return row !== undefined && !isAsRecorded(judged, mirror, path, row);
}

/** Where both sides count. */
function shared(one: Pathwise, judged: Judged): string | null {
  const { settings } = judged;
  const { path, local, remote, row } = one;
  const asRecorded = (side: Side) => row !== undefined && isAsRecorded(judged, side, path, row);
  if (settings.mode === 'pull-backup') {
    if (remote === undefined || asRecorded('remote')) return null;
    return unequal(one, judged);
  }
  if (local !== undefined && remote !== undefined) return unequal(one, judged);
  // A deletion that is not carried over.
  const side = local === undefined ? 'remote' : 'local';
  const kept = (settings.mode === 'push-backup' || !settings.delete) && asRecorded(side);
  return kept ? null : `only on the ${side} side`;
}

/** What the base says both sides agreed on, they agree on. */
function untruth({ path, local, remote, row }: Pathwise, judged: Judged): string | null {
  if (row === undefined || local?.kind !== 'file' || remote?.kind !== 'file') return null;
  const unchanged = sides.every((side) => isAsRecorded(judged, side, path, row));
  return unchanged && local.content !== remote.content ? 'the base says they are equal' : null;
}

function isAsRecorded({ world }: Judged, side: Side, path: string, row: BasePair): boolean {
  const now = world[side].edit.stat(path);
  const was = row[side];
  if (now?.kind !== was.kind) return false;
  if (was.kind === 'directory') return true;
  if (!sameTime(now.mtimeMs, was.mtimeMs)) return false;
  return was.kind === 'symlink' ? now.target === was.target : now.size === was.size;
}

function unequal({ local, remote }: Pathwise, { settings, knobs }: Judged): string | null {
  if (local === undefined || remote === undefined) {
    return `only on the ${local === undefined ? 'remote' : 'local'} side`;
  }
  if (local.kind !== remote.kind) return `a ${local.kind} here, a ${remote.kind} there`;
  if (local.content !== remote.content) return 'contents differ';
  const modes = knobs.remote.modes && settings.mode !== 'pull-backup' && local.kind !== 'symlink';
  if (modes && local.mode !== remote.mode)
    return `mode ${local.mode.toString(8)} here, ${remote.mode.toString(8)} there`;
  const times = knobs.remote.times && local.kind === 'file' && settings.mode !== 'pull-backup';
  if (times && Math.floor(local.mtimeMs / 1000) * 1000 !== remote.mtimeMs)
    return `time ${String(local.mtimeMs)} here, ${String(remote.mtimeMs)} there`;
  return null;
}
