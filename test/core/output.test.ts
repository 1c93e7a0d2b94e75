import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineCutter, OutputTail } from '../../src/core/output.js';

test('however the pieces are cut, the text is the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(7)), (text, cuts) => {
      const data = Buffer.from(text);
      const tail = new OutputTail();
      let heard = '';
      let at = 0;
      for (const cut of [...cuts, data.length]) {
        heard += tail.add(data.subarray(at, at + cut));
        at += cut;
      }
      expect(heard).toBe(data.toString());
      expect(tail.text).toBe(heard);
    }),
  );
});

test('of much text the end is kept', () => {
  const tail = new OutputTail();
  for (let index = 0; index < 100_000; index++) tail.add(Buffer.from(`${String(index)}\n`));
  expect(tail.text).toHaveLength(64 * 1024);
  expect(tail.text.endsWith('99998\n99999\n')).toBe(true);
});

test('lines come when they are complete', () => {
  const cutter = new LineCutter();
  expect(cutter.add('a\nb')).toEqual(['a']);
  expect(cutter.add('c\r\n\nd')).toEqual(['bc', '']);
  expect(cutter.end()).toEqual(['d']);
  expect(cutter.end()).toEqual([]);
});

test('a line without an end is cut', () => {
  const cutter = new LineCutter();
  const lines = [...cutter.add('x'.repeat(10_000)), ...cutter.add('y\n'), ...cutter.end()];
  expect(lines.map((line) => line.length)).toEqual([4096, 4096, 1809]);
  expect(cutter.add(`${'z'.repeat(5000)}\n`).map((line) => line.length)).toEqual([4096, 904]);
});
