import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandLine } from '../../src/ssh/exec-script.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { allProcesses } from '../support/processes.js';

/** Those of the shells an account may have that are here. */
const shells = ['dash', 'bash', 'bash --posix', 'busybox sh', 'ksh', 'zsh', 'mksh'].filter((shell) =>
  existsSync(`/bin/${shell.split(' ')[0]!}`),
);

/** As sshd does it: the account's shell gets the line, in a session of its own. */
function start(shell: string, line: string): ChildProcess {
  const folder = freshFolder('shell');
  const sh = join(folder, 'sh');
  writeFileSync(sh, `#!/bin/sh\nexec /bin/${shell} "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, SHELL: sh, PATH: `${folder}:${process.env.PATH ?? ''}` };
  return spawn(sh, ['-c', line], { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
}

async function finished(
  child: ChildProcess,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('there is a shell to test with', () => {
  expect(shells).not.toEqual([]);
});

test.each(shells)('under %s a command gets what it needs and gives what it has', async (shell) => {
  const stdin = "one\nit's\n\n";
  const options = { stdinBytes: stdin.length, directory: '/', environment: { WORDS: `'a' "b" $c \`d\`` } };
  const child = start(shell, commandLine(`cat; pwd; echo "$WORDS"; echo 'err' >&2; exit 5`, options));
  child.stdin!.write(stdin);
  expect(await finished(child)).toEqual({
    code: 5,
    stdout: `${stdin}/\n'a' "b" $c \`d\`\n`,
    stderr: 'err\n',
  });
});

test.each(shells)('under %s a deaf command goes with its lifeline', async (shell) => {
  const file = join(freshFolder('shell'), 'pid');
  const command = `trap '' TERM HUP; echo $$ > ${file}; while :; do sleep 1; done`;
  const child = start(shell, commandLine(command, { stdinBytes: 200_000, directory: '/', environment: {} }));
  child.stdin!.write('x'.repeat(200_000));
  const pid = await eventually(() => {
    const found = Number(readFileSync(file, 'utf8'));
    if (!(found > 0)) throw new Error('not yet');
    return found;
  });
  child.stdin!.end();
  await finished(child);
  await eventually(() => expect(allProcesses().some((one) => one.pid === pid)).toBe(false));
});

test.each(shells)('under %s a command that was told only a part does not run', async (shell) => {
  const file = join(freshFolder('shell'), 'ran');
  const child = start(
    shell,
    commandLine(`touch ${file}`, { stdinBytes: 10, directory: '/', environment: {} }),
  );
  child.stdin!.end('part');
  expect((await finished(child)).code).toBe(126);
  expect(existsSync(file)).toBe(false);
});
