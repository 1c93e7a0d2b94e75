/** What must hold when the trouble is over. */
import { isBelow, nameOf, parentOf } from '../../src/core/path.js';
import { tempAgentOf } from '../../src/core/tempname.js';
import type { Durable } from './durable.js';
import type { Knobs } from './knobs.js';
import { ownNames, walkTree } from './walk-tree.js';
import type { World } from './world.js';

type Wishes = Pick<Knobs, 'delete' | 'remote'>;

/**
 * What is not as it should be in the end; nothing, when all is well.
 * @param records whether no temp may be on record: those that are gone stay there until the next scan where it is in
 * doubt what became of them
 */
export function openEnds(world: World, durable: Durable, wishes: Wishes, records = true): string[] {
  const hopeless = hopelessPaths(world, wishes);
  const isHopeless = (path: string) => hopeless.some((blocked) => path === blocked || isBelow(path, blocked));
  // Nobody may remove anything from a folder without write permission.
  const isReachable = (path: string) =>
    ((world.remote.edit.stat(parentOf(path) ?? '')?.mode ?? 0o700) & 0o300) === 0o300;
  return [
    ...differences(world, wishes)
      .filter(({ path }) => !isHopeless(path))
      .map(({ path, what }) => `'${path}': ${what}`),
    ...[...durable.queue.values()]
      .filter(({ path }) => !isHopeless(path))
      .map(({ path, problem, held }) => {
        return `'${path}' is in the queue${held ? ', held' : ''}: ${problem?.message ?? 'no problem'}`;
      }),
    ...ownNames(world.remote.edit)
      // Those of an earlier state's agent are a stranger's: they go when they are old.
      .filter((path) => isReachable(path) && tempAgentOf(nameOf(path)) === durable.agentId)
      .map((path) => `the temp '${path}' is left`),
    ...[...(records ? durable.partials.keys() : [])]
      .filter(isReachable)
      .map((path) => `the temp '${path}' is on record`),
  ];
}

/** Paths that cannot become equal: the cause is still there, and stays. */
export function hopelessPaths(world: World, wishes: Wishes): string[] {
  const remote = walkTree(world.remote.edit);
  const local = walkTree(world.local.edit);
  // A temp of an earlier state's agent is a stranger's: only `delete` takes it away with its directory.
  const temps = wishes.delete ? [] : ownNames(world.remote.edit);
  const blocked = (path: string) =>
    temps.some((temp) => isBelow(temp, path)) ||
    [...remote].some(
      ([below, { kind }]) => isBelow(below, path) && (!wishes.delete || world.excluded(below, kind)),
    );
  const kept = [...remote.keys()].filter((path) => !local.has(path) && blocked(path));
  const unequal = [...local]
    .filter(([path, { kind }]) => {
      if (kind === 'symlink' && !wishes.remote.symlinks) return true;
      return kind !== 'directory' && remote.get(path)?.kind === 'directory' && blocked(path);
    })
    .map(([path]) => path);
  return [...kept, ...unequal];
}

/** How the remote side differs from what a push of the local one makes of it; empty: not at all. */
function differences(world: World, knobs: Wishes): { readonly path: string; readonly what: string }[] {
  const local = walkTree(world.local.edit);
  const remote = walkTree(world.remote.edit);
  const found: { path: string; what: string }[] = [];
  const add = (path: string, what: string) => found.push({ path, what });
  for (const [path, wanted] of local) {
    if (world.excluded(path, wanted.kind)) continue;
    const there = remote.get(path);
    if (wanted.kind === 'symlink' && !knobs.remote.symlinks) continue;
    if (there === undefined) add(path, `${wanted.kind} is missing`);
    else if (there.kind !== wanted.kind) add(path, `${there.kind} in place of a ${wanted.kind}`);
    else if (there.content !== wanted.content) add(path, 'content differs');
    else if (knobs.remote.modes && wanted.kind !== 'symlink' && there.mode !== wanted.mode) {
      add(path, `mode ${there.mode.toString(8)} in place of ${wanted.mode.toString(8)}`);
    } else if (
      wanted.kind === 'file' ? knobs.remote.times : wanted.kind === 'symlink' && knobs.remote.symlinkTimes
    ) {
      const same = Math.floor(wanted.mtimeMs / 1000) * 1000 === there.mtimeMs;
      if (!same) add(path, `time ${String(there.mtimeMs)} in place of ${String(wanted.mtimeMs)}`);
    }
  }
  if (!knobs.delete) return found;
  for (const [path, { kind }] of remote) {
    if (local.has(path) || world.excluded(path, kind)) continue;
    const holdsExcluded = [...remote].some(
      ([below, seen]) => isBelow(below, path) && world.excluded(below, seen.kind),
    );
    if (!holdsExcluded) add(path, `${kind} is left over`);
  }
  return found;
}
