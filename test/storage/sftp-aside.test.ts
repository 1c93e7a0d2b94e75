/** Servers that cannot replace, or respell, in one step: what makes way waits in an aside, and comes back from it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import { asideOf } from '../../src/core/tempname.js';
import type { Storage } from '../../src/ports.js';
import type { Faults, SeenRequest } from '../../src/ssh/server/faults.js';
import { type SftpServer, startSftpServer } from '../../src/ssh/server/server.js';
import { codeOf, completeTemp, entryAt, scanAll, tempOf } from '../contract/side.js';
import { sessionTo } from '../support/embedded-session.js';
import { freshFolder } from '../support/folder.js';
import { treeOf } from '../support/embedded-pair.js';
import { storageAt } from './sftp-side.js';

interface Place {
  readonly server: SftpServer;
  readonly root: string;
  /** A storage of the folder over a connection of its own. */
  readonly storage: () => Promise<Storage>;
}

async function place(faults: Faults = {}): Promise<Place> {
  const root = freshFolder('served');
  const server = await startSftpServer({ root, extensions: [], faults });
  onTestFinished(() => server.stop());
  return { server, root, storage: async () => storageAt(await sessionTo(server), '/') };
}

/** Replaces `file` through the temp number `number`. */
async function replace(storage: Storage, content: string, number: number): Promise<void> {
  const { temp, destination } = await completeTemp(storage, 'file', content, { name: tempOf(number) });
  await temp.publish(destination);
}

const isRename = ({ kind }: SeenRequest): boolean => kind === 'RENAME';

describe('replacing without posix-rename', () => {
  test('puts the new version in place and leaves nothing beside it', async () => {
    const { root, storage } = await place();
    writeFileSync(join(root, 'file'), 'old');
    await replace(await storage(), 'new', 1);
    expect(treeOf(root)).toEqual({ file: 'new' });
  });

  test('of what went away meanwhile is making it', async () => {
    const { root, server, storage } = await place();
    writeFileSync(join(root, 'file'), 'old');
    const { temp, destination } = await completeTemp(await storage(), 'file', 'new');
    server.setFaults({
      delay: ({ kind }) => {
        if (kind === 'MKDIR') rmSync(join(root, 'file'));
        return undefined;
      },
    });
    await temp.publish(destination);
    expect(treeOf(root)).toEqual({ file: 'new' });
  });

  test('that is refused leaves the old version where it was', async () => {
    const { root, server, storage } = await place();
    writeFileSync(join(root, 'file'), 'old');
    for (const number of [1, 2]) {
      const { temp, destination } = await completeTemp(await storage(), 'file', 'new', {
        name: tempOf(number),
      });
      // The first or the second of the two renames; the way back is free.
      let renames = 0;
      const isIt = number === 1 ? [1] : [2, 3];
      server.setFaults({
        refuse: (request) => (isRename(request) && isIt.includes(++renames) ? 3 : undefined),
      });
      expect(await codeOf(temp.publish(destination))).toBe('permission');
      expect(treeOf(root)).toEqual({ [tempOf(number)]: 'new', file: 'old' });
      server.setFaults({});
      expect(await temp.discard()).toBe(true);
    }
    expect(treeOf(root)).toEqual({ file: 'old' });
  });

  test('works on a server that takes the renames in another order', async () => {
    const { root, server, storage } = await place();
    writeFileSync(join(root, 'file'), 'old');
    const { temp, destination } = await completeTemp(await storage(), 'file', 'new');
    let renames = 0;
    // The temp's rename meets the old version, since that is moved later.
    server.setFaults({ refuse: (request) => (isRename(request) && ++renames === 2 ? 4 : undefined) });
    await temp.publish(destination);
    expect(treeOf(root)).toEqual({ file: 'new' });
  });

  test('cut off at any request, the next sweep finds or makes the file whole', async () => {
    const { root, server, storage } = await place();
    for (const when of ['before', 'after'] as const) {
      for (let cutAt = 1; ; cutAt++) {
        writeFileSync(join(root, 'file'), 'old');
        const { temp, destination } = await completeTemp(await storage(), 'file', 'new');
        let requests = 0;
        server.setFaults({ dropConnection: () => (++requests === cutAt ? when : undefined) });
        const code = await codeOf(temp.publish(destination));
        server.setFaults({});
        if (requests < cutAt) {
          expect([when, cutAt, code]).toEqual([when, cutAt, 'none']);
          expect(cutAt).toBeGreaterThan(5);
          break;
        }
        const next = await storage();
        expect(await next.removeTemps([tempOf(1)])).toEqual([tempOf(1)]);
        expect(readdirSync(root)).toEqual(['file']);
        expect(['old', 'new']).toContain(readFileSync(join(root, 'file'), 'utf8'));
        if (code === 'none') expect(readFileSync(join(root, 'file'), 'utf8')).toBe('new');
      }
    }
  });

  /**
   * A session that stands still ahead of its two renames. Its client has gone; what it sent before is done when it wakes.
   * `woken` resolves when that was done.
   */
  async function frozen() {
    const here = await place();
    const { root, server } = here;
    writeFileSync(join(root, 'file'), 'old');
    const session = await sessionTo(server);
    const { temp, destination } = await completeTemp(storageAt(session, '/'), 'file', 'of the old session');
    const [thawed, reached] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const woken = Promise.withResolvers<undefined>();
    const aside = `/${asideOf(tempOf(1))}`;
    const thaw = () => {
      thawed.resolve(undefined);
      return woken.promise;
    };
    let whileSwept = false;
    server.setFaults({
      delay: ({ kind, path, target }) => {
        if (kind === 'RMDIR' && path === aside && whileSwept) return thaw();
        if (kind !== 'RENAME' || target !== `${aside}/file`) return undefined;
        reached.resolve(undefined);
        return thawed.promise;
      },
      refuse: ({ path, target }) => {
        // Asked right ahead of doing it, in the same turn.
        if (path === `/${tempOf(1)}` && target === '/file') setImmediate(() => woken.resolve(undefined));
        return undefined;
      },
    });
    const published = codeOf(temp.publish(destination));
    await reached.promise;
    await session.close();
    expect(await published).toBe('network');
    return { ...here, thaw, wakeWhileSwept: () => (whileSwept = true) };
  }

  test('a session that wakes after the file was finished by another one does no harm', async () => {
    const { root, storage, thaw } = await frozen();
    const next = await storage();
    // As the agent does before it makes another try.
    expect(await next.removeTemps([tempOf(1)])).toEqual([tempOf(1)]);
    await replace(next, 'finished', 2);
    await thaw();
    expect(treeOf(root)).toEqual({ file: 'finished' });
  });

  test('nor does one whose temp was continued', async () => {
    const { root, storage, thaw } = await frozen();
    const next = await storage();
    const seen = (await next.observe(['file']))[0] as Entry;
    const temp = (await next.resumeTemp('file', tempOf(1), tempOf(2), 2))!;
    await temp.write(Buffer.from('continued'), 2);
    await temp.complete({ size: 11, sync: false });
    await temp.publish(seen);
    await thaw();
    expect(treeOf(root)).toEqual({ file: 'ofcontinued' });
  });

  test('one that wakes while it is swept gives back what it took', async () => {
    const { root, storage, wakeWhileSwept } = await frozen();
    // When its temp is gone and its aside is not.
    wakeWhileSwept();
    expect(await (await storage()).removeTemps([tempOf(1)])).toEqual([tempOf(1)]);
    expect(treeOf(root)).toEqual({ file: 'old' });
  });

  test('an aside that nobody has on record is seen by a scan as its temp, and comes back', async () => {
    const { root, storage } = await place();
    mkdirSync(join(root, 'd', asideOf(tempOf(1))), { recursive: true });
    writeFileSync(join(root, 'd', asideOf(tempOf(1)), 'file'), 'kept');
    const side = await storage();
    const items = await scanAll(side);
    expect(items.map(({ type, path }) => `${type} ${path}`)).toEqual(['entry d', `temp d/${tempOf(1)}`]);
    expect(await side.removeTemps([`d/${tempOf(1)}`])).toEqual([`d/${tempOf(1)}`]);
    expect(treeOf(root)).toEqual({ d: null, 'd/file': 'kept' });
  });

  test('a directory in an aside is never removed with what is in it', async () => {
    const { root, storage } = await place();
    mkdirSync(join(root, asideOf(tempOf(1)), 'd/inner'), { recursive: true });
    mkdirSync(join(root, 'd'));
    const side = await storage();
    expect(await side.removeTemps([tempOf(1)])).toEqual([]);
    expect(existsSync(join(root, asideOf(tempOf(1)), 'd/inner'))).toBe(true);
  });
});

describe('respelling on a server that renames nothing to itself', () => {
  const faults: Faults = { foldCase: true, stickyCase: true };

  test.each([
    ['a file', false],
    ['a directory with all that is in it', true],
  ])('%s, cut off at any request', async (_, isDirectory) => {
    const { root, server, storage } = await place(faults);
    for (const when of ['before', 'after'] as const) {
      for (let cutAt = 1; ; cutAt++) {
        if (isDirectory) mkdirSync(join(root, 'name'));
        writeFileSync(join(root, isDirectory ? 'name/in' : 'name'), 'content');
        const side = await storage();
        await entryAt(side, 'name');
        let requests = 0;
        server.setFaults({ ...faults, dropConnection: () => (++requests === cutAt ? when : undefined) });
        const code = await codeOf(side.respell!('NAME', 'name', tempOf(1)));
        server.setFaults(faults);
        if (code === 'none') expect(readdirSync(root)).toEqual(['NAME']);
        await (await storage()).removeTemps([tempOf(1)]);
        const [name, ...rest] = readdirSync(root);
        expect([rest, ['name', 'NAME'].includes(name!)]).toEqual([[], true]);
        expect(readFileSync(join(root, isDirectory ? `${name!}/in` : name!), 'utf8')).toBe('content');
        rmSync(join(root, name!), { recursive: true });
        if (requests < cutAt) {
          expect([when, code, cutAt > 5]).toEqual([when, 'none', true]);
          break;
        }
      }
    }
  });

  test('that the server refuses is told, and leaves all as it was', async () => {
    const { root, server, storage } = await place(faults);
    writeFileSync(join(root, 'name'), 'content');
    server.setFaults({ ...faults, refuse: (request) => (isRename(request) ? 4 : undefined) });
    expect(await codeOf((await storage()).respell!('NAME', 'name', tempOf(1)))).toBe('protocol');
    expect(treeOf(root)).toEqual({ name: 'content' });
  });
});
