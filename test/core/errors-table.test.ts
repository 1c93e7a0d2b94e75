/** docs/errors.md and the code say the same of every code. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorCodes, exitCodeOf, isErrorCode, retryClassOf } from '../../src/core/errors.js';

const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const rows = text.split('\n').flatMap((line) => {
  const cells = line.split('|').map((cell) => cell.trim());
  return /^`[a-z-]+`$/.test(cells[1] ?? '') ? [cells.slice(1, -1)] : [];
});

test('the table has every code once, in the order of the code, with its retry class and exit code', () => {
  expect(rows.map(([code, , retried, exit]) => [code, retried, exit])).toEqual(
    errorCodes.map((code) => [`\`${code}\``, retryClassOf(code), String(exitCodeOf(code))]),
  );
});

test('each has a meaning and says what to do, and each retry class is explained', () => {
  for (const [code, meaning, retried, , advice] of rows) {
    expect(meaning, code).not.toBe('');
    expect(advice, code).not.toBe('');
    expect(text).toContain(`\n- \`${retried!}\`: `);
  }
});

test('what another process sends is a code only if it is one', () => {
  expect(isErrorCode('network')).toBe(true);
  for (const other of ['', 'toString', 'Network', 'quota']) expect(isErrorCode(other), other).toBe(false);
});
