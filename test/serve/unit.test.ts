import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unitPair, userUnit } from '../../src/serve/unit.js';
import { freshFolder } from '../support/folder.js';

const template = join(dirname(dirname(import.meta.dirname)), 'systemd', 'towline@.service');
const canVerify = spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status === 0;

const parts = {
  description: 'Towline: ./app to box:/srv/app',
  folder: '/home/a user',
  command: [process.execPath, '/opt/towline/dist/cli/main.js', 'watch', './app', 'box:/srv/app'],
  pair: 'app-box-0123456789abcdef',
};

/** The command line of a unit. */
function exec(command: readonly string[]): string | undefined {
  return /^ExecStart=(.*)$/m.exec(userUnit({ ...parts, command }))?.[1];
}

test('a unit says which pair it is for', () => {
  expect(unitPair(userUnit(parts))).toBe(parts.pair);
  expect(unitPair('[Unit]\nDescription=Somebody else\n')).toBeNull();
});

test.each([
  ['plain-1.2/3:4@5=6,7', 'plain-1.2/3:4@5=6,7'],
  ['', '""'],
  ['two words', '"two words"'],
  ['*.log', '"*.log"'],
  ['50%', '"50%%"'],
  ['$HOME and ${HOME}', '"$$HOME and $${HOME}"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['line\nbreak\ttab', '"line\\x0abreak\\x09tab"'],
  ["it's", '"it\'s"'],
  ['ä', '"ä"'],
])('%j becomes the word %s', (text, word) => {
  expect(exec(['/bin/x', text])).toBe(`/bin/x ${word}`);
});

test('percent signs elsewhere are no specifiers, and what systemd would cut is refused', () => {
  expect(userUnit({ ...parts, folder: '/a%b' })).toContain('WorkingDirectory=/a%%b\n');
  expect(() => userUnit({ ...parts, folder: '/a\nExecStart=/bin/sh' })).toThrow(/cannot stand in/);
  expect(() => userUnit({ ...parts, folder: '/a\\' })).toThrow(/cannot stand in/);
});

describe.skipIf(!canVerify)('systemd-analyze verify', () => {
  const verify = (file: string) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}` };
  };

  test('passes the template of the system service', () => {
    expect(verify(template)).toEqual({ status: 0, output: '' });
  });

  test('passes a unit for a user, with names that need quoting', () => {
    const file = join(freshFolder('unit'), 'towline-app.service');
    const command = [...parts.command, '--exclude', '*.log', '--max-delete', '50%', '-i', '~/my "key"'];
    writeFileSync(file, userUnit({ ...parts, folder: '/', command }));
    expect(verify(file)).toEqual({ status: 0, output: '' });
  });
});
