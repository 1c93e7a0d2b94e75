import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { StreamSession } from '../../src/ssh/channel.js';
import { GatheredHashes } from '../../src/transfer/gathered-hashes.js';
import { logIn, storageWithShell } from '../storage/sftp-side.js';
import { freshFolder } from '../support/folder.js';

const { signal } = new AbortController();
const large = 10 * 2 ** 20;

/** A side that answers when it is told to. */
let commands: { paths: string[]; signal: AbortSignal; answer: () => void }[];
let reads: { path: string; answer: () => void }[];
let commandsNow: number;
let commandsAtOnce: number;
let readsNow: number;
let readsAtOnce: number;
let answer: (path: string) => string | null;
beforeEach(() => {
  commands = [];
  reads = [];
  [commandsNow, commandsAtOnce, readsNow, readsAtOnce] = [0, 0, 0, 0];
  answer = (path) => `hash of ${path}`;
});

function hashes(options: { cannot?: boolean; fails?: TowlineError } = {}): GatheredHashes {
  const storage: ConstructorParameters<typeof GatheredHashes>[0] = {
    hashInPlace: async (files, until) => {
      commandsAtOnce = Math.max(commandsAtOnce, ++commandsNow);
      const paths = files.map(({ path }) => path);
      await new Promise<void>((resolve) => commands.push({ paths, signal: until!, answer: resolve }));
      commandsNow--;
      if (options.fails !== undefined) throw options.fails;
      return options.cannot === true ? null : paths.map(answer);
    },
    hash: async (path) => {
      readsAtOnce = Math.max(readsAtOnce, ++readsNow);
      await new Promise<void>((resolve) => reads.push({ path, answer: resolve }));
      readsNow--;
      if (path.startsWith('bad')) throw new TowlineError('vanished', 'gone', { path });
      return `read ${path}`;
    },
  };
  return new GatheredHashes(storage, { inPlace: true });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Answers all that is asked, until nothing is. */
async function answerAll(): Promise<void> {
  for (await turn(); commandsNow + readsNow > 0; await turn()) {
    for (const { answer: go } of [...commands, ...reads]) go();
  }
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `f${String(index)}`);

test('many are asked for in few commands of a bounded size, two at once', async () => {
  const gathered = hashes();
  const wanted = names(5_000).map((path) => gathered.of(path, { size: 10, signal }));
  await answerAll();
  expect(await Promise.all(wanted)).toEqual(names(5_000).map((path) => `hash of ${path}`));
  expect(reads).toEqual([]);
  expect(commands.length).toBeLessThanOrEqual(20);
  expect(Math.max(...commands.map(({ paths }) => paths.length))).toBe(256);
  expect(commandsAtOnce).toBe(2);
});

test('what comes one by one while a command runs is the next one', async () => {
  const gathered = hashes();
  const wanted = [];
  for (const path of names(1_000)) {
    wanted.push(gathered.of(path, { size: 10, signal }));
    await turn();
  }
  await answerAll();
  await Promise.all(wanted);
  expect(commands.length).toBeLessThan(10);
  expect(reads.length).toBeLessThanOrEqual(16);
});

test('a few small files are read: a command takes longer', async () => {
  const gathered = hashes();
  const wanted = names(3).map((path) => gathered.of(path, { size: 10, signal }));
  await answerAll();
  expect(await Promise.all(wanted)).toEqual(['read f0', 'read f1', 'read f2']);
  expect(commands).toEqual([]);
});

test.each([
  ['large', large],
  ['of unknown size', undefined],
])('a single file is worth a command when it is %s', async (_, size) => {
  const gathered = hashes();
  const wanted = gathered.of('one', { signal, ...(size === undefined ? {} : { size }) });
  await answerAll();
  expect(await wanted).toBe('hash of one');
});

test('large files are not all in one command', async () => {
  const gathered = hashes();
  const wanted = names(100).map((path) => gathered.of(path, { size: large, signal }));
  await answerAll();
  await Promise.all(wanted);
  for (const { paths } of commands) expect(paths.length * large).toBeLessThanOrEqual(256 * 2 ** 20);
});

test('one that has no hash there is read, fails alone, and the others have theirs', async () => {
  const gathered = hashes();
  answer = (path) => (path === 'bad' || path === 'odd' ? null : `hash of ${path}`);
  const wanted = ['bad', 'odd', ...names(20)].map((path) => gathered.of(path, { size: 10, signal }));
  const outcomes = Promise.allSettled(wanted);
  await answerAll();
  const [bad, odd, ...others] = await outcomes;
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'vanished', path: 'bad' } });
  expect(odd).toMatchObject({ value: 'read odd' });
  expect(others.every(({ status }) => status === 'fulfilled')).toBe(true);
});

test('where nothing can be hashed all are read, a bounded number and many bytes at once', async () => {
  const gathered = hashes({ cannot: true });
  const small = names(2_000).map((path) => gathered.of(path, { size: 10, signal }));
  await answerAll();
  await Promise.all(small);
  expect(readsAtOnce).toBe(128);
  readsAtOnce = 0;
  const larger = names(200).map((path) => gathered.of(path, { size: large, signal }));
  await answerAll();
  await Promise.all(larger);
  expect(readsAtOnce).toBe(4);
});

test('a lost link fails all who wait for the command', async () => {
  const gathered = hashes({ fails: new TowlineError('network', 'gone') });
  const outcomes = Promise.allSettled(names(20).map((path) => gathered.of(path, { size: 10, signal })));
  await answerAll();
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'network' } });
});

test('who gives up is told at once; the command ends with the last of its group', async () => {
  const gathered = hashes();
  const [one, two] = [new AbortController(), new AbortController()];
  const ask = (path: string, by: AbortController) => gathered.of(path, { size: large, signal: by.signal });
  const [first, second] = [ask('a', one), ask('b', two)];
  const third = Promise.allSettled([ask('c', one)]);
  await turn();
  one.abort(new TowlineError('interrupted', 'enough'));
  await expect(first).rejects.toMatchObject({ code: 'interrupted' });
  expect((await third)[0]).toMatchObject({ status: 'rejected' });
  expect(commands[0]!.signal.aborted).toBe(false);
  two.abort(new TowlineError('interrupted', 'enough'));
  await expect(second).rejects.toMatchObject({ code: 'interrupted' });
  expect(commands[0]!.signal.aborted).toBe(true);
  await expect(ask('d', one)).rejects.toMatchObject({ code: 'interrupted' });
  await answerAll();
});

describe('on a real server', () => {
  const files = names(1_500);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  function folderOf(): string {
    const root = join(freshFolder('hashes'), 'root');
    mkdirSync(root);
    for (const name of files) writeFileSync(join(root, name), name);
    return root;
  }

  test('thousands of files take a dozen commands, two at once', async () => {
    const login = await logIn();
    onTestFinished(() => login.end());
    let started = 0;
    let running = 0;
    let most = 0;
    const counted: StreamSession = {
      label: login.connection.label,
      get epoch() {
        return login.connection.epoch;
      },
      stream: (script, options) => {
        started++;
        most = Math.max(most, ++running);
        const stream = login.connection.stream(script, options);
        const over = () => running--;
        stream.ended.then(over, over);
        return stream;
      },
    };
    const storage = storageWithShell(login.connection, counted, folderOf());
    const gathered = new GatheredHashes(storage, { inPlace: true });
    const found = await Promise.all(files.map((path) => gathered.of(path, { size: path.length, signal })));
    expect(found).toEqual(files.map(sha256));
    // One of them asks what the shell can do.
    expect(started).toBeLessThanOrEqual(12);
    expect(most).toBeLessThanOrEqual(2);
  });

  test('without a shell they are read', async () => {
    const login = await logIn({ forceInternalSftp: true });
    onTestFinished(() => login.end());
    const storage = storageWithShell(login.connection, login.connection, folderOf());
    const gathered = new GatheredHashes(storage, { inPlace: true });
    const found = await Promise.all(files.map((path) => gathered.of(path, { size: path.length, signal })));
    expect(found).toEqual(files.map(sha256));
  });
});
