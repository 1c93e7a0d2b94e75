/** A storage of the program's own in place of a server: here one in memory. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createAgent,
  createMemoryStorage,
  decideConflict,
  diagnose,
  explain,
  isOwnName,
  findPair,
  type Link,
  type LinkState,
  type MemoryStorage,
  type MemoryStorageOptions,
  plan,
  type Storage,
  sync,
  type SyncOptions,
  TowlineError,
  watch,
} from '../../src/index.js';
import { codeOf } from '../contract/side.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';

interface Pair {
  readonly local: string;
  readonly storage: MemoryStorage;
  readonly options: SyncOptions & { readonly stateDir: string };
}

function pairWith(memory: MemoryStorageOptions = {}): Pair {
  const folder = freshFolder('own');
  const local = join(folder, 'local');
  mkdirSync(local);
  const storage = createMemoryStorage(memory);
  const options = { local, remote: { storage, name: 'a test' }, stateDir: join(folder, 'state') };
  return { local, storage, options };
}

const read = (pair: Pair, path: string) => readFileSync(join(pair.local, path), 'utf8');

describe('one-shot runs with a storage in memory', () => {
  test('push: contents, modes and times arrive; nothing is sent twice; deletions follow', async () => {
    const pair = pairWith();
    const options: SyncOptions = { ...pair.options, delete: true, maxDelete: '100%' };
    mkdirSync(join(pair.local, 'b'));
    writeFileSync(join(pair.local, 'a'), 'one', { mode: 0o640 });
    writeFileSync(join(pair.local, 'b/c'), 'two');
    symlinkSync('a', join(pair.local, 'link'));
    expect(await plan(options)).toMatchObject({ transferred: 3, directories: 1 });
    expect(pair.storage.edit.tree()).toEqual({});

    expect(await sync(options)).toMatchObject({ transferred: 3, failed: 0, problems: [] });
    expect(pair.storage.edit.tree()).toMatchObject({ a: 'file 640 "one"', 'b/c': 'file 644 "two"' });
    expect(pair.storage.edit.tree().link).toBe('symlink -> a');
    const [entry] = await pair.storage.observe(['a']);
    expect(entry).toMatchObject({ mtimeMs: Math.floor(lstatSync(join(pair.local, 'a')).mtimeMs) });

    expect(await sync(options)).toMatchObject({ transferred: 0, deleted: 0 });
    rmSync(join(pair.local, 'b'), { recursive: true });
    expect(await sync(options)).toMatchObject({ transferred: 0, deleted: 2 });
    expect(Object.keys(pair.storage.edit.tree())).toEqual(['a', 'link']);
  });

  test('pull', async () => {
    const pair = pairWith();
    pair.storage.edit.write('x/y', 'there', { mode: 0o600, mtimeMs: 1_600_000_000_000 });
    expect(await sync({ ...pair.options, mode: 'pull' })).toMatchObject({ transferred: 1, problems: [] });
    expect(read(pair, 'x/y')).toBe('there');
    expect(lstatSync(join(pair.local, 'x/y')).mtimeMs).toBe(1_600_000_000_000);
  });

  test('two-way: both changes are carried, and a conflict is settled by a decision', async () => {
    const pair = pairWith();
    const options: SyncOptions = { ...pair.options, mode: 'two-way', conflict: 'manual' };
    writeFileSync(join(pair.local, 'near'), 'near');
    writeFileSync(join(pair.local, 'both'), 'old');
    pair.storage.edit.write('far', 'far');
    expect(await sync(options)).toMatchObject({ transferred: 3, problems: [] });
    expect(readdirSync(pair.local)).toEqual(['both', 'far', 'near']);

    writeFileSync(join(pair.local, 'both'), 'ours!');
    pair.storage.edit.write('both', 'theirs');
    expect(await sync(options)).toMatchObject({ problems: [{ path: 'both', code: 'conflict' }] });
    expect(await explain(options, 'both')).toMatchObject({ action: 'conflict' });
    // The name alone says which pair it is.
    const folder = await findPair({ ...options, remote: { name: 'a test' } }, process.env);
    await decideConflict(folder, 'both', 'remote');
    expect(await sync(options)).toMatchObject({ transferred: 1, problems: [] });
    expect(read(pair, 'both')).toBe('theirs');
  });

  test('each name is remembered by itself', async () => {
    const pair = pairWith();
    writeFileSync(join(pair.local, 'a'), 'a');
    await sync(pair.options);
    const other = createMemoryStorage();
    const { stateDir } = pair.options;
    await sync({ local: pair.local, remote: { storage: other, name: 'box:/looks like a target' }, stateDir });
    expect(readdirSync(stateDir)).toHaveLength(2);
    expect(Object.keys(other.edit.tree())).toEqual(['a']);
  });
});

describe('while watching', () => {
  test('two-way: a change here is sent, one there is found by listing', async () => {
    const pair = pairWith();
    const running = await watch({ ...pair.options, mode: 'two-way', remotePollSeconds: 1 });
    onTestFinished(() => running.stop());
    writeFileSync(join(pair.local, 'near'), 'near');
    await eventually(() => expect(pair.storage.edit.tree()).toMatchObject({ near: 'file 644 "near"' }));
    pair.storage.edit.write('far', 'far');
    await eventually(() => expect(read(pair, 'far')).toBe('far'));
    await running.stop();
    // The storage is the program's: it goes on.
    expect(await pair.storage.readText('near')).toBe('near');
  });

  test('an agent flushes into it, and says where it goes', async () => {
    const pair = pairWith({ label: 'the twin' });
    await using agent = createAgent(pair.options);
    await agent.start();
    writeFileSync(join(pair.local, 'a'), 'a');
    await agent.flush();
    await eventually(() => expect(Object.keys(pair.storage.edit.tree())).toEqual(['a']));
    expect(await agent.status()).toMatchObject({ remote: 'the twin', link: { state: 'ready' } });
  });
});

describe('what the storage cannot do', () => {
  test('modes, symlinks, times, locks, fsync, space: the plan does without', async () => {
    const missing = { modes: false, symlinks: false, symlinkTimes: false, times: false, locks: false };
    const pair = pairWith({
      capabilities: { ...missing, atomicReplace: false, fsync: false, space: false, resume: false },
    });
    const options: SyncOptions = { ...pair.options, mode: 'two-way', fsync: false };
    writeFileSync(join(pair.local, 'run'), '#!', { mode: 0o755 });
    chmodSync(join(pair.local, 'run'), 0o755);
    writeFileSync(join(pair.local, 'a'), 'one');
    symlinkSync('run', join(pair.local, 'link'));
    const first = await sync(options);
    expect(first).toMatchObject({ transferred: 2, problems: [{ path: 'link', code: 'unsupported' }] });
    // It has neither the mode nor the time, and that is no difference.
    expect(await sync(options)).toMatchObject({ transferred: 0, metadata: 0 });
    pair.storage.edit.write('run', '#!/bin/sh');
    expect(await sync(options)).toMatchObject({ transferred: 1 });
    expect(read(pair, 'run')).toBe('#!/bin/sh');
    expect(lstatSync(join(pair.local, 'run')).mode & 0o777).toBe(0o755);
    expect(pair.storage.edit.tree()).toEqual({
      a: expect.stringContaining('"one"'),
      run: expect.stringContaining('"#!/bin/sh"'),
    });
  });

  test.each([true, false])(
    'locks (%s): given in two-way where they count, and nowhere else',
    async (locks) => {
      const pair = pairWith({ capabilities: { locks } });
      const given: boolean[] = [];
      const storage: Storage = {
        ...pair.storage,
        setMetadata: (path, expected, change, lock) => {
          if (path === 'a') given.push(lock !== undefined);
          return pair.storage.setMetadata(path, expected, change, lock);
        },
      };
      const options: SyncOptions = { ...pair.options, mode: 'two-way', remote: { storage, name: 'locks' } };
      writeFileSync(join(pair.local, 'a'), 'a', { mode: 0o644 });
      await sync(options);
      chmodSync(join(pair.local, 'a'), 0o600);
      expect(await sync(options)).toMatchObject({ metadata: 1, problems: [] });
      expect(given).toEqual([locks]);
      expect(pair.storage.edit.tree()).toEqual({ a: 'file 600 "a"' });
    },
  );

  test('times finer than two seconds: what it made of them is no difference', async () => {
    const pair = pairWith({ timeGranularityMs: 2_000 });
    writeFileSync(join(pair.local, 'a'), 'a');
    utimesSync(join(pair.local, 'a'), 1_600_000_001, 1_600_000_001);
    await sync(pair.options);
    expect(await pair.storage.observe(['a'])).toMatchObject([{ mtimeMs: 1_600_000_000_000 }]);
    expect(await sync(pair.options)).toMatchObject({ transferred: 0, metadata: 0 });
    // Nor without the base, where the two sides are compared with each other.
    for (const mode of ['push', 'pull', 'two-way'] as const) {
      const anew = { ...pair.options, mode, stateDir: `${pair.options.stateDir}-${mode}` };
      expect(await sync(anew)).toMatchObject({ transferred: 0, metadata: 0, conflicts: 0 });
    }
  });

  test.each([
    ['chmod', { capabilities: { modes: false } }, { chmod: 'F600' }, 'keeps no modes'],
    ['fsync', { capabilities: { fsync: false } }, { fsync: true }, 'force files to disk'],
    ['commands', {}, { afterSync: { command: 'make', where: 'remote' } }, 'runs no commands'],
    ['rsync', {}, { transport: 'rsync' }, 'needs a server with SSH'],
  ] as const)(
    '%s: asked for all the same, it is refused ahead of everything',
    async (_, can, asked, said) => {
      const pair = pairWith({ label: 'the twin', ...can });
      writeFileSync(join(pair.local, 'a'), 'a');
      for (const run of [sync, plan, ...('transport' in asked ? [] : [watch])]) {
        const error: unknown = await run({ ...pair.options, ...asked }).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(TowlineError);
        expect(error).toMatchObject({ code: 'configuration', host: 'the twin', hint: expect.any(String) });
        expect((error as TowlineError).message).toContain(said);
      }
      expect(pair.storage.edit.tree()).toEqual({});
      expect(existsSync(pair.options.stateDir)).toBe(false);
    },
  );

  test('it is full: the file that does not fit is a problem', async () => {
    const pair = pairWith({ capacityBytes: 10 });
    writeFileSync(join(pair.local, 'large'), 'x'.repeat(100));
    writeFileSync(join(pair.local, 'small'), 'x');
    expect(await sync(pair.options)).toMatchObject({
      transferred: 1,
      problems: [{ path: 'large', code: 'no-space' }],
    });
  });

  test('it ignores case: two names that are one there are problems', async () => {
    const pair = pairWith({ foldCase: true });
    writeFileSync(join(pair.local, 'A'), '1');
    writeFileSync(join(pair.local, 'a'), '2');
    const { problems } = await sync(pair.options);
    expect(problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(['A name', 'a name']);
  });
});

/** A link that a test lets go. */
function ownLink() {
  let state: LinkState = { name: 'ready', epoch: 1 };
  const listeners = new Set<(state: LinkState) => void>();
  const own: Omit<Link, 'close'> = {
    get state() {
      return state;
    },
    ready: async () => {
      while (state.name !== 'ready') await new Promise<void>((resolve) => listeners.add(() => resolve()));
    },
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const become = (next: LinkState) => {
    state = next;
    for (const listener of [...listeners]) listener(next);
  };
  return { own, become, listeners };
}

test('a storage of its own that loses its connection is waited for by its own link', async () => {
  const pair = pairWith();
  const { own, become } = ownLink();
  const lost = new TowlineError('network', 'the line is dead');
  let attempts = 0;
  const storage: Storage = {
    ...pair.storage,
    createTemp: (...args) => {
      if (args[0] !== 'a' || ++attempts > 1) return pair.storage.createTemp(...args);
      become({ name: 'waiting', attempt: 1, retryAtMs: Date.now(), error: lost });
      return Promise.reject(lost);
    },
  };
  writeFileSync(join(pair.local, 'a'), 'a');
  const waited = Promise.withResolvers<undefined>();
  const syncing = sync(
    { ...pair.options, remote: { storage, name: 'dead line', connection: own } },
    {
      onEvent: (event) => {
        if (event.type === 'link' && event.state.name === 'waiting') waited.resolve(undefined);
      },
    },
  );
  await waited.promise;
  expect(attempts).toBe(1);
  become({ name: 'ready', epoch: 2 });
  expect(await syncing).toMatchObject({ transferred: 1, problems: [] });
  expect(attempts).toBe(2);
});

test('whoever is done with a storage hears no more of its connection, which goes on', async () => {
  const pair = pairWith();
  writeFileSync(join(pair.local, 'a'), 'a');
  const { own, become, listeners } = ownLink();
  const options = { ...pair.options, remote: { storage: pair.storage, name: 'a test', connection: own } };
  await plan(options);
  await sync(options);
  const agent = createAgent(options);
  await agent.start();
  await agent.flush();
  expect(listeners.size).toBeGreaterThan(0);
  await agent.stop();
  expect(listeners.size).toBe(0);
  const told: string[] = [];
  agent.on('state', ({ state, link }) => told.push(`${state} ${link.name}`));
  become({ name: 'closed' });
  expect(told).toEqual([]);
});

test('a storage that a program wrapped is what is used', async () => {
  const pair = pairWith();
  const opened: string[] = [];
  const storage: Storage = {
    ...pair.storage,
    createTemp: (path, name, hint) => {
      if (!isOwnName(path)) opened.push(path);
      return pair.storage.createTemp(path, name, hint);
    },
  };
  writeFileSync(join(pair.local, 'a'), 'a');
  await sync({ ...pair.options, remote: { storage, name: 'wrapped' } });
  expect(opened).toEqual(['a']);
});

test('doctor looks at our side of such a pair, and leaves the other alone', async () => {
  const pair = pairWith();
  const { checks } = await diagnose(pair.options);
  expect(checks).toContainEqual(expect.objectContaining({ name: 'target', state: 'skip' }));
  expect(checks.filter(({ state }) => state === 'fail')).toEqual([]);
});

describe('what is no such remote is refused, with all that is wrong', () => {
  const storage = createMemoryStorage();
  const scanless = { ...storage, scan: undefined };
  const modeless = { ...storage, capabilities: { ...storage.capabilities, modes: 'yes' } };
  test.each([
    [{ storage }, ['remote.name: is not a name']],
    [{ storage, name: '' }, ['remote.name: is not a name']],
    [{ name: 'x' }, ['remote.storage: is not a Storage']],
    [{ storage: 'memory', name: 'x' }, ['remote.storage: is not a Storage']],
    [{ storage: scanless, name: 'x' }, ['remote.storage.scan: is not a method']],
    [{ storage: modeless, name: 'x' }, ['remote.storage.capabilities.modes: is not true or false']],
    [
      { storage, name: 'x', link: 1 },
      ['remote.link: is not a known option. Known: storage, name, connection'],
    ],
    [{ storage, name: 'x', connection: {} }, ['remote.connection: is not a Link']],
    [{ storage: null }, ['remote.name: is not', 'remote.storage: is not']],
    [7, ['remote: cannot be 7']],
    [undefined, ['remote: is missing']],
  ])('%#', async (remote, lines) => {
    const folder = freshFolder('wrong');
    const options = { local: folder, remote, stateDir: join(folder, 'state') } as unknown as SyncOptions;
    const error: unknown = await sync(options).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'configuration',
      lines: lines.map((line): unknown => expect.stringContaining(line)),
    });
    expect(() => createAgent(options)).toThrow(lines[0]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a storage in memory with a knob that is none', () => {
    const wrong = { before: () => undefined } as unknown as MemoryStorageOptions;
    expect(() => createMemoryStorage(wrong)).toThrow('before: is not a known option');
  });
});

test('a storage by its methods: what a program writes is what is read', async () => {
  const storage = createMemoryStorage();
  const content = Buffer.from('by hand');
  const temp = await storage.createTemp('a', '.towline-me-1.tmp', { size: content.length });
  await temp.write(content, 0);
  await temp.complete({ size: content.length, sync: false });
  await temp.publish(null);
  expect(storage.edit.read('a')).toEqual(content);
  expect(await storage.hash('a')).toBe(createHash('sha256').update(content).digest('hex'));
  expect(await codeOf(storage.openSource('b'))).toBe('vanished');
});
