import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonSyntaxError, readJson } from '../../src/config/json-text.js';

function faultOf(text: string): { line: number; column: number; reason: string } | null {
  try {
    readJson(text);
    return null;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { line: error.line, column: error.column, reason: error.reason };
  }
}

const faults: readonly (readonly [text: string, line: number, column: number, reason: RegExp])[] = [
  ['', 1, 1, /ends where a value should be/],
  ['{\n  "a": 1,\n}', 2, 9, /comma too many ahead of }/],
  ['{\n  "a": [1, 2,\n ]}', 2, 13, /comma too many ahead of ]/],
  ['{ "a": 1\n  "b": 2 }', 2, 3, /"\\"" where a comma or } should be/],
  ['{ "a" 1 }', 1, 7, /"1" where a colon should be/],
  ['{ "a": }', 1, 8, /"}" where a value should be/],
  ['{ "a": 1', 1, 9, /ends where a comma or } should be/],
  ['{ a: 1 }', 1, 3, /"a" where a key in double quotes should be/],
  ["{ 'a': 1 }", 1, 3, /strings stand in double quotes/],
  ['{\n  // why\n  "a": 1 }', 2, 3, /comments are no part of JSON/],
  ['{ "a": "b }\n', 1, 8, /this string has no end/],
  ['{ "a": "\\x" }', 1, 8, /backslash that begins no escape/],
  ['{ "a": 1 } }', 1, 12, /behind the end/],
  ['{ "a": 01 }', 1, 9, /"1" where a comma or } should be/],
  ['['.repeat(100), 1, 66, /nested too deeply/],
];

test.each(faults)('%j is no JSON at %i:%i', (text, line, column, reason) => {
  expect(faultOf(text)).toEqual({ line, column, reason: expect.stringMatching(reason) });
});

describe('it accepts what JSON.parse accepts, and nothing else', () => {
  const agrees = (text: string) => {
    let expected: { value: unknown } | null = null;
    try {
      expected = { value: JSON.parse(text) as unknown };
    } catch {
      expect(faultOf(text)).not.toBeNull();
    }
    if (expected !== null) expect(readJson(text).value).toEqual(expected.value);
  };

  test('any JSON', () => {
    const json = fc.json({ maxDepth: 5 });
    fc.assert(fc.property(json, fc.constantFrom('', '  ', '\r\n'), (text, blanks) => agrees(blanks + text)));
  });

  test('JSON with something put in, taken out or replaced', () => {
    const piece = fc.constantFrom(
      '',
      '"',
      '\\',
      ',',
      ':',
      '{',
      ']',
      '0',
      '-',
      '.',
      'e',
      ' ',
      '\n',
      '\u0001',
      '\u2028',
    );
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.nat(3), piece, (text, where, gone, put) => {
        const at = where % (text.length + 1);
        agrees(text.slice(0, at) + put + text.slice(at + gone));
      }),
      { numRuns: 2000 },
    );
  });
});

test('lines of keys and items, and keys that stand twice', () => {
  const text = '\ufeff{\n  "a": {\n    "b/~": [1,\n      2] },\n  "c": 1,\n  "c": 2 }\n';
  const { value, duplicates, ...read } = readJson(text);
  expect(value).toEqual({ a: { 'b/~': [1, 2] }, c: 2 });
  const pointers = ['', '/a', '/a/b~1~0', '/a/b~1~0/1', '/c', '/d'];
  expect(pointers.map((pointer) => read.lineOf(pointer))).toEqual([1, 2, 3, 4, 6, undefined]);
  expect(duplicates).toEqual(['/c']);
});
