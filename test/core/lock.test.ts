import { expect, test } from 'vitest';
import { isLockName, lockPath } from '../../src/core/lock.js';
import { nameOf } from '../../src/core/path.js';
import { isOwnName, tempAgentOf } from '../../src/core/tempname.js';

test('a lock lies beside its path, under a short name that only depends on the last component', () => {
  const lock = lockPath(`a/b/${'x'.repeat(255)}`);
  expect(lock.startsWith('a/b/.towline-')).toBe(true);
  expect(nameOf(lock).length).toBeLessThan(40);
  expect(lockPath('file')).toBe(nameOf(lockPath('other/folder/file')));
  expect(isLockName(nameOf(lock))).toBe(true);
  expect(isOwnName(lock)).toBe(true);
  expect(tempAgentOf(nameOf(lock))).toBeNull();
});

test('different names have different locks; names that a server may fold into one have one', () => {
  const names = Array.from({ length: 50_000 }, (_, index) => `file ${String(index)}.txt`);
  expect(new Set(names.map(lockPath)).size).toBe(names.length);
  expect(lockPath('ReadMe')).toBe(lockPath('README'));
  expect(lockPath('é')).toBe(lockPath('e\u0301'));
});

test.each(['.towline-0123456789abcdef.lock.tmp', 'towline-0123456789abcdef.lock', '.towline-x.lock'])(
  '%s is no lock',
  (name) => expect(isLockName(name)).toBe(false),
);
