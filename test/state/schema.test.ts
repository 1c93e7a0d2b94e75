import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openState } from '../../src/state/open.js';
import { migrate, migrations, versionOf } from '../../src/state/schema.js';
import { freshFolder } from '../support/folder.js';

test('a database goes forward step by step and keeps what it holds', () => {
  const db = new Database(':memory:');
  const steps = [
    'CREATE TABLE t (a); INSERT INTO t VALUES (1)',
    'ALTER TABLE t ADD COLUMN b DEFAULT 2',
    'UPDATE t SET b = b + 1',
  ];
  expect(migrate(db, steps.slice(0, 1))).toBe(0);
  expect(migrate(db, steps)).toBe(1);
  expect(migrate(db, steps)).toBe(3);
  expect(db.prepare('SELECT * FROM t').all()).toEqual([{ a: 1, b: 3 }]);
  expect(versionOf(db)).toBe(3);
});

test('a step that fails leaves the version and all else as it was', () => {
  const db = new Database(':memory:');
  const failing = db.transaction(() =>
    migrate(db, ['CREATE TABLE t (a)', 'ALTER TABLE missing ADD COLUMN b']),
  );
  expect(failing).toThrow();
  expect(versionOf(db)).toBe(0);
  expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
});

test('a database of a newer Towline is refused and not touched', async () => {
  const folder = freshFolder('state');
  await (await openState({ folder, label: 'test' })).close();
  const newer = new Database(join(folder, 'state.sqlite'));
  newer.pragma(`user_version = ${migrations.length + 1}`);
  newer.close();
  const opening = openState({ folder, label: 'test' });
  await expect(opening).rejects.toMatchObject({ code: 'state', path: folder });
  await expect(opening).rejects.toThrow(/newer Towline.*--state-dir/);
});
