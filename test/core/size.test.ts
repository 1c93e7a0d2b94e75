import { expect, test } from 'vitest';
import { parseSize } from '../../src/core/size.js';

test.each([
  ['0', 0],
  ['800', 800],
  ['500k', 512_000],
  ['10M', 10 * 1024 ** 2],
  ['1.5G', 1.5 * 1024 ** 3],
  ['2TiB', 2 * 1024 ** 4],
  ['3kb', 3072],
  ['0.3', 0],
  ['', null],
  ['k', null],
  ['-1', null],
  ['1 k', null],
  ['1p', null],
  ['1e3', null],
  ['999999999999T', null],
])('%j', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
