import type { Log } from '../ports.js';

/**
 * A listener of the user's that cannot harm who calls it: what it throws, or its promise rejects with, is an error in the
 * log, or a warning of the process where no log was given.
 * @param name what it listens to, for the message
 */
export function shielded<T>(name: string, listener: (event: T) => unknown, log?: Log): (event: T) => void {
  const failed = (error: unknown) => {
    const message = `a listener to '${name}' failed`;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (log === undefined) process.emitWarning(`${message}: ${text}`, 'TowlineWarning');
    else log.error(message, { error: text });
  };
  return (event) => {
    try {
      // An async function is a listener too.
      const ended = listener(event);
      if (ended instanceof Promise) ended.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
