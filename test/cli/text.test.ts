import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, styleFor } from '../../src/cli/text.js';

test.each([
  ['src/a b.ts', 'src/a b.ts'],
  ['größe/日本/😀', 'größe/日本/😀'],
  ['two\nlines\r\t', 'two\\nlines\\r\\t'],
  ['\x1b[2J\x07\x7f\x9b1m', '\\e[2J\\x07\\x7f\\x9b1m'],
  ['exe\u202etxt.gpj', 'exe\\u{202e}txt.gpj'],
  ['a\u2028b\ufeff', 'a\\u{2028}b\\u{feff}'],
  ['half \ud83d', 'half \\u{d83d}'],
])('%j is shown as %s', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('no text reaches the terminal as more than one line or with a control character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text);
      expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      expect(printable(shown)).toBe(shown);
    }),
  );
});

const output = (isTTY: boolean) => ({ write: () => true, isTTY, columns: () => 80 });

test('colours only on a terminal, and not against NO_COLOR', () => {
  expect(styleFor(output(true), {}).bad('x')).toBe('\x1b[31mx\x1b[39m');
  expect(styleFor(output(true), { NO_COLOR: '' }).bad('x')).not.toBe('x');
  expect(styleFor(output(true), { NO_COLOR: '1' }).bad('x')).toBe('x');
  expect(styleFor(output(true), { TERM: 'dumb' }).bad('x')).toBe('x');
  expect(styleFor(output(false), {}).bad('x')).toBe('x');
});
