import { TowlineError } from '../core/errors.js';

/** The answer to a command of the user's where none can run. */
export function noCommands(label: string): Promise<never> {
  const hint = 'Leave the command out, or let it run here';
  return Promise.reject(new TowlineError('unsupported', `${label} runs no commands`, { host: label, hint }));
}
