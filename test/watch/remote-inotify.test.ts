/** The remote watcher against a real sshd and a real inotifywait. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  appendFileSync,
  chmodSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { StartStream } from '../../src/ports-stream.js';
import type { Connection } from '../../src/ssh/connection.js';
import { createRemoteWatcher } from '../../src/watch/remote-inotify.js';
import { startChild } from '../state/child.js';
import { connectTo } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { descendantsOf } from '../support/processes.js';
import { startProxy } from '../support/proxy.js';
import { type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';
import { Recorder } from './recorder.js';

let sshd: TestSshd;
let connection: Connection;
beforeAll(async () => {
  sshd = await startSshd();
  connection = connectTo(sshd);
  await connection.ready();
});
afterAll(async () => {
  await connection.close();
  await sshd.stop();
});

const startIn =
  (over: Connection, root: string, change = (script: string) => script): StartStream =>
  (script, run) =>
    Promise.resolve(over.stream(change(script), { ...run, directory: root }));

interface Watching {
  readonly recorder: Recorder;
  readonly root: string;
  readonly close: () => Promise<void>;
}

async function watching(
  options: { root?: string; over?: Connection; excludes?: Recorder['excludes'] } = {},
): Promise<Watching> {
  const { root = freshFolder('remote'), over = connection, excludes } = options;
  const recorder = new Recorder(excludes);
  const watcher = createRemoteWatcher({ exec: startIn(over, root), root: `box:${root}` });
  onTestFinished(() => watcher.close());
  await watcher.start(recorder);
  return { recorder, root, close: () => watcher.close() };
}

/** The pids of the inotifywait processes of this server. */
const inotifywaits = (server = sshd) =>
  server
    .sessions()
    .filter((pid) =>
      descendantsOf(process.pid).some((one) => one.pid === pid && one.command.startsWith('inotifywait ')),
    );

test('what happens there is told', async () => {
  const { recorder, root } = await watching();
  const at = (path: string) => join(root, path);
  writeFileSync(at('file'), 'x');
  await recorder.all('add file', 'change file');
  recorder.events.length = 0;
  appendFileSync(at('file'), 'y');
  await recorder.all('change file');
  recorder.events.length = 0;
  chmodSync(at('file'), 0o600);
  await recorder.all('change file');
  renameSync(at('file'), at('new\nli|ne \u00fc'));
  await recorder.all('unlink file', 'add new\nli|ne \u00fc');
  symlinkSync('/etc', at('link'));
  await recorder.all('add link');
  rmSync(at('link'));
  await recorder.all('unlink link');
  expect(recorder.errors).toEqual([]);
});

test('directories that are there, that appear and that move are watched', async () => {
  const root = freshFolder('remote');
  mkdirSync(join(root, 'old/inner'), { recursive: true });
  const { recorder } = await watching({ root });
  writeFileSync(join(root, 'old/inner/x'), 'x');
  await recorder.all('add old/inner/x');
  mkdirSync(join(root, 'new'));
  await recorder.all('addDir new');
  // Until it is watched nothing is told of what is in it: the caller looks there.
  let tries = 0;
  await eventually(() => {
    writeFileSync(join(root, `new/${String(tries++)}`), 'x');
    expect(recorder.events.some((event) => event.startsWith('add new/'))).toBe(true);
  });
  renameSync(join(root, 'old'), join(root, 'moved'));
  await recorder.all('unlinkDir old', 'addDir moved');
  await eventually(() => {
    writeFileSync(join(root, `moved/inner/${String(tries++)}`), 'x');
    expect(recorder.events.some((event) => event.startsWith('add moved/inner/'))).toBe(true);
  });
  rmSync(join(root, 'moved'), { recursive: true });
  await recorder.all('unlinkDir moved/inner', 'unlinkDir moved');
  expect(recorder.errors).toEqual([]);
});

test('our own names and what is excluded are not told', async () => {
  const { recorder, root } = await watching({ excludes: (path) => path.startsWith('out') });
  mkdirSync(join(root, '.towline-trash'));
  writeFileSync(join(root, '.towline-trash/x'), 'x');
  writeFileSync(join(root, '.towline-a-b.tmp'), 'x');
  writeFileSync(join(root, 'out'), 'x');
  renameSync(join(root, '.towline-a-b.tmp'), join(root, 'published'));
  await recorder.all('add published');
  expect(recorder.events).toEqual(['add published']);
});

test.each(['removed', 'moved away'])(
  'a root that is %s is one error, and cannot be watched again',
  async (how) => {
    const root = join(freshFolder('remote'), 'root');
    mkdirSync(root);
    const { recorder } = await watching({ root });
    if (how === 'removed') rmSync(root, { recursive: true });
    else renameSync(root, `${root}2`);
    expect(await recorder.failure()).toMatchObject({ code: 'not-found' });
    await expect(watching({ root })).rejects.toMatchObject({ code: 'not-found' });
    await eventually(() => expect(inotifywaits()).toEqual([]));
    expect(recorder.errors).toHaveLength(1);
  },
);

test('a burst that overflowed the queue is told, though inotifywait does not say so', async () => {
  const { recorder, root } = await watching();
  mkdirSync(join(root, 'd'));
  await recorder.all('addDir d');
  const pids = await eventually(() => {
    const found = inotifywaits();
    expect(found).toHaveLength(1);
    return found;
  });
  process.kill(pids[0]!, 'SIGSTOP');
  for (let i = 0; i < 20_000; i++) writeFileSync(join(root, String(i)), '');
  process.kill(pids[0]!, 'SIGCONT');
  expect(await recorder.failure()).toMatchObject({ code: 'internal' });
  expect(recorder.events).not.toContain('add 19999');
});

test('an inotifywait that ends is one error', async () => {
  const { recorder } = await watching();
  process.kill(inotifywaits()[0]!, 'SIGKILL');
  expect(await recorder.failure()).toMatchObject({ code: 'unsupported' });
});

test('complaints of inotifywait while it watches are errors', async () => {
  const root = freshFolder('remote');
  const recorder = new Recorder();
  const go = join(freshFolder('remote'), 'go');
  // What it does when a new directory can have no watch, in its own words.
  const complain = `while [ ! -e ${go} ]; do sleep 0.1; done; echo "Couldn't watch new directory ./x: No space left on device" >&2`;
  const change = (script: string) => `(${complain}) & ${script}`;
  const watcher = createRemoteWatcher({ exec: startIn(connection, root, change), root });
  onTestFinished(() => watcher.close());
  await watcher.start(recorder);
  writeFileSync(go, '');
  expect(await recorder.failure()).toMatchObject({
    code: 'internal',
    serverText: expect.stringContaining('./x') as string,
  });
});

test('a server without inotifywait, a missing root and a server without a shell are refusals', async () => {
  const root = freshFolder('remote');
  const codeOf = async (exec: StartStream) => {
    const watcher = createRemoteWatcher({ exec, root });
    return watcher.start(new Recorder()).then(
      () => 'started',
      (error: unknown) => (error as { code: string }).code,
    );
  };
  const missing = (script: string) => script.replace('exec inotifywait', 'exec no-such-inotifywait');
  expect(await codeOf(startIn(connection, root, missing))).toBe('unsupported');
  expect(await codeOf(startIn(connection, join(root, 'none')))).toBe('not-found');
  const files = await startSshd({ forceInternalSftp: true });
  const over = connectTo(files);
  await over.ready();
  expect(['unsupported', 'network']).toContain(await codeOf(startIn(over, root)));
  await over.close();
  await files.stop();
});

/** What the server runs may have so few watches, in a user namespace of its own. */
const fewWatches: SshdOptions = {
  config: [
    `ForceCommand unshare --user --map-root-user sh -c 'echo 10 > /proc/sys/user/max_inotify_watches; exec sh -c "$SSH_ORIGINAL_COMMAND"'`,
  ],
};

function canLimit(): boolean {
  try {
    execFileSync('unshare', [
      '--user',
      '--map-root-user',
      'sh',
      '-c',
      'echo 10 > /proc/sys/user/max_inotify_watches',
    ]);
    return true;
  } catch {
    // No user namespaces here (a container without the right).
    return false;
  }
}

test.runIf(canLimit())('too few watches are a refusal, and running out of them later an error', async () => {
  const limited = await startSshd(fewWatches);
  const over = connectTo(limited);
  onTestFinished(async () => {
    await over.close();
    await limited.stop();
  });
  await over.ready();
  const root = freshFolder('remote');
  for (let i = 0; i < 20; i++) mkdirSync(join(root, String(i)));
  await expect(watching({ root, over })).rejects.toMatchObject({ code: 'unsupported' });
  for (let i = 5; i < 20; i++) rmSync(join(root, String(i)), { recursive: true });
  const { recorder } = await watching({ root, over });
  for (let i = 5; i < 20; i++) mkdirSync(join(root, String(i)));
  await recorder.failure();
  await eventually(() => expect(inotifywaits(limited)).toEqual([]));
});

test('it can be called off before it is ready, and closed before and after', async () => {
  const root = freshFolder('remote');
  const change = () => 'exec sleep 1002';
  const watcher = createRemoteWatcher({ exec: startIn(connection, root, change), root });
  const stop = new AbortController();
  const reason = new Error('enough');
  const starting = watcher.start(new Recorder(), stop.signal);
  stop.abort(reason);
  await expect(starting).rejects.toBe(reason);

  const closed = createRemoteWatcher({ exec: startIn(connection, root, change), root });
  const started = closed.start(new Recorder());
  await closed.close();
  await expect(started).rejects.toMatchObject({ code: 'interrupted' });
  await closed.close();
});

test('nothing of it is left on the server when it is closed', async () => {
  const { close, recorder } = await watching();
  expect(inotifywaits()).toHaveLength(1);
  await close();
  await eventually(() => expect(inotifywaits()).toEqual([]));
  expect(recorder.errors).toEqual([]);
});

test('nor when the connection is lost, which is one error', async () => {
  const proxy = await startProxy({ targetPort: sshd.port });
  const over = connectTo(sshd, { port: proxy.port });
  await over.ready();
  const { recorder } = await watching({ over });
  expect(inotifywaits()).toHaveLength(1);
  proxy.dropAll();
  expect(await recorder.failure()).toMatchObject({ code: 'network' });
  await over.close();
  await proxy.stop();
  await eventually(() => expect(inotifywaits()).toEqual([]));
});

test('nor when the agent is killed', async () => {
  const root = freshFolder('remote');
  const hostKey = `${sshd.hostKeyFiles[0]!}.pub`;
  const child = startChild('../../watch/children/remote', [
    String(sshd.port),
    sshd.user,
    sshd.keyFile,
    hostKey,
    root,
  ]);
  expect(await child.line()).toBe('watching');
  await eventually(() => expect(inotifywaits()).toHaveLength(1));
  child.process.kill('SIGKILL');
  await child.ended;
  await eventually(() => expect(inotifywaits()).toEqual([]));
});
