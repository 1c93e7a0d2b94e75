import { realpathSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CommandRun } from '../../src/ports.js';
import { runLocalCommand } from '../../src/serve/local-command.js';
import { systemClock } from '../../src/system-clock.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { allProcesses } from '../support/processes.js';

function run(command: string, changes: Partial<CommandRun> = {}, directory = freshFolder('command')) {
  return runLocalCommand(
    directory,
    {
      command,
      stdin: '',
      environment: {},
      timeoutMs: 20_000,
      signal: new AbortController().signal,
      onOutput: () => undefined,
      ...changes,
    },
    systemClock,
  );
}

function pidIn(file: string): Promise<number> {
  return eventually(() => {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!(pid > 0)) throw new Error('not yet');
    return pid;
  });
}

function isGone(pid: number): Promise<void> {
  return eventually(() => expect(allProcesses().some((one) => one.pid === pid)).toBe(false));
}

const stubborn = (file: string) =>
  `(trap '' TERM HUP; echo $$ > ${file}; while :; do sleep 1; done) & wait; sleep 1000`;

test('a command runs in the folder, reads what it is given, and its end is told', async () => {
  const folder = freshFolder('command');
  const heard: string[] = [];
  const result = await run(
    'pwd; cat; echo "$TOWLINE_TEST" >&2; exit 3',
    {
      stdin: 'a b\nü\n',
      environment: { TOWLINE_TEST: 'yes' },
      onOutput: (output, text) => heard.push(`${output} ${text}`),
    },
    folder,
  );
  expect(result).toEqual({
    code: 3,
    signal: null,
    timedOut: false,
    stdout: `${realpathSync(folder)}\na b\nü\n`,
    stderr: 'yes\n',
  });
  expect(heard.join('')).toContain('stderr yes');
});

test('a command need not read', async () => {
  expect(await run('exit 0', { stdin: 'x\n'.repeat(500_000) })).toMatchObject({ code: 0 });
});

test('a command that cannot be started says so', async () => {
  await expect(run('true', {}, '/nowhere/at/all')).rejects.toMatchObject({ code: 'unsupported' });
  expect(await run('no-such-command-here')).toMatchObject({ code: 127 });
});

test('a signal is told', async () => {
  expect(await run('kill -SEGV $$')).toMatchObject({ code: null, signal: 'SEGV', timedOut: false });
});

test('what takes too long goes, with all it started', async () => {
  const file = join(freshFolder('command'), 'pid');
  expect(await run(stubborn(file), { timeoutMs: 2_000 })).toMatchObject({ code: null, timedOut: true });
  await isGone(await pidIn(file));
});

test('what is called off goes at once', async () => {
  const file = join(freshFolder('command'), 'pid');
  const stop = new AbortController();
  const running = run(stubborn(file), { signal: stop.signal });
  const pid = await pidIn(file);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
  await isGone(pid);
});

test('something left in the background keeps nobody waiting', async () => {
  const file = join(freshFolder('command'), 'pid');
  expect(await run(`sleep 1000 & echo $! > ${file}`)).toMatchObject({ code: 0 });
  const pid = await pidIn(file);
  expect(allProcesses().some((one) => one.pid === pid)).toBe(true);
  process.kill(pid);
});
