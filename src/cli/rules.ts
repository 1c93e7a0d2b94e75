/** Filter flags, in the order of the command line, and the files they name. */
import { readFilterFile, readRuleFile } from '../config/rule-file.js';
import type { RuleOption } from '../index.js';

/** A filter flag with its value. */
export interface RuleFlag {
  readonly type: 'exclude' | 'include' | 'exclude-up' | 'exclude-down' | 'exclude-from' | 'filter-from';
  readonly value: string;
}

/**
 * The rules of these flags, in order, with the lines of files in their place.
 * @throws TowlineError `configuration` when a file cannot be read, or holds what is no rule
 */
export function readRules(flags: readonly RuleFlag[]): RuleOption[] {
  return flags.flatMap(rulesOf);
}

function rulesOf({ type, value }: RuleFlag): RuleOption[] {
  const source = `--${type}`;
  switch (type) {
    case 'exclude-from':
      return readRuleFile(value, source);
    case 'filter-from':
      return readFilterFile(value, source);
    case 'exclude':
    case 'include':
      return [{ type, pattern: value, source }];
    case 'exclude-up':
      return [{ type: 'exclude', pattern: value, source, only: 'up' }];
    case 'exclude-down':
      return [{ type: 'exclude', pattern: value, source, only: 'down' }];
  }
}
