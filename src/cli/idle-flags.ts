/** Flags that can have no effect: of one run a mistake, where a file may hold them for runs in other modes. */
import type { Command } from 'commander';
import { whyIdle } from '../config/idle-options.js';
import { TowlineError } from '../core/errors.js';
import type { PairOptions } from '../index.js';

/**
 * Refuses a flag that can have no effect in a run of this pair.
 * @param command has parsed its flags; its names for those in question are the library's
 * @param watches the run is an agent's
 * @throws TowlineError `configuration`, naming the flag and what it is for
 */
export function refuseIdle(command: Command, pair: PairOptions, watches: boolean): void {
  const given: Readonly<Record<string, unknown>> = command.opts();
  for (const option of command.options) {
    const name = option.attributeName();
    const isOn = given[name] !== undefined && given[name] !== false && !option.negate;
    const why = isOn ? whyIdle(name, pair, watches) : null;
    if (why === null) continue;
    throw new TowlineError('configuration', `${option.long!} does not go with ${why}`, {
      hint: 'Leave it out',
    });
  }
}
