/** What a caller may give beside the options, and hear. */
import { checkCall } from '../config/check-call.js';
import type { AgentListener } from '../engine/events.js';
import type { Progress } from '../engine/progress.js';
import { progressOfEvents } from '../engine/progress-events.js';
import type { Clock, Log } from '../ports.js';
import type { Prompts } from '../ssh/prompts.js';
import { shielded } from './shielded.js';

/** What a run may be given beside its options. */
export interface RunHooks {
  /** Default: silence. */
  readonly log?: Log;
  /** Hears everything, one event after the other. What it throws is logged, and harms nobody. */
  readonly onEvent?: AgentListener;
  /** Hears of each step of each file that is carried. What it throws is logged, and harms nobody. */
  readonly progress?: (progress: Progress) => void;
  /** Ends the run: cleanly, within five seconds; a one-shot call then rejects with `interrupted`. */
  readonly signal?: AbortSignal;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Somebody who can be asked for passwords and about unknown hosts, until the first connection stands. Default: nobody. */
  readonly prompts?: Prompts;
  /**
   * Whether an agent opens its control socket in the state folder, where `towline status`, `pause` and the like find it.
   * Default: false.
   */
  readonly control?: boolean;
}

/**
 * Refuses what a run cannot be given.
 * @throws `configuration`
 */
export function checkHooks(hooks: RunHooks): void {
  checkCall(hooks, {
    log: 'any',
    onEvent: 'function',
    progress: 'function',
    signal: 'signal',
    env: 'any',
    prompts: 'any',
    control: 'boolean',
    collect: 'boolean',
  });
}

/** One listener for all that want to hear of events. */
export function listenerOf({ onEvent, progress, log }: RunHooks, clock: Clock): AgentListener {
  const listeners: AgentListener[] = [];
  if (onEvent !== undefined) listeners.push(shielded('onEvent', onEvent, log));
  if (progress !== undefined) {
    const progressOf = progressOfEvents(clock);
    const tell = shielded('progress', progress, log);
    listeners.push((event) => {
      const step = progressOf(event);
      if (step !== null) tell(step);
    });
  }
  return (event) => {
    for (const listener of listeners) listener(event);
  };
}
