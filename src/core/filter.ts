/**
 * Which paths are left out, by the rules of gitignore(5), from four origins: the command line decides before
 * `.towlineignore` files, these before `.gitignore` files, these before the defaults. Within one origin the last rule
 * that matches decides, and a file of a deeper directory before those above it. Below an excluded directory nothing can
 * be brought back.
 */
import ignore, { type Ignore } from 'ignore';
import type { Kind } from './entry.js';
import {
  type FilterRule,
  type Rule,
  type RuleList,
  commandLineRules,
  defaultRules,
  fileRules,
  ownNamesRule,
} from './filter-rules.js';
import { ancestorsOf, isBelow, parentOf } from './path.js';
import { isOwnName } from './tempname.js';

export interface FilterOptions {
  /** Of the command line, in its order. */
  readonly rules: readonly FilterRule[];
  /** `.git/` and `/towline.json`. What begins with `.towline` is excluded in any case. */
  readonly defaults: boolean;
  /** Editors' droppings (core/droppings.ts). */
  readonly droppings: boolean;
  /** Letters match without regard to case: for a side that folds them. Default: false. */
  readonly ignoreCase?: boolean;
}

export interface Explanation {
  readonly excluded: boolean;
  /** Absent when no rule matches. For a path below an excluded directory: the rule that excludes the directory. */
  readonly rule?: Rule;
  /** The excluded directory above, where it is that which decides. */
  readonly above?: string;
}

export interface Filter {
  /** Whether this path is left out; never the root (`''`). Cheap for many paths of one directory in a row. */
  excludes(path: string, kind: Kind): boolean;
  /** The same with the reason; slow, for people. */
  explain(path: string, kind: Kind): Explanation;
  /** Takes in a rule file, or its new text. `.towlineignore` decides before files of any other name. */
  addRuleFile(directory: string, name: string, text: string): void;
  /** All rules as one text: the same for the same rules, in whatever order their files were found. */
  signature(): string;
}

/** A filter with these rules and no rule files yet. */
export function createFilter(options: FilterOptions): Filter {
  return new RuleFilter(options);
}

/** Verdicts of so many directories are remembered: far more than a scan has open at once. */
const directoriesMax = 10_000;
/** `ignore` remembers every path it was asked about; after so many it starts afresh. */
const rememberedMax = 5_000;

const compile = (patterns: readonly string[], ignorecase: boolean): Ignore =>
  ignore({ ignorecase }).add(patterns.map((pattern) => ({ pattern })));

const join = (rules: readonly Ignore[], ignorecase: boolean): Ignore => ignore({ ignorecase }).add(rules);

/** The same line without its `!`. A second `!`, or a `#` behind it, belongs to the name. */
const positive = (pattern: string): string =>
  pattern.startsWith('!') ? pattern.slice(1).replace(/^[!#]/, '\\$&') : pattern;

/** A rule that brings back this very directory and matches nothing else. */
const reopening = (directory: string): string => `!/${directory.replace(/[\\*?[\]]/g, '\\$&')}/`;

/**
 * A list of rules as it applies inside one directory that is not excluded. `ignore` excludes all that lies below a
 * directory its own rules match; where stronger rules brought that directory back, it has to be told so.
 */
class Matcher {
  readonly list: RuleList;
  readonly #ignoreCase: boolean;
  #compiled: Ignore;
  #asked = 0;

  constructor(list: RuleList, ignoreCase: boolean, compiled?: Ignore) {
    this.list = list;
    this.#ignoreCase = ignoreCase;
    this.#compiled = compiled ?? this.#compile(list.rules.map(({ pattern }) => pattern));
  }

  /** What the last rule that matches says, or null when none does. The directories above are not excluded. */
  verdict(path: string, kind: Kind): 'exclude' | 'include' | null {
    if (++this.#asked > rememberedMax) {
      this.#compiled = join([this.#compiled], this.#ignoreCase);
      this.#asked = 0;
    }
    const { ignored, unignored } = this.#compiled.test(this.#relative(path, kind));
    return ignored ? 'exclude' : unignored ? 'include' : null;
  }

  /** The same list for inside `directory`, which is not excluded, whatever this list alone would say. */
  inside(directory: string): Matcher {
    if (this.verdict(directory, 'directory') !== 'exclude') return this;
    const reopened = this.#compile([reopening(this.#relative(directory, 'file'))]);
    return new Matcher(this.list, this.#ignoreCase, join([this.#compiled, reopened], this.#ignoreCase));
  }

  /** The last rule that matches: found by trying each one alone. */
  rule(path: string, kind: Kind): Rule | undefined {
    const reopened = ancestorsOf(this.#relative(path, 'file')).map(reopening);
    const relative = this.#relative(path, kind);
    return this.list.rules.findLast(({ pattern }) =>
      this.#compile([positive(pattern), ...reopened]).ignores(relative),
    );
  }

  #compile(patterns: readonly string[]): Ignore {
    return compile(patterns, this.#ignoreCase);
  }

  #relative(path: string, kind: Kind): string {
    const { directory } = this.list;
    const relative = directory === '' ? path : path.slice(directory.length + 1);
    return kind === 'directory' ? `${relative}/` : relative;
  }
}

/** What is known of a directory: `null` when it is excluded, else what applies inside, strongest first. */
type DirectoryVerdict = readonly Matcher[] | null;

interface LoadedFile {
  /** `''` for the root. */
  readonly directory: string;
  readonly name: string;
  readonly text: string;
  readonly matcher: Matcher;
}

class RuleFilter implements Filter {
  readonly #rules: readonly FilterRule[];
  readonly #ignoreCase: boolean;
  readonly #commandLine: Matcher;
  readonly #defaults: Matcher;
  /** By directory, in order of names. */
  readonly #files = new Map<string, LoadedFile[]>();
  readonly #directories = new Map<string, DirectoryVerdict>();

  constructor(options: FilterOptions) {
    this.#rules = options.rules;
    this.#ignoreCase = options.ignoreCase ?? false;
    this.#commandLine = new Matcher(commandLineRules(options.rules), this.#ignoreCase);
    this.#defaults = new Matcher(defaultRules(options), this.#ignoreCase);
  }

  excludes(path: string, kind: Kind): boolean {
    if (path === '') return false;
    const matchers = this.#inside(parentOf(path)!);
    if (matchers === null || isOwnName(path)) return true;
    for (const matcher of matchers) {
      const verdict = matcher.verdict(path, kind);
      if (verdict !== null) return verdict === 'exclude';
    }
    return false;
  }

  explain(path: string, kind: Kind): Explanation {
    if (path === '') return { excluded: false };
    const above = ancestorsOf(path).find((directory) => this.excludes(directory, 'directory'));
    if (above !== undefined) return { ...this.explain(above, 'directory'), above };
    if (isOwnName(path)) return { excluded: true, rule: ownNamesRule };
    for (const matcher of this.#inside(parentOf(path)!) ?? []) {
      const verdict = matcher.verdict(path, kind);
      if (verdict === null) continue;
      // What a default does not leave out is as if no rule matched: `!*/` only spares directories from those before it.
      if (verdict === 'include' && matcher.list === this.#defaults.list) continue;
      const rule = matcher.rule(path, kind);
      return { excluded: verdict === 'exclude', ...(rule !== undefined && { rule }) };
    }
    return { excluded: false };
  }

  addRuleFile(directory: string, name: string, text: string): void {
    const files = this.#files.get(directory) ?? [];
    if (files.some((file) => file.name === name && file.text === text)) return;
    const matcher = new Matcher(fileRules(directory, name, text), this.#ignoreCase);
    const others = files.filter((file) => file.name !== name);
    const all = [...others, { directory, name, text, matcher }].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#files.set(directory, all);
    this.#forget(directory);
  }

  signature(): string {
    const files = [...this.#files.values()].flat();
    return JSON.stringify({
      commandLine: this.#rules.map(({ type, pattern }) => [type, pattern]),
      files: files.map(({ directory, name, text }) => JSON.stringify([directory, name, text])).sort(),
      defaults: this.#defaults.list.rules.map(({ pattern }) => pattern),
      ...(this.#ignoreCase && { ignoreCase: true }),
    });
  }

  #inside(directory: string): DirectoryVerdict {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const verdict = this.#judge(directory);
    if (this.#directories.size >= directoriesMax) this.#directories.clear();
    this.#directories.set(directory, verdict);
    return verdict;
  }

  #judge(directory: string): DirectoryVerdict {
    if (this.excludes(directory, 'directory')) return null;
    const parent = parentOf(directory);
    const matchers =
      parent === null
        ? [this.#commandLine, this.#defaults].filter(({ list }) => list.rules.length > 0)
        : (this.#inside(parent) ?? []).map((matcher) => matcher.inside(directory));
    for (const { matcher } of this.#files.get(directory) ?? []) {
      // Behind what is stronger, ahead of the files of the directories above.
      const weaker = matchers.findIndex(({ list }) => list.rank >= matcher.list.rank);
      matchers.splice(weaker === -1 ? matchers.length : weaker, 0, matcher);
    }
    return matchers;
  }

  /** Drops what was remembered of a directory whose rules changed, and of those below it. */
  #forget(directory: string): void {
    for (const known of this.#directories.keys()) {
      if (known === directory || isBelow(known, directory)) this.#directories.delete(known);
    }
  }
}
