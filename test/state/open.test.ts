import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { OpenedState } from '../../src/state/open.js';
import { openState } from '../../src/state/open.js';
import { setAsideFact } from '../../src/state/facts.js';
import { freshFolder } from '../support/folder.js';
import { startChild } from './child.js';

const label = './app → box:/srv/app';

async function filled(folder: string): Promise<OpenedState> {
  const state = await openState({ folder, label });
  const entry = { kind: 'file', size: 1, mtimeMs: 1, mode: 0o644 } as const;
  const pair = { local: entry, remote: entry, racy: false };
  await state.base.commit(Array.from({ length: 2000 }, (_, i) => ({ path: `folder/file-${i}`, pair })));
  return state;
}

async function expectSetAside(folder: string, original: Buffer): Promise<void> {
  const state = await openState({ folder, label });
  expect(state.setAside).toMatch(/state\.sqlite\.corrupt-\d{8}T\d{6}\.\d{3}Z$/);
  expect(readFileSync(state.setAside!)).toEqual(original);
  expect(statSync(state.setAside!).mode & 0o777).toBe(0o600);
  expect(await state.base.count()).toBe(0);
  expect(await state.facts.get(setAsideFact)).toBe(state.setAside);
  await state.queue.put([{ path: 'a', cause: 'scan', sinceMs: 1 }]);
  await state.close();
  const next = await openState({ folder, label });
  expect(next.setAside).toBeNull();
  expect(await next.facts.get(setAsideFact)).toBe(state.setAside);
  expect(await next.queue.counts()).toMatchObject({ total: 1 });
  await next.close();
}

test('makes a folder and files that only their owner can read, whatever the umask', async () => {
  for (const umask of [0o000, 0o022, 0o377]) {
    const folder = join(freshFolder('state'), 'pair');
    mkdirSync(folder, { mode: 0o755 });
    const line = await startChild('open', [folder, String(umask)]).line();
    expect(JSON.parse(line!)).toEqual({ folder: 0o700, modes: [0o600, 0o600, 0o600] });
  }
});

test('makes the folders above, and keeps one agent id for the life of the state', async () => {
  const folder = join(freshFolder('state'), 'some', 'where');
  const first = await openState({ folder, label });
  expect(first).toMatchObject({ setAside: null, agentId: expect.stringMatching(/^[0-9a-z]{10}$/) });
  await first.close();
  await first.close();
  const second = await openState({ folder, label });
  expect(second.agentId).toBe(first.agentId);
  const other = await openState({ folder: freshFolder('state'), label });
  expect(other.agentId).not.toBe(first.agentId);
  await Promise.all([second.close(), other.close()]);
  expect(readdirSync(folder)).toEqual(['state.sqlite']);
});

test('after close every call says so', async () => {
  const state = await openState({ folder: freshFolder('state'), label });
  await state.close();
  await expect(state.queue.counts()).rejects.toMatchObject({ code: 'state' });
  await expect(state.base.scan('')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'state' });
});

test('a file that is no database is set aside', async () => {
  const folder = freshFolder('state');
  const garbage = Buffer.from('this is not a database, '.repeat(500));
  writeFileSync(join(folder, 'state.sqlite'), garbage, { mode: 0o644 });
  await expectSetAside(folder, garbage);
});

test('a database cut short is set aside', async () => {
  const folder = freshFolder('state');
  await (await filled(folder)).close();
  const file = join(folder, 'state.sqlite');
  truncateSync(file, Math.floor(statSync(file).size / 2));
  await expectSetAside(folder, readFileSync(file));
});

test('a database with a spoiled page is set aside', async () => {
  const folder = freshFolder('state');
  await (await filled(folder)).close();
  const file = join(folder, 'state.sqlite');
  const bytes = readFileSync(file);
  for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0x5a, at, at + 512);
  writeFileSync(file, bytes);
  await expectSetAside(folder, bytes);
});

test('a fact that cannot be read is named; an agent id that cannot is made anew', async () => {
  const folder = freshFolder('state');
  await (await filled(folder)).close();
  const db = new Database(join(folder, 'state.sqlite'));
  db.exec(`INSERT OR REPLACE INTO facts VALUES ('agentId', '"../x"'), ('mode', '{"na')`);
  db.close();
  const state = await openState({ folder, label });
  expect(state.agentId).toMatch(/^[0-9a-z]{10}$/);
  await expect(state.facts.get('mode')).rejects.toMatchObject({ code: 'state', path: folder });
  await state.close();
});

test('a database whose schema is not ours is set aside, though SQLite finds no fault with it', async () => {
  for (const sql of [
    'ALTER TABLE counters RENAME COLUMN queue_held TO queue_hold',
    'DROP TABLE facts',
    'CREATE TABLE foreign_one (a)',
  ]) {
    const folder = freshFolder('state');
    await (await filled(folder)).close();
    const db = new Database(join(folder, 'state.sqlite'));
    db.exec(sql);
    db.close();
    await expectSetAside(folder, readFileSync(join(folder, 'state.sqlite')));
  }
});

test('bytes spoiled at random places end in a usable state, or a refusal that names the folder', async () => {
  const origin = freshFolder('state');
  await (await filled(origin)).close();
  const bytes = readFileSync(join(origin, 'state.sqlite'));
  const spoiled = fc.array(
    fc.tuple(fc.oneof(fc.nat(100), fc.nat(40_000), fc.nat(bytes.length - 1)), fc.nat(255)),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(spoiled, async (places) => {
      const folder = freshFolder('state');
      const copy = Buffer.from(bytes);
      for (const [at, value] of places) copy[at] = value;
      writeFileSync(join(folder, 'state.sqlite'), copy);
      const state = await openState({ folder, label }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'state', path: folder });
        return null;
      });
      if (state === null) return;
      expect(state.agentId).toMatch(/^[0-9a-z]{10}$/);
      if (state.setAside !== null) {
        expect(await state.base.count()).toBe(0);
        await state.queue.put([{ path: 'a', cause: 'scan', sinceMs: 1 }]);
      }
      await state.close();
    }),
    { numRuns: 150 },
  );
});

test('an agent that died between setting aside and starting anew still learns of it', async () => {
  const folder = freshFolder('state');
  writeFileSync(join(folder, 'state.sqlite.corrupt-20260101T000000.000Z'), 'old');
  const last = join(folder, 'state.sqlite.corrupt-20260202T000000.000Z');
  writeFileSync(last, 'newer');
  writeFileSync(join(folder, 'state.sqlite.corrupt-20260202T000000.000Z-wal'), 'log');
  const state = await openState({ folder, label });
  expect(state.setAside).toBe(last);
  await state.close();
});

test('the log of a database set aside goes with it and is not taken for the new one', async () => {
  const folder = freshFolder('state');
  const file = join(folder, 'state.sqlite');
  await (await filled(folder)).close();
  const state = await openState({ folder, label });
  await state.facts.set('logged', true);
  const log = readFileSync(`${file}-wal`);
  await state.close();
  const garbage = Buffer.alloc(8192, 'x');
  writeFileSync(file, garbage);
  writeFileSync(`${file}-wal`, log);
  const next = await openState({ folder, label });
  expect(readFileSync(next.setAside!)).toEqual(garbage);
  expect(readFileSync(`${next.setAside!}-wal`)).toEqual(log);
  expect(await next.facts.get('logged')).toBeNull();
  await next.close();
});

test('a folder that is a file, or below one, is refused by name', async () => {
  const file = join(freshFolder('state'), 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'pair')]) {
    const opening = openState({ folder, label });
    await expect(opening).rejects.toMatchObject({ code: 'state', path: folder });
    await expect(opening).rejects.toThrow(/not a directory.*--state-dir/);
    await expect(opening).rejects.toThrow(label);
  }
});

test('a database another program keeps locked is said to be locked', async () => {
  const folder = freshFolder('state');
  const state = await openState({ folder, label, busyTimeoutMs: 10 });
  const other = new Database(join(folder, 'state.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  const put = { path: 'a', cause: 'watch', sinceMs: 1 } as const;
  await expect(state.queue.put([put])).rejects.toThrow(/locked.*state\.sqlite/);
  other.exec('ROLLBACK');
  await state.queue.put([put]);
  await state.close();
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  await expect(openState({ folder, label, busyTimeoutMs: 10 })).rejects.toMatchObject({
    code: 'state',
    path: folder,
  });
  other.close();
  await (await openState({ folder, label })).close();
});

test('a folder that cannot be written is refused by name', async ({ skip }) => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !existsSync('/usr/bin/setpriv')) skip('as root this needs setpriv');
  const wrap = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
  const outcome = async (folder: string): Promise<unknown> =>
    JSON.parse((await startChild('open', [folder, '0'], wrap).line())!);

  const above = freshFolder('state');
  chmodSync(above, 0o500);
  const refused = { code: 'state', message: expect.stringMatching(/cannot be written.*--state-dir/) };
  expect(await outcome(join(above, 'pair'))).toEqual(refused);

  const existing = freshFolder('state');
  await (await openState({ folder: existing, label })).close();
  chmodSync(existing, 0o500);
  expect(await outcome(existing)).toEqual(refused);
  chmodSync(existing, 0o700);
  chmodSync(join(existing, 'state.sqlite'), 0o400);
  expect(await outcome(existing)).toEqual(refused);
});
