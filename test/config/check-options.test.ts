import { expect, test } from 'vitest';
import { checkOptions } from '../../src/config/check-options.js';
import { ConfigurationError } from '../../src/config/problems.js';

const known = ['local', 'remote', 'port', 'delete', 'exclude', 'afterSync', 'maxDelete', 'bwlimit', 'rules'];

function linesOf(options: object, required: readonly string[] = []): readonly string[] {
  try {
    checkOptions(options, known, required);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.code).toBe('configuration');
    return error.lines;
  }
}

test.each([
  { local: 'a', remote: 'box:b', port: 22, delete: true },
  { exclude: 'a' },
  { exclude: ['a', 'b'] },
  { afterSync: { command: 'make' } },
  { afterSync: [{ command: 'make', where: 'remote', patterns: ['*.c'], timeoutSeconds: 5 }] },
  { maxDelete: 5 },
  { maxDelete: '5%' },
  { port: undefined },
  { rules: [] },
  { rules: [{ type: 'exclude', pattern: '*.o' }] },
  { rules: [{ type: 'include', pattern: '*.o', source: 'x', line: 3, only: 'up' }] },
])('%j can be', (options) => {
  expect(linesOf(options)).toEqual([]);
});

test.each([
  [{ dleete: true }, 'dleete: is not a known option. Did you mean delete?'],
  [{ somethingElse: 1 }, `somethingElse: is not a known option. Known: ${known.join(', ')}`],
  [{ port: '22' }, 'port: cannot be "22". Allowed: a whole number from 1 to 65535'],
  [{ delete: 'yes' }, 'delete: cannot be "yes". Allowed: true or false'],
  [{ exclude: [1] }, 'exclude: cannot be [1]. Allowed: a pattern as in .gitignore, or a list of patterns'],
  [{ afterSync: { comand: 'x' } }, 'afterSync: cannot be {"comand":"x"}.'],
  [{ afterSync: {} }, 'afterSync: cannot be {}.'],
  [{ afterSync: null }, 'afterSync: cannot be null.'],
  [{ afterSync: { command: 'make', where: 'here' } }, '"where" being "local" or "remote"'],
  [{ exclude: '' }, 'exclude: cannot be "". Allowed: a pattern as in .gitignore'],
  [{ local: '' }, 'local: cannot be "". Allowed: the path of a folder'],
  [{ local: 'a\0b' }, 'local: cannot be "a\\u0000b".'],
  [{ rules: null }, 'rules: cannot be null. Allowed: a list of rules such as'],
  [{ rules: 'x' }, 'rules: cannot be "x".'],
  [{ rules: [null] }, 'rules: cannot be [null].'],
  [{ rules: [{ type: 'omit', pattern: 'x' }] }, '"type" being "exclude" or "include"'],
  [{ rules: [{ type: 'exclude', pattern: 'x', only: 'left' }] }, '"only" "up" or "down"'],
  [{ rules: [{ pattern: 'x' }] }, 'rules: cannot be'],
  [{ bwlimit: null }, 'bwlimit: cannot be null. Allowed: a number of KiB/s, 1 or more, or 0 for no limit'],
])('%j cannot be', (options, line) => {
  expect(linesOf(options)).toEqual([expect.stringContaining(line)]);
});

test('all mistakes are told at once, those left out too', () => {
  expect(linesOf({ port: [], delet: 1, remote: undefined }, ['local', 'remote'])).toEqual([
    expect.stringContaining('port: cannot be []'),
    expect.stringContaining('Did you mean delete?'),
    expect.stringContaining('local: is missing'),
    expect.stringContaining('remote: is missing'),
  ]);
});
