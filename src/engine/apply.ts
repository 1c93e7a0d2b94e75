/** Carries out one change on the side it is meant for. */
import { sameRevision } from '../core/compare.js';
import type { Change } from '../core/action.js';
import { writtenSide } from '../core/action.js';
import { type Entry, otherSide, type Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import type { PathLock } from '../core/lock.js';
import { nameOf } from '../core/path.js';
import type { TempAttributes } from '../ports.js';
import { entryAt } from '../transfer/entry-at.js';
import { type FileTransfer, type FileTransferred, transferFile } from '../transfer/file-lane.js';
import { type Context, storageOf } from './context.js';
import { isMirror, mayDelete } from '../core/policy.js';
import { deleteTree } from './delete-tree.js';
import { locking } from './locks.js';
import { setAside } from './set-aside.js';
import { type Applied, nothing, pairOf, unprovedPair } from './applied.js';
import { respell } from './respell.js';
import { PathTemps } from './transfer-temps.js';
import type { TreeDeleted } from './tree-deletion.js';

/**
 * @param temp the path of a temp on record for this change (uploads and downloads), or `null`
 * @throws `TowlineError` by the contracts of `Storage` and `transferFile`
 */
export async function applyChange(context: Context, change: Change, temp: string | null): Promise<Applied> {
  const side = writtenSide(change);
  switch (change.type) {
    case 'upload':
    case 'download': {
      const way = await makeWay(context, side, change.path, change.destination).catch((error: unknown) => {
        if (temp !== null) context.temps.gone(temp);
        throw error;
      });
      if (way !== null && way.disagreed.length > 0) {
        if (temp !== null) context.temps.gone(temp);
        const aside = inTheWayOf(context, side, change);
        return { ...nothing, deleted: way.deleted, again: way.disagreed, aside };
      }
      const expected = way === null ? change.destination : null;
      const done = await transfer(context, side, { ...change, destination: expected }, temp);
      return way === null ? done : { ...done, deleted: way.deleted };
    }
    case 'make-directory': {
      const { path, destination } = change;
      if (destination !== null) {
        await locking(context, side, path, destination, (lock) =>
          storageOf(context, side).remove(path, destination, lock),
        );
      }
      // Owner bits stay open until the contents are in place: `Directories.finish` sets the real mode, and only then
      // the base may say that the sides agree.
      const storage = storageOf(context, side);
      const mode = context.settings.modeRule(change.source.mode, 'directory');
      const made = await storage.makeDirectory(change.path, mode | 0o700);
      const agreed = !storage.capabilities.modes || made.mode === mode;
      return { ...nothing, pair: agreed ? pairOf(side, change.source, made, false) : undefined };
    }
    case 'set-metadata': {
      if (change.change.respell === true) {
        await respell(context, side, change.path, change.destination);
        return { ...nothing, dirty: true };
      }
      const { path, destination } = change;
      const made = await locking(context, side, path, destination, (lock) =>
        storageOf(context, side).setMetadata(path, destination, change.change, lock),
      );
      return { ...nothing, pair: pairOf(side, change.source, made, false) };
    }
    case 'delete-local':
    case 'delete-remote': {
      const gone = await deleteTree(context, side, change.path, change.destination, 'gone');
      // What a mirror leaves as others left it was decided on already.
      const isDecided = (path: string) => isMirror(context.settings.mode) && context.staying.has(path);
      const again = gone.disagreed.filter((path) => !isDecided(path));
      return { ...nothing, deleted: gone.deleted, kept: gone.kept, again };
    }
    case 'set-aside':
      return setAside(context, change);
  }
}

/**
 * Removes a directory that stands where a file or symlink is to go: with its contents if deletions were asked for. Where
 * both sides count, what may not go so is told as disagreed on, and one of the two gets another name.
 * @returns what went; `null` when no directory was in the way
 */
async function makeWay(
  context: Context,
  side: Side,
  path: string,
  destination: Entry | null,
): Promise<TreeDeleted | null> {
  if (destination?.kind !== 'directory') return null;
  if (context.settings.delete) {
    const gone = await deleteTree(context, side, path, destination, 'replaced');
    const { mode, onDrift } = context.settings;
    if (isMirror(mode) && gone.disagreed.length > 0 && onDrift !== 'backup')
      throw inTheWay(path, 'it holds what others changed, which is to be kept');
    if (gone.disagreed.length === 0 && gone.kept.length > 0)
      throw inTheWay(path, 'it holds excluded content, which is never deleted');
    return gone;
  }
  try {
    await storageOf(context, side).remove(path, destination);
    return { deleted: 1, kept: [], disagreed: [] };
  } catch (error) {
    if (hasCode(error, 'not-empty') && !isMirror(context.settings.mode))
      return { deleted: 0, kept: [], disagreed: [path] };
    if (hasCode(error, 'not-empty')) throw inTheWay(path, 'it holds something; --delete lets it go', error);
    throw error;
  }
}

/** What gets a name of its own where a directory cannot go: it, or (as in any conflict of two-way) what is here. */
function inTheWayOf({ settings }: Context, side: Side, change: Transfer): NonNullable<Applied['aside']> {
  const { path, source } = change;
  const aside = {
    type: 'set-aside',
    path,
    reason: 'a directory that holds something new is in the way',
  } as const;
  const destination = { ...aside, side, entry: change.destination! };
  if (isMirror(settings.mode)) return { ...destination, cause: 'drift' };
  if (side === 'local' || !mayDelete(settings.mode)) return { ...destination, cause: 'conflict' };
  return { ...aside, side: 'local', entry: source, cause: 'conflict' };
}

function inTheWay(path: string, why: string, cause?: unknown): TowlineError {
  return new TowlineError('not-empty', `a directory on the other side is in the way of '${path}': ${why}`, {
    path,
    cause,
  });
}

type Transfer = Extract<Change, { type: 'upload' | 'download' }>;

async function transfer(
  context: Context,
  side: Side,
  change: Transfer,
  temp: string | null,
): Promise<Applied> {
  if (temp === null) throw new TowlineError('internal', `no temp on record for '${change.path}'`);
  if (change.source.kind === 'symlink') return sendSymlink(context, side, change, temp);
  return sendFile(context, side, change, temp);
}

async function sendSymlink(context: Context, side: Side, change: Transfer, temp: string): Promise<Applied> {
  const { temps } = context;
  const to = storageOf(context, side);
  const { path, destination } = change;
  try {
    const source = await entryAt(storageOf(context, otherSide(side)), path);
    if (source?.kind !== 'symlink' || source.target === undefined) {
      throw new TowlineError('changed', `'${path}' is no symlink any more`, { path });
    }
    // What an earlier attempt left of this path must not be renamed onto it later.
    await temps.takeUp(side, path, to, null);
    const link = { target: source.target, mtimeMs: source.mtimeMs };
    const made = await locking(context, side, path, destination, (lock) =>
      to.makeSymlink(path, link, nameOf(temp), destination, lock),
    );
    temps.gone(temp);
    return { ...nothing, pair: pairOf(side, source, made, false) };
  } catch (error) {
    if (hasCode(error, 'network')) temps.abandon(temp);
    else temps.gone(temp);
    throw error;
  }
}

/**
 * A listing may be older than the base that it was compared with: what was carried over meanwhile looks like an edit of the other
 * side then, and need not be sent back.
 * @throws `changed`: it is to be looked at anew
 */
async function requireDue({ state }: Context, side: Side, change: Transfer, source: Entry): Promise<void> {
  const { path, destination } = change;
  if (sameRevision(change.source, source)) return;
  const [row] = await state.base.get([path]);
  if (row == null || !sameRevision(row[otherSide(side)], source) || !sameRevision(row[side], destination))
    return;
  throw new TowlineError('changed', `'${path}' was carried over meanwhile`, { path });
}

async function sendFile(context: Context, side: Side, change: Transfer, firstTemp: string): Promise<Applied> {
  const { path, destination } = change;
  const { settings, emit, clock, signal } = context;
  const to = storageOf(context, side);
  const from = storageOf(context, otherSide(side));
  const temps = new PathTemps({ temps: context.temps, side, storage: to, path }, firstTemp);
  let bytes = 0;
  const file = { path, action: change.type, size: change.source.size };
  emit({ type: 'transfer-start', ...file });
  try {
    const job = (lock: PathLock | undefined): FileTransfer => ({
      from,
      to,
      path,
      expected: destination,
      requireDue: (source) => requireDue(context, side, change, source),
      attributes: (source) => ({
        ...attributesOf(context, side, source, destination),
        ...(lock === undefined ? {} : { lock }),
      }),
      sync: settings.sync && to.capabilities.fsync,
      now: () => clock.now(),
      temps,
      progress: (more) => {
        bytes += more;
        emit({ type: 'transfer-progress', ...file, bytes });
      },
      throttle: context.throttle,
      signal,
    });
    const unproved = (what: FileTransferred) => context.ledger.commit(path, unprovedPair(side, what));
    const done = await locking(
      context,
      side,
      path,
      destination,
      (lock) => context.verifier?.transfer(job(lock), side, unproved) ?? transferFile(job(lock)),
    );
    emit({ type: 'transfer-end', ...file, ok: true });
    return {
      ...nothing,
      pair: pairOf(side, done.source, done.made, done.racy),
      bytes: done.bytes,
      dirty: done.dirty,
    };
  } catch (error) {
    emit({ type: 'transfer-end', ...file, ok: false });
    throw error;
  } finally {
    temps.end();
  }
}

/** What a new file on `side` is to be like: what it is made of, and what it replaces, as far as that side can keep it. */
function attributesOf(
  context: Context,
  side: Side,
  source: Entry,
  destination: Entry | null,
): Pick<TempAttributes, 'mode' | 'mtimeMs' | 'owner'> {
  const { capabilities: can } = storageOf(context, side);
  const replaced = destination?.kind === 'file' ? destination : null;
  // A side that keeps no modes has none to give: a file that is replaced keeps its own.
  const givesModes = storageOf(context, otherSide(side)).capabilities.modes;
  const { mode } = givesModes ? source : (replaced ?? source);
  const { uid, gid } = replaced ?? {};
  return {
    ...(can.modes ? { mode: context.settings.modeRule(mode, 'file') } : {}),
    ...(can.times ? { mtimeMs: source.mtimeMs } : {}),
    ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
  };
}
