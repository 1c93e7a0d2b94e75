import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Screen } from '../cli/screen.js';
import { startSshd } from '../support/sshd.js';
import { freshPair, towline, towlineFile } from '../support/towline.js';

/** util-linux's `script` gives a command a terminal; elsewhere it takes other arguments. */
const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script');

/** Runs the command on a terminal and returns all that it wrote there. */
async function onTerminal(args: readonly string[]) {
  const quoted = [process.execPath, towlineFile, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const child = spawn('/usr/bin/script', ['-qec', `exec ${quoted.join(' ')}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let shown = false;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    shown ||= /of \d+ files/.test(text);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const screen = new Screen(100);
  screen.write(text);
  return { code, text, shown, lines: screen.lines };
}

test.runIf(hasScript)('on a terminal a line lives while files are sent, and is gone at the end', async () => {
  const sshd = await startSshd();
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'folder'));
  for (const name of ['a', 'b', 'folder/c']) writeFileSync(join(pair.local, name), randomBytes(2 ** 18));
  const args = ['push', pair.local, pair.target, ...pair.flags, '--bwlimit', '512'];
  const live = await onTerminal(args);
  expect(live).toMatchObject({ code: 0, shown: true });
  expect(live.lines).toEqual([expect.stringMatching(/^↑ 3 files, 768 KiB, 1 directory made in /)]);
  expect(live.text).not.toContain('?25l');
  const piped = await towline([...args, '--force', '-v']);
  expect(piped.code).toBe(0);
  expect(piped.stdout + piped.stderr).not.toContain(String.fromCharCode(27));
  await sshd.stop();
});
