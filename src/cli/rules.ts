/** Filter flags, in the order of the command line, and the files they name. */
import { readFileSync } from 'node:fs';
import { TowlineError } from '../core/errors.js';
import type { RuleOption } from '../index.js';

/** One `--exclude`, `--include` or `--exclude-from` with its value. */
export interface RuleFlag {
  readonly type: 'exclude' | 'include' | 'exclude-from';
  readonly value: string;
}

/**
 * The rules of these flags, in order, with the lines of `--exclude-from` files in their place.
 * @throws TowlineError `configuration` when a file cannot be read
 */
export function readRules(flags: readonly RuleFlag[]): RuleOption[] {
  return flags.flatMap(({ type, value }): RuleOption[] =>
    type === 'exclude-from' ? rulesOfFile(value) : [{ type, pattern: value, source: `--${type}` }],
  );
}

/** Lines as in .gitignore: `#` begins a comment, `!` brings back what an earlier line left out. */
function rulesOfFile(file: string): RuleOption[] {
  const lines = readText(file)
    .replace(/^\ufeff/, '')
    .split(/\r?\n/);
  return lines
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) =>
      line.startsWith('!')
        ? { type: 'include', pattern: line.slice(1), source: file }
        : { type: 'exclude', pattern: line, source: file },
    );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TowlineError('configuration', `--exclude-from '${file}' cannot be read: ${reason}`, {
      path: file,
      hint: 'Name a readable file with one pattern per line',
      cause,
    });
  }
}
