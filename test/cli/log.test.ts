import { expect, test } from 'vitest';
import { jsonLog, levelOf, textLog } from '../../src/cli/log.js';
import { TowlineError } from '../../src/core/errors.js';

const flags = { json: false, verbose: 0, quiet: false };

test('levels follow -v and -q', () => {
  expect(levelOf(flags, 'info')).toBe('info');
  expect(levelOf({ ...flags, quiet: true }, 'info')).toBe('warn');
  expect(levelOf({ ...flags, quiet: true }, 'error')).toBe('error');
  expect(levelOf({ ...flags, verbose: 1 }, 'warn')).toBe('info');
  expect(levelOf({ ...flags, verbose: 9 }, 'warn')).toBe('debug');
});

test('lines for the journal begin with their priority', () => {
  const lines: string[] = [];
  const output = { write: (line: string) => lines.push(line) > 0, isTTY: false, columns: () => 80 };
  for (const isJournal of [true, false]) {
    const log = jsonLog({ ...output, isJournal }, 'debug');
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level](level);
  }
  expect(lines.map((line) => line.slice(0, line.indexOf('{')))).toEqual([
    ...['<3>', '<4>', '<6>', '<7>'],
    ...['', '', '', ''],
  ]);
});

test('errors are logged by code and message, without their causes, and secrets not at all', () => {
  const lines: string[] = [];
  const output = { write: (line: string) => lines.push(line) > 0, isTTY: false, columns: () => 80 };
  const error = new TowlineError('network', 'gone', {
    cause: Object.assign(new Error('c'), { key: 'hunter2' }),
  });
  const log = jsonLog(output, 'info');
  log.warn('lost', { error, password: 'hunter2', ssh: { passphrase: 'hunter2' } });
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    msg: 'lost',
    error: { code: 'network', message: 'gone' },
  });
});

test('a log for people is one line each', () => {
  const lines: string[] = [];
  const log = textLog({ out: () => undefined, err: (text) => lines.push(text) }, 'info');
  log.info('probed', { host: 'box', space: 12, error: new TowlineError('network', 'gone') });
  log.debug('not shown');
  expect(lines).toEqual(['info: probed host=box space=12 error={"code":"network","message":"gone"}']);
});
