/** Filter flags, in the order of the command line, and the files they name. */
import { readRuleFile } from '../config/rule-file.js';
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
    type === 'exclude-from'
      ? readRuleFile(value, '--exclude-from')
      : [{ type, pattern: value, source: `--${type}` }],
  );
}
