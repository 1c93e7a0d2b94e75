import { expect, test } from 'vitest';
import { readItem } from '../../src/rsync/itemized.js';

const bytes = (text: string) => Buffer.from(text).toString('latin1');

test.each([
  ['<f+++++++++ 12 a', { path: 'a', done: 'file', size: 12 }],
  ['>f.st...... 3 dir/b c', { path: 'dir/b c', done: 'file', size: 3 }],
  ['<fc.T...... 3 b', { path: 'b', done: 'file', size: 3 }],
  ['cd+++++++++ 4096 new/', { path: 'new', done: 'directory', size: 0 }],
  ['.d..t...... 4096 old/', { path: 'old', done: 'metadata', size: 0 }],
  ['cL+++++++++ 5 link', { path: 'link', done: 'symlink', size: 0 }],
  ['cLc.T...... 5 link', { path: 'link', done: 'symlink', size: 0 }],
  ['.f...p..... 5 mode', { path: 'mode', done: 'metadata', size: 0 }],
  ['<f+++++++++ 1 new\\#012line', { path: 'new\nline', done: 'file', size: 1 }],
  ['<f+++++++++ 1 \\#134#012', { path: '\\#012', done: 'file', size: 1 }],
  ['<f+++++++++ 1 back\\slash', { path: 'back\\slash', done: 'file', size: 1 }],
  ['<f+++++++++ 1  leading', { path: ' leading', done: 'file', size: 1 }],
  [bytes('<f+++++++++ 1 ünï日本😀'), { path: 'ünï日本😀', done: 'file', size: 1 }],
])('%j', (line, item) => {
  expect(readItem(line)).toEqual(item);
});

test.each(['', 'sending incremental file list', '.d..t...... 4096 ./', '*deleting   gone', '<f+++++++++ 1'])(
  '%j is no item',
  (line) => {
    expect(readItem(line)).toBeNull();
  },
);
