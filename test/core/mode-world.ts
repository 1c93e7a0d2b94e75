/** A world of one path, and of two sides that do what they are told as far as they can. */
import { type Verdict, writtenSide } from '../../src/core/action.js';
import { wireSeconds } from '../../src/core/compare.js';
import type { BasePair, Entry, Kind, Side, Triple } from '../../src/core/entry.js';
import { decide } from '../../src/core/mode.js';
import type { Policy } from '../../src/core/policy.js';

/** What is at the path on one side: what a scan shows of it, and the content that only a hash tells. */
export interface There {
  readonly entry: Entry;
  readonly content: string;
}

export interface World {
  readonly base: BasePair | null;
  readonly local: There | null;
  readonly remote: There | null;
  /** What got a name of its own beside. */
  readonly aside?: { readonly side: Side; readonly there: There };
}

export const thenMs = 1_700_000_000_000;
/** What the server writes where it is not told (or does not listen). */
export const serverNowMs = 1_800_000_000_000;
const able = { modes: true, times: true, symlinks: true, symlinkTimes: true, timeGranularityMs: 1000 };
/** Both sides can do everything. */
export const all = { local: able, remote: able };

/** A side (by default the server) can do all but one thing. */
export function without(off: keyof typeof able, side: Side = 'remote'): typeof all {
  return { ...all, [side]: { ...able, [off]: false } };
}

export const usual: Policy = {
  mode: 'push',
  delete: false,
  compare: 'mtime+size',
  afresh: false,
  force: false,
  modeRule: (mode) => mode,
  trustModes: true,
  onDrift: 'overwrite',
  conflict: 'keep-both',
  resolutionOf: () => null,
  remoteAheadMs: 0,
  can: all,
};

export function fileOf(content: string, change: Partial<Entry> = {}): There {
  return { entry: { kind: 'file', size: content.length, mtimeMs: thenMs, mode: 0o644, ...change }, content };
}

export function directoryOf(change: Partial<Entry> = {}): There {
  return { entry: { kind: 'directory', size: 0, mtimeMs: thenMs, mode: 0o755, ...change }, content: '' };
}

export function linkOf(target: string, change: Partial<Entry> = {}): There {
  return {
    entry: { kind: 'symlink', size: 0, mtimeMs: thenMs, mode: 0o777, target, ...change },
    content: '',
  };
}

const localFile = { mtimeMs: thenMs + 250.125, dev: 1, ino: 10 };
const later = { mtimeMs: thenMs + 5_000 };

/** `same` is what the base holds of its kind; the others differ from it in one way each. */
export const locals: Record<Kind, Record<string, There>> = {
  file: {
    same: fileOf('one', localFile),
    touched: fileOf('one', { ...localFile, ...later }),
    edited: fileOf('two', { ...localFile, ...later }),
    hidden: fileOf('two', localFile),
    resized: fileOf('three', { ...localFile, ...later }),
    chmod: fileOf('one', { ...localFile, mode: 0o600 }),
    inode: fileOf('one', { ...localFile, ino: 11 }),
    whole: fileOf('one', { ...localFile, mtimeMs: thenMs }),
    'whole hidden': fileOf('two', { ...localFile, mtimeMs: thenMs }),
  },
  directory: {
    same: directoryOf({ dev: 1, ino: 20 }),
    touched: directoryOf({ dev: 1, ino: 20, ...later }),
    chmod: directoryOf({ dev: 1, ino: 20, mode: 0o700 }),
    inode: directoryOf({ dev: 1, ino: 21 }),
  },
  symlink: {
    same: linkOf('there', { dev: 1, ino: 30 }),
    touched: linkOf('there', { dev: 1, ino: 30, ...later }),
    retargeted: linkOf('elsewhere', { dev: 1, ino: 30, ...later }),
  },
};
export const remotes: Record<Kind, Record<string, There>> = {
  file: {
    same: fileOf('one'),
    touched: fileOf('one', later),
    edited: fileOf('two', later),
    other: fileOf('six', later),
    hidden: fileOf('two'),
    resized: fileOf('three', later),
    chmod: fileOf('one', { mode: 0o600 }),
  },
  directory: { same: directoryOf(), chmod: directoryOf({ mode: 0o700 }) },
  symlink: { same: linkOf('there'), touched: linkOf('there', later), retargeted: linkOf('elsewhere', later) },
};
export const kinds: readonly Kind[] = ['file', 'directory', 'symlink'];

/** As it is known once its content was read. */
export function hashOf({ entry, content }: There): Entry {
  return { ...entry, hash: `hash of ${content}` };
}

function tripleOf({ base, local, remote }: World): Triple {
  return { path: 'a/b', base, local: local?.entry ?? null, remote: remote?.entry ?? null };
}

/** What is decided by metadata alone. */
export function verdictOf(world: World, policy: Policy): Verdict {
  return decide(tripleOf(world), policy);
}

/** Rounds of reading that the engine allows for. */
const roundsMax = 3;

/** A verdict that needs no more hashes: as the engine does, it is asked again with those it wanted. */
export function resolve(world: World, policy: Policy): { verdict: Verdict; hashed: boolean; wants: Side[] } {
  let triple = tripleOf(world);
  const wants: Side[] = [];
  for (let round = 0; ; round++) {
    const verdict = decide(triple, policy);
    if (verdict.type !== 'contents' || round === roundsMax) return { verdict, hashed: round > 0, wants };
    wants.push(...verdict.wants);
    const wanted = verdict.wants.map((side) => [side, hashOf(world[side]!)] as const);
    triple = { ...triple, ...Object.fromEntries(wanted) };
  }
}

/** The world after a verdict was carried out by sides that do what `policy.can` says. */
export function apply(world: World, verdict: Verdict, policy: Policy): World {
  switch (verdict.type) {
    case 'none':
    case 'refuse':
    case 'contents':
    case 'conflict':
    case 'halt':
      return world;
    case 'adopt': {
      const { local, remote } = verdict;
      return { ...world, base: local && remote && { local, remote, racy: false } };
    }
    case 'delete-local':
    case 'delete-remote':
      return { ...world, base: null, [writtenSide(verdict)]: null };
    case 'set-aside':
      return {
        ...world,
        base: null,
        [verdict.side]: null,
        aside: { side: verdict.side, there: world[verdict.side]! },
      };
    case 'upload':
    case 'download': {
      const side = writtenSide(verdict);
      const there = world[side === 'remote' ? 'local' : 'remote']!;
      return agree(world, side, hashOf(there), {
        content: there.content,
        entry: made(side, there.entry, policy),
      });
    }
    case 'make-directory':
      return agree(
        world,
        verdict.side,
        verdict.source,
        directoryOf(made(verdict.side, verdict.source, policy)),
      );
    case 'set-metadata': {
      const { side, change, source } = verdict;
      const before = world[side]!;
      const mtimeMs = change.mtimeMs === undefined ? {} : { mtimeMs: kept(side, change.mtimeMs) };
      return agree(world, side, source, { ...before, entry: { ...before.entry, ...change, ...mtimeMs } });
    }
  }
}

/** What a side makes of something that is new to it. */
function made(side: Side, source: Entry, { can, modeRule }: Policy): Entry {
  const { kind, size, target } = source;
  const able = can[side];
  const timed = kind === 'symlink' ? able.symlinkTimes : able.times && kind === 'file';
  return {
    kind,
    size,
    mtimeMs: timed ? kept(side, source.mtimeMs) : serverNowMs,
    mode: able.modes && kind !== 'symlink' ? modeRule(source.mode, kind) : defaultModes[kind],
    ...(target === undefined ? {} : { target }),
    ...(side === 'local' ? { dev: 1, ino: 99 } : {}),
  };
}

const defaultModes: Record<Kind, number> = { file: 0o666, directory: 0o777, symlink: 0o777 };

/** The server keeps whole seconds. */
function kept(side: Side, mtimeMs: number): number {
  return side === 'remote' ? wireSeconds(mtimeMs) * 1000 : mtimeMs;
}

/** Both agree from now on: `side` was written from `source`. */
function agree(world: World, side: Side, source: Entry, there: There): World {
  const base =
    side === 'remote'
      ? { local: source, remote: there.entry, racy: false }
      : { local: there.entry, remote: source, racy: false };
  return { ...world, base, [side]: there };
}
