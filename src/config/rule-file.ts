/** Files of filter rules (`--exclude-from`, `excludeFrom`). */
import { readFileSync } from 'node:fs';
import { TowlineError } from '../core/errors.js';
import type { RuleOption } from './options.js';

/**
 * The rules of a file, in order. Lines as in .gitignore: `#` begins a comment, `!` brings back what an earlier line
 * left out.
 * @param origin where the file was named, for the message: `--exclude-from`
 * @throws TowlineError `configuration` when it cannot be read
 */
export function readRuleFile(file: string, origin: string): RuleOption[] {
  const lines = readText(file, origin)
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

function readText(file: string, origin: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TowlineError('configuration', `${origin} '${file}' cannot be read: ${reason}`, {
      path: file,
      hint: 'Name a readable file with one pattern per line',
      cause,
    });
  }
}
