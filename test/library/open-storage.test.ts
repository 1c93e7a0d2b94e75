/** A storage by itself, behind each kind of name. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  connect,
  type ConnectOptions,
  type Entry,
  type OpenedStorage,
  openStorage,
  type Storage,
  sync,
} from '../../src/index.js';
import { codeOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { startSshd, type TestSshd } from '../support/sshd.js';
import { freshPair } from '../support/towline.js';
import { startApache, type TestWebdavServer } from '../support/webdav-server.js';

const login = { scheme: 'basic', user: 'dev', password: 'correct horse' } as const;

let sshd: TestSshd;
let apache: TestWebdavServer;
beforeAll(async () => {
  sshd = await startSshd();
  apache = await startApache({ login });
});
afterAll(async () => {
  await Promise.all([sshd.stop(), apache.stop()]);
});

interface Place {
  readonly target: string;
  /** Where it lies. */
  readonly folder: string;
  readonly options: ConnectOptions;
}

const places: Record<string, () => Place> = {
  ssh: () => {
    const { target, remote } = freshPair(sshd);
    return { target, folder: remote, options: { sshConfig: sshd.sshConfigFile } };
  },
  WebDAV: () => {
    const name = basename(freshFolder('app'));
    const target = `${apache.url.replace('//', `//${login.user}@`)}/${name}`;
    const env = { ...process.env, TOWLINE_PASSWORD: login.password };
    return { target, folder: join(apache.folder, name), options: { env } };
  },
  'a local folder': () => {
    const folder = join(freshFolder('place'), 'remote');
    return { target: folder, folder, options: {} };
  },
};

async function opened({ target, options }: Place): Promise<OpenedStorage> {
  const one = await openStorage(target, options);
  onTestFinished(() => one.close());
  return one;
}

async function put(storage: Storage, path: string, text: string): Promise<void> {
  const data = Buffer.from(text);
  const temp = await storage.createTemp(path, '.towline-me-1.tmp', { size: data.length });
  await temp.write(data, 0);
  await temp.complete({ size: data.length, sync: false });
  await temp.publish(null);
}

async function scanned(storage: Storage): Promise<Record<string, Entry>> {
  const found: [string, Entry][] = [];
  for await (const batch of storage.scan({ under: '', excludes: () => false }))
    for (const item of batch) if (item.type === 'entry') found.push([item.path, item.entry]);
  return Object.fromEntries(found);
}

describe.each(Object.keys(places))('%s', (kind) => {
  test('is opened, written, read and closed', async () => {
    const place = places[kind]!();
    const one = await opened(place);
    const { storage, label, connection } = one;
    expect(connection.state.name).toBe('ready');
    expect(label).toBe(storage.label);
    expect(label).toContain(basename(place.folder));
    await storage.ensureRoot({ parents: false });
    await storage.makeDirectory('b', 0o755);
    await put(storage, 'b/a', 'by hand');
    expect(readFileSync(join(place.folder, 'b/a'), 'utf8')).toBe('by hand');
    expect(await scanned(storage)).toMatchObject({
      b: { kind: 'directory' },
      'b/a': { kind: 'file', size: 7 },
    });
    const source = await storage.openSource('b/a');
    expect(String(await source.read(3, 100))).toBe('hand');
    await source.close();
    await one.close();
    expect(connection.state.name).toBe('closed');
  });

  test('is a remote for sync, with its own link', async () => {
    const place = places[kind]!();
    const one = await opened(place);
    const folder = freshFolder('pair');
    mkdirSync(join(folder, 'local'));
    writeFileSync(join(folder, 'local', 'a'), 'sent');
    const result = await sync({
      local: join(folder, 'local'),
      remote: { storage: one.storage, connection: one.connection, name: place.target },
      stateDir: join(folder, 'state'),
    });
    expect(result).toMatchObject({ transferred: 1, problems: [] });
    expect(readFileSync(join(place.folder, 'a'), 'utf8')).toBe('sent');
    // It is the caller's, and goes on.
    expect(one.connection.state.name).toBe('ready');
    expect(Object.keys(await scanned(one.storage))).toEqual(['a']);
  });
});

describe('what cannot be opened is refused by code', () => {
  test.each([
    ['nothing/here', {}, 'configuration'],
    [undefined, {}, 'configuration'],
    [{ name: 'x' }, {}, 'configuration'],
    ['box:/srv', { prot: 22 }, 'configuration'],
    ['box:/srv', null, 'configuration'],
    ['http://127.0.0.1/x', { port: 1 }, 'configuration'],
    ['box:/srv', { signal: 5 }, 'configuration'],
  ])('%j with %j', async (target, options, code) => {
    expect(await codeOf(openStorage(target as string, options as ConnectOptions))).toBe(code);
  });

  test.each<unknown>([undefined, 7, { name: 'x' }])('connect takes no %j either', async (target) => {
    expect(await codeOf(connect(target as string))).toBe('configuration');
  });

  test('two passwords, by openStorage and connect alike', async () => {
    const folder = freshFolder('place');
    const both = { passwordFile: '/nowhere/password', passwordCommand: 'echo password' };
    expect(await codeOf(openStorage(folder, both))).toBe('configuration');
    expect(await codeOf(connect(folder, { ...both, stateDir: join(folder, 'state') }))).toBe('configuration');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a password that is wrong', async () => {
    const place = places.WebDAV!();
    const env = { ...process.env, TOWLINE_PASSWORD: 'wrong' };
    expect(await codeOf(openStorage(place.target, { env }))).toBe('authentication');
  });

  test('given up meanwhile', async () => {
    const place = places.ssh!();
    const opening = openStorage(place.target, { ...place.options, signal: AbortSignal.abort() });
    expect(await codeOf(opening)).toBe('interrupted');
  });

  test('and nothing was made', async () => {
    const place = places['a local folder']!();
    await opened(place);
    expect(existsSync(place.folder)).toBe(false);
    expect(readdirSync(join(place.folder, '..'))).toEqual([]);
  });
});
