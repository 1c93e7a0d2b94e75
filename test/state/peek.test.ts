import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openState } from '../../src/state/open.js';
import { peekState, stateFolders } from '../../src/state/peek.js';
import { freshFolder } from '../support/folder.js';

const label = './app → box:/srv/app';

async function filled(folder: string) {
  const state = await openState({ folder, label });
  const problem = { code: 'permission', message: 'no' } as const;
  await state.queue.put([
    { path: 'a', cause: 'watch', sinceMs: 7 },
    { path: 'b', cause: 'scan', sinceMs: 3, held: true },
    { path: 'c', cause: 'scan', sinceMs: 1, problem },
    { path: 'd', cause: 'scan', sinceMs: 1, problem },
  ]);
  const entry = { kind: 'file', size: 1, mtimeMs: 1, mode: 0o644 } as const;
  await state.base.commit([{ path: 'a', pair: { local: entry, remote: entry, racy: false } }]);
  await state.facts.set('last', { entries: 5 });
  return state;
}

const seen = {
  counts: { total: 4, held: 1, problems: 2, oldestMs: 7 },
  known: 1,
  facts: { last: { entries: 5 } },
};

test('sees what a closed state holds, and leaves nothing but it behind', async () => {
  const folder = freshFolder('state');
  await (await filled(folder)).close();
  const peeked = await peekState({ folder, label }, ['last', 'never set'], 1);
  expect(peeked).toMatchObject(seen);
  expect(peeked?.facts).not.toHaveProperty('never set');
  expect(peeked?.problems).toMatchObject([{ path: 'c', problem: { code: 'permission', message: 'no' } }]);
  // The agent starts as if nobody had looked.
  const state = await openState({ folder, label });
  expect(state.setAside).toBeNull();
  await state.close();
});

test('sees what an open state holds, and does not hold it up', async () => {
  const folder = freshFolder('state');
  const state = await filled(folder);
  expect(await peekState({ folder, label }, ['last'], 10)).toMatchObject(seen);
  await state.queue.put([{ path: 'e', cause: 'watch', sinceMs: 9 }]);
  expect((await peekState({ folder, label }, [], 10))?.counts.total).toBe(5);
  await state.close();
});

test('no state is no error; one that cannot be read is', async () => {
  const folder = freshFolder('state');
  expect(await peekState({ folder, label }, [], 10)).toBeNull();
  expect(await peekState({ folder: join(folder, 'missing'), label }, [], 10)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, 'state.sqlite'), '');
  expect(await peekState({ folder, label }, [], 10)).toBeNull();
  writeFileSync(join(folder, 'state.sqlite'), 'x'.repeat(5000));
  await expect(peekState({ folder, label }, [], 10)).rejects.toMatchObject({ code: 'state' });
});

test('a newer state is refused', async () => {
  const folder = freshFolder('state');
  await (await filled(folder)).close();
  const db = new Database(join(folder, 'state.sqlite'));
  db.pragma('user_version = 1000');
  db.close();
  await expect(peekState({ folder, label }, [], 10)).rejects.toMatchObject({
    code: 'state',
    message: /newer/,
  });
});

test('the folders of states are those that hold one', async () => {
  const base = freshFolder('states');
  for (const name of ['b', 'a', 'none']) mkdirSync(join(base, name));
  writeFileSync(join(base, 'file'), '');
  for (const name of ['b', 'a']) writeFileSync(join(base, name, 'state.sqlite'), '');
  expect(await stateFolders(base)).toEqual([join(base, 'a'), join(base, 'b')]);
  expect(await stateFolders(join(base, 'missing'))).toEqual([]);
});
