/** A world of one path, and of a server that does what it is told in mode `push`. */
import type { Verdict } from '../../src/core/action.js';
import { wireSeconds } from '../../src/core/compare.js';
import type { BasePair, Entry, Kind, Triple } from '../../src/core/entry.js';
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
}

export const thenMs = 1_700_000_000_000;
/** What the server writes where it is not told (or does not listen). */
export const serverNowMs = 1_800_000_000_000;
const able = { modes: true, times: true, symlinks: true, symlinkTimes: true };
/** Both sides can do everything. */
export const all = { local: able, remote: able };

/** The server can do all but one thing. */
export function without(off: keyof typeof able): typeof all {
  return { local: able, remote: { ...able, [off]: false } };
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

/** A verdict that needs no more hashes: as the engine does, it is asked once more with those it wanted. */
export function resolve(world: World, policy: Policy): { verdict: Verdict; hashed: boolean } {
  const triple = tripleOf(world);
  const first = decide(triple, policy);
  if (first.type !== 'contents') return { verdict: first, hashed: false };
  const wanted = first.wants.map((side) => [side, hashOf(world[side]!)] as const);
  return { verdict: decide({ ...triple, ...Object.fromEntries(wanted) }, policy), hashed: true };
}

/** The world after an action was carried out on a server that does what `policy.can` says. */
export function apply(world: World, verdict: Verdict, policy: Policy): World {
  switch (verdict.type) {
    case 'none':
    case 'refuse':
    case 'contents':
      return world;
    case 'adopt': {
      const { local, remote } = verdict;
      return { ...world, base: local && remote && { local, remote, racy: false } };
    }
    case 'delete-remote':
      return { ...world, base: null, remote: null };
    case 'upload': {
      const { source } = verdict;
      const timed = source.kind === 'symlink' ? policy.can.remote.symlinkTimes : policy.can.remote.times;
      return agree(world, hashOf(world.local!), {
        content: world.local!.content,
        entry: {
          kind: source.kind,
          size: source.size,
          mtimeMs: timed ? wireSeconds(source.mtimeMs) * 1000 : serverNowMs,
          mode:
            source.kind === 'file' && policy.can.remote.modes ? policy.modeRule(source.mode, 'file') : 0o666,
          ...(source.target === undefined ? {} : { target: source.target }),
        },
      });
    }
    case 'make-directory': {
      const mode = policy.can.remote.modes ? policy.modeRule(verdict.source.mode, 'directory') : 0o777;
      return agree(world, verdict.source, directoryOf({ mtimeMs: serverNowMs, mode }));
    }
    case 'set-metadata': {
      const { mode, mtimeMs } = verdict.change;
      const before = world.remote!;
      const entry: Entry = {
        ...before.entry,
        ...(mode === undefined ? {} : { mode }),
        ...(mtimeMs === undefined ? {} : { mtimeMs: wireSeconds(mtimeMs) * 1000 }),
      };
      return agree(world, verdict.source, { ...before, entry });
    }
    case 'download':
    case 'set-aside':
    case 'conflict':
    case 'halt':
    case 'delete-local':
      throw new Error(`push does not ${verdict.type}`);
  }
}

function agree(world: World, local: Entry, remote: There): World {
  return { ...world, base: { local, remote: remote.entry, racy: false }, remote };
}
