import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { towlineFile } from './towline.js';

/** util-linux's `script` gives a command a terminal; elsewhere it takes other arguments. */
export const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script');

/** What the person at the terminal does: waits for a text, then types (`\r` ends a line, `\u0003` is Ctrl-C) or acts. */
export interface Exchange {
  readonly see: string;
  readonly type?: string;
  readonly act?: () => void;
}

/** Runs our command on a terminal, with a person at it, and returns all that was to be seen there. */
export async function atTerminal(
  args: readonly string[],
  exchanges: readonly Exchange[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<{ code: number | null; text: string }> {
  const quoted = [process.execPath, towlineFile, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  // What the terminal is like afterwards is shown, too.
  // Ctrl-C is for our command, and not for the shell around it.
  const line = `trap : INT; ${quoted.join(' ')}; code=$?; stty -a | grep -o -e ' -\\?echo '; exit $code`;
  const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const left = [...exchanges];
  let text = '';
  let from = 0;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    for (let next = left[0]; next !== undefined; next = left[0]) {
      const at = text.indexOf(next.see, from);
      if (at === -1) return;
      from = at + next.see.length;
      left.shift();
      next.act?.();
      if (next.type !== undefined) child.stdin.write(next.type);
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  child.stdin.destroy();
  if (left.length > 0) throw new Error(`'${left[0]!.see}' was not seen:\n${text}`);
  return { code, text };
}
