/** The user's commands, and what is told of their runs. */
import type { Side } from '../core/entry.js';
import { LineCutter } from '../core/output.js';
import type { CommandResult, Log } from '../ports.js';

const linesLoggedMax = 1_000;

/** What the user wants to be run. */
export interface Hook {
  readonly command: string;
  readonly where: Side;
  /** Lines of gitignore(5); none: it runs after every batch. */
  readonly patterns: readonly string[];
  readonly timeoutSeconds: number;
}

/** Why a run counts as failed, in a sentence, or `null` when it did not. */
export function failureOf({ command, where, timeoutSeconds }: Hook, result: CommandResult): string | null {
  const { code, signal, timedOut, stdout, stderr } = result;
  if (code === 0 && !timedOut) return null;
  const how = timedOut
    ? `was ended after ${String(timeoutSeconds)} s`
    : code === null
      ? `was ended by ${signal ?? 'a signal'}`
      : `failed with exit code ${String(code)}`;
  const place = where === 'remote' ? ' on the server' : '';
  const last = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').at(-1) ?? '';
  return `the command after the sync ${how}${place}, '${command}'${last === '' ? '' : `: ${last.slice(0, 500)}`}`;
}

/** Writes what a command says to the log, line by line. */
export class OutputLog {
  readonly #log: Log;
  readonly #hook: Hook;
  readonly #cutters = { stdout: new LineCutter(), stderr: new LineCutter() };
  #lines = 0;

  constructor(log: Log, hook: Hook) {
    this.#log = log;
    this.#hook = hook;
  }

  add(output: 'stdout' | 'stderr', text: string): void {
    this.#write(output, this.#cutters[output].add(text));
  }

  end(): void {
    this.#write('stdout', this.#cutters.stdout.end());
    this.#write('stderr', this.#cutters.stderr.end());
  }

  #write(output: 'stdout' | 'stderr', lines: readonly string[]): void {
    const { command, where } = this.#hook;
    for (const line of lines) {
      if (++this.#lines > linesLoggedMax + 1) return;
      const text = this.#lines > linesLoggedMax ? '(the rest of its output is left out)' : line;
      this.#log[output === 'stderr' ? 'warn' : 'info'](text, { command, where });
    }
  }
}
