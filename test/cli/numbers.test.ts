import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/cli/numbers.js';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [12_700, '12.4 KiB'],
  [102_348, '99.9 KiB'],
  [102_399, '100 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [71_300_000, '68.0 MiB'],
  [2 ** 40, '1.0 TiB'],
  [2 ** 53, '8.0 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [41.2, '41 ms'],
  [999.6, '1.0 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [123_000, '2 min 3 s'],
  [3_599_600, '1 h 0 min'],
  [3_840_000, '1 h 4 min'],
  [76 * 3_600_000, '3 d 4 h'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('counts agree with their nouns and group their digits', () => {
  expect(formatCount(1, 'file')).toBe('1 file');
  expect(formatCount(0, 'file')).toBe('0 files');
  expect(formatCount(1_234_567, 'directory', 'directories')).toBe('1,234,567 directories');
});
