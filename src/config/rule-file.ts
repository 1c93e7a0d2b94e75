/** Files of filter rules (`--exclude-from`, `excludeFrom`; `--filter-from`, `filterFrom`). */
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
  return linesOf(file, origin)
    .filter(({ text }) => !text.startsWith('#'))
    .map(({ text, line }) =>
      text.startsWith('!')
        ? { type: 'include', pattern: text.slice(1), source: file, line }
        : { type: 'exclude', pattern: text, source: file, line },
    );
}

/**
 * The rules of a file of `+ PATTERN` and `- PATTERN`, in order. Lines that begin with `#` or `;` are comments, as in a
 * merge file of rsync; of the rules that match the last one decides, as everywhere here.
 * @param origin where the file was named, for the message: `--filter-from`
 * @throws TowlineError `configuration` when it cannot be read, or a line is neither
 */
export function readFilterFile(file: string, origin: string): RuleOption[] {
  return linesOf(file, origin)
    .filter(({ text }) => !/^\s*[#;]/.test(text))
    .map(({ text, line }) => {
      const match = /^\s*([+-])[ \t]+(.*\S.*)$/.exec(text);
      if (match === null) throw notARule(file, line);
      return { type: match[1] === '+' ? 'include' : 'exclude', pattern: match[2]!, source: file, line };
    });
}

/** The line itself is not shown: the file may be one that was never meant. */
function notARule(file: string, line: number): TowlineError {
  return new TowlineError('configuration', `${file}:${String(line)} is no filter rule`, {
    path: file,
    hint: "Write '- PATTERN' to leave out, '+ PATTERN' to bring back, '# …' for a comment",
  });
}

/** The lines that hold something, with their numbers. */
function linesOf(file: string, origin: string): { readonly text: string; readonly line: number }[] {
  return readText(file, origin)
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text.trim() !== '');
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
