/**
 * Which paths are left out, by the rules of gitignore(5), from four sources: the command line decides before
 * `.towlineignore` files, these before `.gitignore` files, these before the defaults. Within one source the last rule
 * that matches decides, and a file of a deeper directory before those above it. Below an excluded directory nothing can
 * be brought back.
 */
import ignore, { type Ignore } from 'ignore';
import { droppings as droppingPatterns } from './droppings.js';
import type { Kind } from './entry.js';
import { ancestorsOf, isBelow, join, nameOf, parentOf } from './path.js';
import { isOwnName } from './tempname.js';

/** A rule of the command line, in its order. */
export interface FilterRule {
  readonly type: 'exclude' | 'include';
  /** As a line of .gitignore. */
  readonly pattern: string;
  /** Where it stands: `--exclude`, or the name of a file. */
  readonly source: string;
}

/** The rule that decides about a path. */
export interface DecidingRule {
  readonly pattern: string;
  /** `--exclude`, `app/.gitignore`, `default`, … */
  readonly source: string;
  /** From 1, for rules of a file in the tree. */
  readonly line?: number;
}

export interface Explanation {
  readonly excluded: boolean;
  /** Absent when no rule matches. For a path below an excluded directory: the rule that excludes the directory. */
  readonly rule?: DecidingRule;
}

export interface FilterOptions {
  readonly rules: readonly FilterRule[];
  /** `.git/` and `/towline.json`. What begins with `.towline` is excluded in any case. */
  readonly defaults: boolean;
  /** Editors' droppings (core/droppings.ts). */
  readonly droppings: boolean;
}

export interface RuleFile {
  /** `''` for the root. */
  readonly directory: string;
  readonly name: string;
}

export interface Filter {
  /** Whether this path is left out; never the root (`''`). Cheap for many paths of one directory in a row. */
  excludes(path: string, kind: Kind): boolean;
  /** The same with the reason; slow, for people. */
  explain(path: string, kind: Kind): Explanation;
  /** Takes in a rule file (or its new text). `.towlineignore` decides before files of any other name. */
  addRuleFile(directory: string, name: string, text: string): void;
  removeRuleFile(directory: string, name: string): void;
  has(directory: string, name: string): boolean;
  /** The rule files of this directory and of those below it. */
  ruleFilesBelow(directory: string): RuleFile[];
  /** All rules as one text, the same for the same rules in whatever order their files were found. */
  signature(): string;
}

/** Verdicts of this many directories are remembered; more than a scan has open at once. */
const directoriesMax = 10_000;
/** `ignore` remembers every path it was asked about; after this many it starts afresh. */
const rememberedMax = 5_000;
const ownRule: DecidingRule = { pattern: '.towline*', source: 'always' };

/** One list of rules, relative to one directory. */
interface RuleList {
  readonly directory: string;
  readonly rules: readonly DecidingRule[];
}

const compile = (patterns: readonly string[]): Ignore =>
  ignore({ ignorecase: false }).add(patterns.map((pattern) => ({ pattern })));

/** A pattern that matches this very directory and nothing else. */
const literal = (directory: string): string => `/${directory.replace(/[\\*?[\]!# ]/g, '\\$&')}/`;

/**
 * A list of rules as it applies inside one directory that is not excluded. `ignore` excludes all that lies below a
 * directory its rules match; where a stronger source brought that directory back, it has to be told so.
 */
class Matcher {
  readonly list: RuleList;
  #ignore: Ignore;
  #asked = 0;

  constructor(list: RuleList, rules: Ignore) {
    this.list = list;
    this.#ignore = rules;
  }

  /** What the last matching rule says, or null when none matches. Ancestors are taken as not excluded. */
  verdict(path: string, kind: Kind): 'exclude' | 'include' | null {
    if (++this.#asked > rememberedMax) {
      this.#ignore = ignore({ ignorecase: false }).add(this.#ignore);
      this.#asked = 0;
    }
    const { ignored, unignored } = this.#ignore.test(this.#relative(path, kind));
    return ignored ? 'exclude' : unignored ? 'include' : null;
  }

  /** The matcher for inside `directory`, which is not excluded on the whole, whatever these rules say. */
  inside(directory: string): Matcher {
    if (this.verdict(directory, 'directory') !== 'exclude') return this;
    const reopened = compile([`!${literal(this.#relative(directory, 'file'))}`]);
    return new Matcher(this.list, ignore({ ignorecase: false }).add([this.#ignore, reopened]));
  }

  /** The last rule that matches. */
  rule(path: string, kind: Kind): DecidingRule | undefined {
    const relative = this.#relative(path, kind);
    const above = ancestorsOf(relative.replace(/\/$/, '')).map((one) => `!${literal(one)}`);
    return this.list.rules.findLast(({ pattern }) => {
      const positive = pattern.startsWith('!') ? pattern.slice(1) : pattern;
      return !pattern.startsWith('#') && compile([positive, ...above]).ignores(relative);
    });
  }

  #relative(path: string, kind: Kind): string {
    const { directory } = this.list;
    const relative = directory === '' ? path : path.slice(directory.length + 1);
    return kind === 'directory' ? `${relative}/` : relative;
  }
}

/** What is known of a directory: it is excluded, or the matchers that apply inside, strongest first. */
type DirectoryVerdict = { readonly excluded: true } | { readonly excluded: false; readonly matchers: readonly Matcher[] };

interface LoadedFile extends RuleFile {
  readonly text: string;
  readonly matcher: Matcher;
}

class RuleFilter implements Filter {
  readonly #options: FilterOptions;
  readonly #strongest: Matcher;
  readonly #weakest: Matcher;
  /** By directory, in order of names. */
  readonly #files = new Map<string, LoadedFile[]>();
  readonly #directories = new Map<string, DirectoryVerdict>();

  constructor(options: FilterOptions) {
    this.#options = options;
    this.#strongest = matcherOf({ directory: '', rules: options.rules.map(commandLineRule) });
    this.#weakest = matcherOf({ directory: '', rules: defaultRules(options) });
  }

  excludes(path: string, kind: Kind): boolean {
    if (path === '') return false;
    const directory = this.#verdictOf(parentOf(path) ?? '');
    if (directory.excluded || isOwnName(path)) return true;
    for (const matcher of directory.matchers) {
      const verdict = matcher.verdict(path, kind);
      if (verdict !== null) return verdict === 'exclude';
    }
    return false;
  }

  explain(path: string, kind: Kind): Explanation {
    const above = ancestorsOf(path).find((directory) => this.excludes(directory, 'directory'));
    if (above !== undefined) return this.explain(above, 'directory');
    if (path === '') return { excluded: false };
    if (isOwnName(path)) return { excluded: true, rule: ownRule };
    const directory = this.#verdictOf(parentOf(path) ?? '');
    const matchers = directory.excluded ? [] : directory.matchers;
    const deciding = matchers.find((matcher) => matcher.verdict(path, kind) !== null);
    const rule = deciding?.rule(path, kind);
    return { excluded: deciding?.verdict(path, kind) === 'exclude', ...(rule !== undefined && { rule }) };
  }

  addRuleFile(directory: string, name: string, text: string): void {
    const others = this.#files.get(directory) ?? [];
    if (others.some((file) => file.name === name && file.text === text)) return;
    const matcher = matcherOf({ directory, rules: linesOf(directory, name, text) });
    const files = [...others.filter((file) => file.name !== name), { directory, name, text, matcher }];
    this.#files.set(directory, files.sort((a, b) => (a.name < b.name ? -1 : 1)));
    this.#forget(directory);
  }

  removeRuleFile(directory: string, name: string): void {
    const files = this.#files.get(directory) ?? [];
    const left = files.filter((file) => file.name !== name);
    if (left.length === 0) this.#files.delete(directory);
    else this.#files.set(directory, left);
    this.#forget(directory);
  }

  has(directory: string, name: string): boolean {
    return this.#files.get(directory)?.some((file) => file.name === name) ?? false;
  }

  ruleFilesBelow(directory: string): RuleFile[] {
    return [...this.#files.entries()]
      .filter(([other]) => other === directory || isBelow(other, directory))
      .flatMap(([, files]) => files.map(({ name, directory: other }) => ({ directory: other, name })));
  }

  signature(): string {
    const files = [...this.#files.values()].flat().map(({ directory, name, text }) => [directory, name, text]);
    const sorted = files.map((file) => JSON.stringify(file)).sort();
    const { rules, defaults } = this.#options;
    const commandLine = rules.map(({ type, pattern }) => [type, pattern]);
    return JSON.stringify([commandLine, sorted, defaults, this.#weakest.list.rules.map(({ pattern }) => pattern)]);
  }

  #verdictOf(directory: string): DirectoryVerdict {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const verdict = this.#judge(directory);
    if (this.#directories.size >= directoriesMax) this.#directories.clear();
    this.#directories.set(directory, verdict);
    return verdict;
  }

  #judge(directory: string): DirectoryVerdict {
    const matchers: Matcher[] = [];
    if (directory === '') matchers.push(this.#strongest, this.#weakest);
    else {
      if (this.excludes(directory, 'directory')) return { excluded: true };
      const parent = this.#verdictOf(parentOf(directory) ?? '');
      if (!parent.excluded) matchers.push(...parent.matchers.map((matcher) => matcher.inside(directory)));
    }
    for (const { matcher } of this.#files.get(directory) ?? []) insert(matchers, matcher);
    return { excluded: false, matchers };
  }

  /** What was remembered of a directory whose rules changed, and of all below it. */
  #forget(directory: string): void {
    for (const known of this.#directories.keys()) {
      if (known === directory || isBelow(known, directory)) this.#directories.delete(known);
    }
  }
}
