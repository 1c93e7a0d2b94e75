import { expect, test } from 'vitest';
import { type ChildRun, runChild } from '../../src/rsync/child.js';
import { systemClock } from '../../src/system-clock.js';
import { allProcesses } from '../support/processes.js';
import { eventually } from '../support/eventually.js';

function shell(
  script: string,
  more: Partial<ChildRun> = {},
): Promise<{ code: number | null; lines: string[]; stderr: string }> {
  const lines: string[] = [];
  return runChild({
    command: 'sh',
    args: ['-c', script],
    env: process.env,
    input: [],
    onLine: (line) => lines.push(line),
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  }).then((end) => ({ ...end, lines }));
}

test('what it is given it may read; what it writes is cut into lines of bytes', async () => {
  const { code, lines, stderr } = await shell('cat; printf "\\344x\\ny"; echo said >&2; exit 3', {
    input: ['a\n', 'b\n'],
  });
  expect({ code, lines, stderr }).toEqual({ code: 3, lines: ['a', 'b', '\xe4x'], stderr: 'said\n' });
});

test('it need not read what it is given', async () => {
  const much = Array.from({ length: 1000 }, () => 'x'.repeat(10_000));
  expect(await shell('exit 0', { input: much })).toMatchObject({ code: 0 });
});

test('only the end of a long complaint is kept', async () => {
  const { stderr } = await shell('head -c 1000000 /dev/zero | tr "\\0" x >&2; echo end >&2');
  expect(stderr.length).toBeLessThan(70_000);
  expect(stderr).toMatch(/x\nend\n$|xend\n$/);
});

test('an abort ends it with all it started', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const lines: string[] = [];
  const running = shell('sleep 1000 & echo $!; wait', {
    signal: stop.signal,
    onLine: (line) => {
      lines.push(line);
      stop.abort(reason);
    },
  });
  await expect(running).rejects.toBe(reason);
  await eventually(() => expect(allProcesses().map(({ pid }) => pid)).not.toContain(Number(lines[0])));
});

test('a list that fails ends it, and is what is told', async () => {
  async function* list(): AsyncGenerator<string> {
    yield await Promise.resolve('first\n');
    throw new Error('the link went');
  }
  await expect(shell('cat; sleep 1000', { input: list() })).rejects.toThrow('the link went');
});

test('a program that is not there', async () => {
  await expect(shell('', { command: '/no/such/program' })).rejects.toMatchObject({ code: 'ENOENT' });
});
