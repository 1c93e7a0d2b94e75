/** Which paths stand for what is below them. */
import type { Triple } from '../core/entry.js';
import { ancestorsOf } from '../core/path.js';
import { isMirror, sourceSideOf } from '../core/policy.js';
import type { Settings } from './context.js';

/** A directory that the source lost and the mirror keeps: what others changed in it is to be known as changed on. */
export function isKeptWhole({ base, local, remote }: Triple, { mode, delete: deletes }: Settings): boolean {
  if (!isMirror(mode) || deletes || base?.local.kind !== 'directory') return false;
  const [source, mirror] = sourceSideOf(mode) === 'local' ? [local, remote] : [remote, local];
  return source === null && mirror?.kind === 'directory';
}

/**
 * A directory whose contents nobody may have told us about one by one: it is new to the base or to the other side, or
 * it is another one than the base knows by this name.
 */
export function needsExpansion(triple: Triple, settings: Settings): boolean {
  if (isKeptWhole(triple, settings)) return true;
  const { base, local, remote } = triple;
  const { mode } = settings;
  const source = sourceSideOf(mode);
  const seen = source === 'local' ? [local] : source === 'remote' ? [remote] : [local, remote];
  if (!seen.some((entry) => entry?.kind === 'directory')) return false;
  // Gone as a whole from one side: what becomes of it is decided by its deletion.
  if (!isMirror(mode) && base !== null && (local === null || remote === null)) return false;
  return (
    local?.kind !== 'directory' ||
    remote?.kind !== 'directory' ||
    base?.local.kind !== 'directory' ||
    (base.local.ino !== undefined && base.local.ino !== local.ino)
  );
}

/** Of these, in the order of their paths, those that are not below another one's path. */
export function topmost<T>(items: readonly T[], pathOf: (item: T) => string): T[] {
  const paths = new Set(items.map(pathOf));
  return items.filter((item) => !ancestorsOf(pathOf(item)).some((above) => paths.has(above)));
}
