import { mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sameRevision } from '../../src/core/compare.js';
import type { Entry } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { lockPath, type PathLock } from '../../src/core/lock.js';
import type { Storage } from '../../src/ports.js';
import { codeOf, entryAt, observed, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { logIn, storageAt, type Login } from './sftp-side.js';

let logins: Login[];
beforeAll(async () => {
  const first = await logIn();
  logins = [first, await logIn()];
});
afterAll(() => Promise.all(logins.map((login) => login.end())));

/** A lock that counts what is on record. */
function lockOf(path: string): PathLock & { onRecord: boolean } {
  const lock = {
    name: lockPath(path),
    onRecord: false,
    opens: async () => {
      lock.onRecord = true;
    },
    gone: async () => {
      lock.onRecord = false;
    },
  };
  return lock;
}

interface Attempt {
  readonly text: string;
  readonly outcome: string;
}

let temps = 0;

/** What an agent does with a file: sent, looked at, put in place if it is still what was expected. */
async function send(
  storage: Storage,
  path: string,
  text: string,
  expected: Entry | null,
  lock?: PathLock,
): Promise<Attempt> {
  const temp = await storage.createTemp(path, tempOf(++temps));
  try {
    await temp.write(Buffer.from(text), 0);
    const size = Buffer.byteLength(text);
    const { destination } = await temp.complete({
      size,
      sync: false,
      ...(lock === undefined ? {} : { lock }),
    });
    if (!sameRevision(destination, expected)) throw new TowlineError('changed', 'not as expected');
    await temp.publish(expected);
    return { text, outcome: 'put in place' };
  } catch (error) {
    await temp.discard();
    if (!(error instanceof TowlineError)) throw error;
    return { text, outcome: error.code };
  }
}

const rounds = 250;

function freshTree(): { root: string; storages: Storage[] } {
  const root = freshFolder('races');
  return { root, storages: logins.map(({ connection }) => storageAt(connection, root)) };
}

/** Contents of different lengths: over SFTP nothing else tells two of one second apart. */
function textOf(round: number, racer: number): string {
  return `round ${String(round)}, racer ${String(racer)}${'.'.repeat(racer + 1)}`;
}

function oldFile(root: string, path: string): void {
  writeFileSync(join(root, path), 'old');
  utimesSync(join(root, path), 1_600_000_000, 1_600_000_000);
}

/** Contents that were put in place by somebody, and are not there at the end. */
async function lostOf(guarded: boolean): Promise<number> {
  const { root, storages } = freshTree();
  let lost = 0;
  for (let round = 0; round < rounds; round++) {
    const path = `f${String(round)}`;
    oldFile(root, path);
    const expected = await entryAt(storages[0]!, path);
    const locks = storages.map(() => lockOf(path));
    const tries = await Promise.all(
      storages.map((storage, racer) =>
        send(storage, path, textOf(round, racer), expected, guarded ? locks[racer] : undefined),
      ),
    );
    const placed = tries.filter(({ outcome }) => outcome === 'put in place');
    const others = tries.filter(({ outcome }) => outcome !== 'put in place');
    expect(others.every(({ outcome }) => outcome === 'changed')).toBe(true);
    expect(locks.map(({ onRecord }) => onRecord)).toEqual([false, false]);
    const there = readFileSync(join(root, path), 'utf8');
    lost += placed.filter(({ text }) => text !== there).length;
  }
  expect(readdirSync(root).filter((name) => name.startsWith('.towline'))).toEqual([]);
  return lost;
}

describe('two agents on one path at the same instant', () => {
  test(`${String(rounds)} replacements lose nothing with the lock, and something without`, async () => {
    expect(await lostOf(true)).toBe(0);
    expect(await lostOf(false)).toBeGreaterThan(0);
  });

  test(`${String(rounds)} creations lose nothing`, async () => {
    const { root, storages } = freshTree();
    for (let round = 0; round < rounds; round++) {
      const path = `f${String(round)}`;
      const tries = await Promise.all(
        storages.map((storage, racer) => send(storage, path, textOf(round, racer), null)),
      );
      expect(tries.map(({ outcome }) => outcome === 'put in place').sort()).toEqual([false, true]);
      const placed = tries.find(({ outcome }) => outcome === 'put in place');
      expect(readFileSync(join(root, path), 'utf8')).toBe(placed?.text);
    }
    expect(readdirSync(root)).toHaveLength(rounds);
  });

  test('one deletes what the other replaces: the new version is not deleted', async () => {
    const { root, storages } = freshTree();
    const [writer, other] = storages as [Storage, Storage];
    for (let round = 0; round < rounds; round++) {
      const path = `f${String(round)}`;
      oldFile(root, path);
      const expected = await entryAt(writer, path);
      const [sent] = await Promise.all([
        send(writer, path, 'new one', expected, lockOf(path)),
        codeOf(other.remove(path, expected, lockOf(path))),
      ]);
      if (sent.outcome === 'put in place') expect(readFileSync(join(root, path), 'utf8')).toBe('new one');
      else expect(sent.outcome).toBe('changed');
    }
  });

  test('one renames what the other replaces: both versions are there', async () => {
    const { root, storages } = freshTree();
    const [writer, other] = storages as [Storage, Storage];
    mkdirSync(join(root, 'aside'));
    for (let round = 0; round < rounds; round++) {
      const path = `f${String(round)}`;
      oldFile(root, path);
      const expected = await entryAt(writer, path);
      const [sent, moved] = await Promise.all([
        send(writer, path, 'new one', expected, lockOf(path)),
        codeOf(other.move(path, `aside/${path}`, expected, lockOf(path))),
      ]);
      const present = ['', 'aside/'].map((folder) => join(root, `${folder}${path}`));
      if (moved === 'none') expect(readFileSync(present[1]!, 'utf8')).toBe('old');
      if (sent.outcome === 'put in place') expect(readFileSync(present[0]!, 'utf8')).toBe('new one');
      expect([sent.outcome, moved].every((one) => ['put in place', 'none', 'changed'].includes(one))).toBe(
        true,
      );
    }
  });
});

describe('a lock that is held', () => {
  async function held(): Promise<{ root: string; storage: Storage; expected: Entry; lockFile: string }> {
    const { root, storages } = freshTree();
    oldFile(root, 'file');
    const lockFile = join(root, lockPath('file'));
    writeFileSync(lockFile, '');
    return { root, storage: storages[0]!, expected: await entryAt(storages[0]!, 'file'), lockFile };
  }

  test('refuses replacing, removing, renaming and metadata with `changed`, and stays', async () => {
    const { root, storage, expected } = await held();
    const lock = lockOf('file');
    const link = { target: 'x', mtimeMs: 0 };
    expect((await send(storage, 'file', 'new', expected, lock)).outcome).toBe('changed');
    expect(await codeOf(storage.remove('file', expected, lock))).toBe('changed');
    expect(await codeOf(storage.move('file', 'other', expected, lock))).toBe('changed');
    expect(await codeOf(storage.setMetadata('file', expected, { mode: 0o600 }, lock))).toBe('changed');
    expect(await codeOf(storage.makeSymlink('file', link, tempOf(1), expected, lock))).toBe('changed');
    expect(lock.onRecord).toBe(false);
    expect(readdirSync(root).sort()).toEqual([lockPath('file'), 'file']);
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('old');
  });

  test('is broken when it is older than a minute by the clock of the server', async () => {
    const { root, storage, expected, lockFile } = await held();
    const agedBy = (seconds: number) => {
      const at = Date.now() / 1000 - seconds;
      utimesSync(lockFile, at, at);
    };
    agedBy(50);
    expect((await send(storage, 'file', 'new', expected, lockOf('file'))).outcome).toBe('changed');
    expect(readdirSync(root)).toContain(lockPath('file'));
    agedBy(70);
    expect((await send(storage, 'file', 'new', expected, lockOf('file'))).outcome).toBe('changed');
    expect((await send(storage, 'file', 'new', expected, lockOf('file'))).outcome).toBe('put in place');
    expect(readdirSync(root)).toEqual(['file']);
  });

  test('is let go when nothing comes of it', async () => {
    const { root, storages } = freshTree();
    const storage = storages[0]!;
    oldFile(root, 'file');
    const stale = { ...(await entryAt(storage, 'file')), size: 1 };
    for (const path of ['file', 'missing']) {
      const lock = lockOf(path);
      expect(await codeOf(storage.setMetadata(path, stale, { mode: 0o600 }, lock))).toBe('changed');
      expect(await codeOf(storage.move(path, 'other', stale, lock))).toBe('changed');
      expect(await codeOf(storage.remove(path, stale, lock))).toBe(path === 'file' ? 'changed' : 'none');
      expect((await send(storage, path, 'new', stale, lock)).outcome).toBe('changed');
      expect(lock.onRecord).toBe(false);
    }
    expect(readdirSync(root)).toEqual(['file']);
  });

  test('is removed with the temps of an agent that died', async () => {
    const { root, storage } = await held();
    expect(await storage.removeTemps([lockPath('file'), 'file'])).toEqual([lockPath('file')]);
    expect(readdirSync(root)).toEqual(['file']);
  });

  test('is no entry of a scan, and told of as what may be removed when it is old', async () => {
    const { storage } = await held();
    const seen: string[] = [];
    for await (const batch of storage.scan({ under: '', excludes: () => false })) {
      seen.push(...batch.map(({ type, path }) => `${type} ${path}`));
    }
    expect(seen.sort()).toEqual(['entry file', `temp ${lockPath('file')}`]);
    expect(await observed(storage, 'file')).toMatchObject({ kind: 'file' });
  });
});
