/** The flags that say what is synced. */
import { type Command, Option } from 'commander';
import { compare, compares } from './flag-values.js';
import type { RuleFlag } from './rules.js';

/** @param rules takes the filter flags, in the order of the command line: it decides among them */
export function addChoiceFlags(command: Command, rules: RuleFlag[]): void {
  const ruleFlag = (flags: string, description: string, type: RuleFlag['type']) =>
    new Option(flags, description).argParser((value: string) => {
      rules.push({ type, value });
      return value;
    });
  command
    .optionsGroup('What is synced:')
    .addOption(
      ruleFlag('--exclude <pattern>', 'leave out what matches, as in .gitignore (repeatable)', 'exclude'),
    )
    .addOption(ruleFlag('--include <pattern>', 'do not leave out what matches (repeatable)', 'include'))
    .addOption(ruleFlag('--exclude-up <pattern>', 'do not send what matches (repeatable)', 'exclude-up'))
    .addOption(
      ruleFlag('--exclude-down <pattern>', 'do not bring what matches here (repeatable)', 'exclude-down'),
    )
    .addOption(
      ruleFlag('--exclude-from <file>', 'patterns from a file, one per line (repeatable)', 'exclude-from'),
    )
    .addOption(
      ruleFlag('--filter-from <file>', "lines '- PATTERN' and '+ PATTERN' (repeatable)", 'filter-from'),
    )
    .option('--max-size <size>', 'leave alone files larger than this: 500k, 10M, 1G (default: no limit)')
    .option('--gitignore', 'leave out what .gitignore files name')
    .option('--editor-files', "sync editors' swap, probe and backup files (*.swp, 4913, *~, …) too")
    .option(
      '--compare <how>',
      `what makes files equal at first sight: ${compares.join(', ')} (default: mtime+size; transport rsync: checksum)`,
      compare,
    )
    .option('--force', 'send files that are equal, too');
}
