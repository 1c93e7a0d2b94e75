import { expect, test } from 'vitest';
import { createFilterBook } from '../../src/engine/filter-book.js';
import { createMemoryStorage } from '../../src/storage/memory/storage.js';

const wishes = {
  rules: [{ type: 'exclude', pattern: 'Build', source: '--exclude' }],
  gitignore: false,
  droppings: false,
} as const;

test('once a side is known to fold case, rules match without regard to it', async () => {
  let folds = false;
  const book = createFilterBook(wishes, createMemoryStorage(), () => folds);
  expect([book.excludes('Build', 'directory'), book.excludes('build', 'directory')]).toEqual([true, false]);
  const before = book.signature();

  folds = true;
  // Not in the middle of a scan.
  expect(book.excludes('build', 'directory')).toBe(false);
  await book.reset();
  expect([book.excludes('Build', 'directory'), book.excludes('build', 'directory')]).toEqual([true, true]);
  // What was not excluded until now is not deleted for it.
  expect(book.signature()).not.toBe(before);
});
