import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SyncResult } from '../../src/engine/events.js';
import { startFront } from '../support/webdav-front.js';
import { startApache, type TestWebdavServer } from '../support/webdav-server.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { push, towline, watch, type TestPair } from '../support/towline.js';

const user = 'dev';
const password = 'correct horse';
const env = { TOWLINE_PASSWORD: password };

let server: TestWebdavServer;
beforeAll(async () => {
  server = await startApache({ login: { scheme: 'digest', user, password } });
});
afterAll(() => server.stop());

/** A fresh pair on the server; its remote folder does not exist. */
function webdavPair(url = server.url): TestPair {
  const folder = freshFolder('pair');
  const local = join(folder, 'local');
  mkdirSync(local);
  const name = `app ${String(pairs++)}`;
  return {
    local,
    remote: join(server.folder, name),
    target: `${url.replace('//', `//${user}@`)}/${encodeURIComponent(name)}`,
    stateDir: join(folder, 'state'),
    flags: ['--state-dir', join(folder, 'state')],
  };
}
let pairs = 0;

function grow(root: string): void {
  mkdirSync(join(root, 'a/b c/ü'), { recursive: true });
  for (let i = 0; i < 40; i++) writeFileSync(join(root, 'a', `file ${String(i)}`), `${String(i)}\n`);
  writeFileSync(join(root, 'a/b c/ü/100% & <x>#?'), 'odd');
  writeFileSync(join(root, 'large'), Buffer.alloc(5_000_000, 'large '));
  writeFileSync(join(root, 'empty'), '');
}

const contents = (root: string) =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && !one.parentPath.includes('.DAV'))
      .map((one) => {
        const path = join(one.parentPath, one.name);
        return [path.slice(root.length), readFileSync(path).toString('latin1')];
      }),
  );

/** Of the files, in whole seconds: other kinds have none that count. */
const timesOf = (root: string) =>
  Object.keys(contents(root))
    .sort()
    .map((path) => `${path} ${String(Math.floor(statSync(join(root, path)).mtimeMs / 1000))}`);

describe('push over WebDAV', () => {
  test('a tree arrives; a second push sends nothing; an edit is sent; --delete works', async () => {
    const pair = webdavPair();
    grow(pair.local);
    const first = await push(pair, [], { env });
    expect(first).toMatchObject({ code: 0, failed: 0, problems: [], transferred: 43 });
    expect(contents(pair.remote)).toEqual(contents(pair.local));

    expect(await push(pair, [], { env })).toMatchObject({ code: 0, transferred: 0, bytesSent: 0 });

    writeFileSync(join(pair.local, 'a/file 1'), '1x');
    rmSync(join(pair.local, 'a/b c'), { recursive: true });
    const edited = await push(pair, [], { env });
    expect(edited).toMatchObject({ code: 0, transferred: 1, bytesSent: 2, deleted: 0 });
    const mirrored = await push(pair, ['--delete'], { env });
    expect(mirrored).toMatchObject({ code: 0, transferred: 0, deleted: 3 });
    expect(contents(pair.remote)).toEqual(contents(pair.local));
    expect(readdirSync(pair.remote).filter((name) => name.startsWith('.towline'))).toEqual([]);
  });

  test('without a base equal contents are not sent again, and different ones of one size are', async () => {
    const pair = webdavPair();
    writeFileSync(join(pair.local, 'same'), 'same');
    writeFileSync(join(pair.local, 'other'), 'here');
    await push(pair, [], { env });
    writeFileSync(join(pair.local, 'other'), 'HERE');
    const fresh = { ...pair, flags: ['--state-dir', freshFolder('state')] };
    expect(await push(fresh, [], { env })).toMatchObject({ code: 0, transferred: 1 });
    expect(readFileSync(join(pair.remote, 'other'), 'utf8')).toBe('HERE');
    expect(await push(fresh, [], { env })).toMatchObject({ code: 0, transferred: 0 });
  });

  test('a dry run changes nothing, not even to try the server out', async () => {
    const pair = webdavPair();
    mkdirSync(pair.remote, { mode: 0o777 });
    grow(pair.local);
    expect(await push(pair, ['--dry-run'], { env })).toMatchObject({ code: 0 });
    expect(readdirSync(pair.remote)).toEqual([]);
  });

  test.each([
    ['a wrong password', { TOWLINE_PASSWORD: 'wrong' }, 3, 'does not accept'],
    ['no password', { TOWLINE_PASSWORD: undefined }, 3, 'TOWLINE_PASSWORD'],
  ])('%s ends it', async (_title, wrong, code, words) => {
    const pair = webdavPair();
    const { code: exit, stderr } = await towline(['push', pair.local, pair.target, ...pair.flags], {
      env: wrong,
    });
    expect(exit).toBe(code);
    expect(stderr).toContain(words);
  });

  test('a password in the address, a port beside it, and a hook over there are refused', async () => {
    const pair = webdavPair();
    const run = (target: string, ...flags: string[]) =>
      towline(['push', pair.local, target, ...pair.flags, ...flags], { env });
    const secret = await run(pair.target.replace('@', ':s3cret@'));
    expect(secret.code).toBe(2);
    expect(secret.stderr).toContain('--password-file');
    expect(secret.stderr).not.toContain('s3cret');
    expect((await run(pair.target, '-p', '80')).code).toBe(2);
    const file = join(freshFolder('configuration'), 'towline.json');
    const hook = { command: 'true', where: 'remote' };
    writeFileSync(file, JSON.stringify({ local: pair.local, remote: pair.target, afterSync: [hook] }));
    const hooked = await towline(['push', '--trust', ...pair.flags], { env, cwd: join(file, '..') });
    expect(hooked.stderr).toContain('runs no commands');
    expect(hooked.code).toBe(2);
  });

  test('pull and sync: what is new over there comes, both ways, and then nothing more', async () => {
    const pair = webdavPair();
    grow(pair.local);
    await push(pair, [], { env });
    const run = async (command: string, local: string) => {
      const places = command === 'pull' ? [pair.target, local] : [local, pair.target];
      const flags = ['--state-dir', `${local}-state`, '--json'];
      const { code, stdout, stderr } = await towline([command, ...places, ...flags], { env });
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as SyncResult;
    };
    const copy = join(freshFolder('pulled'), 'copy');
    mkdirSync(copy);
    expect((await run('pull', copy)).transferred).toBe(43);
    expect(contents(copy)).toEqual(contents(pair.local));
    expect((await run('pull', copy)).transferred).toBe(0);

    const other = join(freshFolder('synced'), 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'from here'), 'here');
    expect(await run('sync', other)).toMatchObject({ transferred: 44, conflicts: 0, failed: 0 });
    expect(contents(other)).toEqual(contents(pair.remote));
    expect((await run('sync', other)).transferred).toBe(0);
    writeFileSync(join(other, 'a/file 1'), 'edited');
    rmSync(join(other, 'from here'));
    expect(await run('sync', other)).toMatchObject({ transferred: 1, deleted: 1 });
    expect(contents(other)).toEqual(contents(pair.remote));
  });

  test('watch goes on after the server was away', async () => {
    const pair = webdavPair();
    const watching = watch(pair, [], { env });
    await watching.ready();
    writeFileSync(join(pair.local, 'one'), '1');
    await eventually(() => expect(readFileSync(join(pair.remote, 'one'), 'utf8')).toBe('1'));
    const before = watching.lines.length;
    await server.stop();
    writeFileSync(join(pair.local, 'two'), '2');
    await watching.line(({ event, state }) => event === 'link' && state === 'waiting', before);
    await server.restart();
    await eventually(() => expect(readFileSync(join(pair.remote, 'two'), 'utf8')).toBe('2'));
    expect(await watching.stop()).toBe(0);
  });
});

test('a server that keeps times gets them, and a touch sends no content', async () => {
  const front = await startFront(server, { keepsTimes: true });
  const pair = webdavPair(front.url);
  grow(pair.local);
  expect(await push(pair, [], { env })).toMatchObject({ code: 0, failed: 0 });
  expect(timesOf(pair.remote)).toEqual(timesOf(pair.local));
  const fresh = { ...pair, flags: ['--state-dir', freshFolder('state')] };
  expect(await push(fresh, [], { env })).toMatchObject({ code: 0, transferred: 0, bytesSent: 0 });

  utimesSync(join(pair.local, 'large'), 1_500_000_000, 1_500_000_000);
  expect(await push(fresh, [], { env })).toMatchObject({ code: 0, transferred: 0, bytesSent: 0 });
  expect(timesOf(pair.remote)).toEqual(timesOf(pair.local));
  await front.stop();
});
