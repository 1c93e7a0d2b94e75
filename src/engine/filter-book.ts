import type { Kind } from '../core/entry.js';
import { asTowlineError, type TowlineError } from '../core/errors.js';
import { createFilter, type Explanation, type Filter } from '../core/filter.js';
import type { FilterRule } from '../core/filter-rules.js';
import { ancestorsOf, join, nameOf } from '../core/path.js';
import type { Limits } from '../core/policy.js';
import type { Storage } from '../ports.js';

/**
 * The filter in force, with the rule files (`.towlineignore`, `.gitignore`) found so far. The rule files are those of
 * one side (context.ts `rulesSideOf`); a scan fills them in as it meets them, and whoever looks at single paths makes sure of the ones above them first.
 */
export class FilterBook {
  readonly #make: () => Filter;
  readonly #side: Storage;
  readonly ruleFileNames: readonly string[];
  readonly #also: string;
  /**
   * Whether the rules are other ones than in the last run, or may be, until all rule files are read: what the sides never agreed
   * on may have been excluded so far.
   */
  mayHaveChanged = true;
  #filter: Filter;
  /** Directories whose rule files are known. */
  #read = new Set<string>();

  /** @param also what else decides what is left out, as text: part of the signature */
  constructor(make: () => Filter, ruleFileNames: readonly string[], side: Storage, also = '') {
    this.#make = make;
    this.#side = side;
    this.ruleFileNames = ruleFileNames;
    this.#also = also;
    this.#filter = make();
  }

  readonly excludes = (path: string, kind: Kind): boolean => this.#filter.excludes(path, kind);

  /** Which rule decides about a path; the rule files above it have to be known (`ensure`). */
  explain(path: string, kind: Kind): Explanation {
    return this.#filter.explain(path, kind);
  }

  /** Called by a scan of that side for each rule file it meets. */
  readonly found = (directory: string, name: string, text: string): void => {
    this.#filter.addRuleFile(directory, name, text);
  };

  /** Whether a change of this path changes the rules. */
  isRuleFile(path: string): boolean {
    return this.ruleFileNames.includes(nameOf(path));
  }

  /** Forgets all rule files and reads those of the root again. */
  async reset(): Promise<void> {
    this.#filter = this.#make();
    this.#read = new Set();
    this.mayHaveChanged = true;
    const [failure] = (await this.ensure([''])).values();
    if (failure !== undefined) throw failure;
  }

  /**
   * Makes sure that the rule files of the root and of all directories above these paths are known.
   * @returns the paths for which they could not be read: nobody knows whether these are excluded
   */
  async ensure(paths: readonly string[]): Promise<ReadonlyMap<string, TowlineError>> {
    const failures = new Map<string, TowlineError>();
    for (const path of paths) {
      try {
        for (const directory of ['', ...ancestorsOf(path)]) await this.#ensureOne(directory);
      } catch (error) {
        failures.set(path, asTowlineError(error));
      }
    }
    return failures;
  }

  async #ensureOne(directory: string): Promise<void> {
    if (this.#read.has(directory)) return;
    const filter = this.#filter;
    for (const name of this.ruleFileNames) {
      const text = await this.#side.readText(join(directory, name));
      if (text !== null) filter.addRuleFile(directory, name, text);
    }
    // Rules that could not be read are read again the next time.
    if (filter === this.#filter) this.#read.add(directory);
  }

  /** All rules as one stable text. */
  signature(): string {
    return this.#filter.signature() + this.#also;
  }
}

/**
 * The rules a user gave, with the defaults; `side` holds the rule files.
 * @param ignoresCase whether one of the sides takes `Build` for `build`, as far as it is known: asked with each `reset`
 */
export function createFilterBook(
  wishes: {
    readonly rules: readonly FilterRule[];
    readonly gitignore: boolean;
    readonly droppings: boolean;
    readonly limits?: Pick<Limits, 'signature'>;
  },
  side: Storage,
  ignoresCase: () => boolean = () => false,
): FilterBook {
  const { rules, gitignore, droppings, limits } = wishes;
  const names = gitignore ? ['.gitignore', '.towlineignore'] : ['.towlineignore'];
  const make = () => createFilter({ rules, defaults: true, droppings, ignoreCase: ignoresCase() });
  return new FilterBook(make, names, side, limits?.signature);
}
