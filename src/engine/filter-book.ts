import type { Kind } from '../core/entry.js';
import { createFilter, type Filter } from '../core/filter.js';
import type { FilterRule } from '../core/filter-rules.js';
import { ancestorsOf, join, nameOf } from '../core/path.js';
import type { Storage } from '../ports.js';

/**
 * The filter in force, with the rule files (`.towlineignore`, `.gitignore`) found so far. The rule files are those of
 * one side (context.ts `rulesSideOf`); a scan fills them in as it meets them, and whoever looks at single paths makes sure of the ones above them first.
 */
export class FilterBook {
  readonly #make: () => Filter;
  readonly #side: Storage;
  readonly ruleFileNames: readonly string[];
  #filter: Filter;
  /** Directories whose rule files are known. */
  #read = new Set<string>();

  constructor(make: () => Filter, ruleFileNames: readonly string[], side: Storage) {
    this.#make = make;
    this.#side = side;
    this.ruleFileNames = ruleFileNames;
    this.#filter = make();
  }

  readonly excludes = (path: string, kind: Kind): boolean => this.#filter.excludes(path, kind);

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
    await this.ensure(['']);
  }

  /** Makes sure that the rule files of the root and of all directories above these paths are known. */
  async ensure(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      for (const directory of ['', ...ancestorsOf(path)]) {
        if (this.#read.has(directory)) continue;
        this.#read.add(directory);
        for (const name of this.ruleFileNames) {
          const text = await this.#side.readText(join(directory, name));
          if (text !== null) this.#filter.addRuleFile(directory, name, text);
        }
      }
    }
  }

  /** All rules as one stable text. */
  signature(): string {
    return this.#filter.signature();
  }
}

/** The rules a user gave, with the defaults; `side` holds the rule files. */
export function createFilterBook(
  wishes: { readonly rules: readonly FilterRule[]; readonly gitignore: boolean; readonly droppings: boolean },
  side: Storage,
): FilterBook {
  const { rules, gitignore, droppings } = wishes;
  const names = gitignore ? ['.gitignore', '.towlineignore'] : ['.towlineignore'];
  return new FilterBook(() => createFilter({ rules, defaults: true, droppings }), names, side);
}
