/** The rules of a filter as text, before they are compiled: each one a line of gitignore(5) with its origin. */
import { droppings } from './droppings.js';
import { join } from './path.js';

/** A rule of the command line. */
export interface FilterRule {
  readonly type: 'exclude' | 'include';
  /** As a line of .gitignore. */
  readonly pattern: string;
  /** Where it stands: `--exclude`, or the name of a file. */
  readonly source: string;
  /** From 1; where it stands in a file. */
  readonly line?: number;
}

/** One line of gitignore(5) and where it comes from. */
export interface Rule {
  /** With its `!`, when it brings back what an earlier line excludes. */
  readonly pattern: string;
  /** `--exclude`, `app/.gitignore`, `default`, … */
  readonly source: string;
  /** From 1; where it stands in a file. */
  readonly line?: number;
}

/** Rules of one origin in their order, relative to one directory (`''`: the root). */
export interface RuleList {
  readonly directory: string;
  /** Lists of a lower rank decide first. */
  readonly rank: number;
  readonly rules: readonly Rule[];
}

const ranks = { commandLine: 0, towlineignore: 1, otherFile: 2, defaults: 3 };

/** The one rule that no other can outdo. */
export const ownNamesRule: Rule = { pattern: '.towline*', source: 'always' };

/** The rules of the command line. A pattern that begins with `#` is no comment there. */
export function commandLineRules(rules: readonly FilterRule[]): RuleList {
  return {
    directory: '',
    rank: ranks.commandLine,
    rules: rules.map(({ type, pattern, source, line }) => {
      const place = { source, ...(line !== undefined && { line }) };
      if (type === 'include') return { pattern: `!${pattern}`, ...place };
      return { pattern: pattern.startsWith('#') ? `\\${pattern}` : pattern, ...place };
    }),
  };
}

/** The rules of one rule file. Blank lines and comments are left out; the numbers of the others are kept. */
export function fileRules(directory: string, name: string, text: string): RuleList {
  const source = join(directory, name);
  const rules = text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, index) => ({ pattern: line.replace(/\r$/, ''), source, line: index + 1 }));
  return {
    directory,
    rank: name === '.towlineignore' ? ranks.towlineignore : ranks.otherFile,
    rules: rules.filter(({ pattern }) => pattern !== '' && !pattern.startsWith('#')),
  };
}

/** The rules nobody has to write down. */
export function defaultRules(wanted: { readonly defaults: boolean; readonly droppings: boolean }): RuleList {
  const patterns = [
    ...(wanted.droppings ? droppings.map((pattern) => ({ pattern, source: "editors' droppings" })) : []),
    ...(wanted.defaults ? ['.git/', '/towline.json'].map((pattern) => ({ pattern, source: 'default' })) : []),
  ];
  return { directory: '', rank: ranks.defaults, rules: patterns };
}
