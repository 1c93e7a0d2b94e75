/** An agent that was started, in the short form. */
import { checkHooks, type RunHooks } from '../compose/hooks.js';
import { openPair, type OpenPair } from '../compose.js';
import { whenAborted } from '../core/abort.js';
import type { SyncResult } from '../engine/events.js';
import type { AgentControl } from '../engine/status.js';
import { plainOptions, type SyncOptions } from './sync-options.js';

/** An agent that was started. */
export interface RunningAgent {
  /** Settles when it has ended; rejects with a `TowlineError` when it halted (authentication, host key, state). */
  readonly done: Promise<void>;
  /** Ends it: what is in flight is finished or parked within five seconds. */
  stop(): Promise<void>;
  /** The numbers up to now. */
  summary(): SyncResult;
  /** What can be asked of it while it runs. */
  readonly control: AgentControl;
  /**
   * Notes in the state that it is alive: resolves while the event loop turns and the state can be written.
   * @throws `state`
   */
  alive(): Promise<void>;
}

/**
 * Starts an agent that keeps the two sides in step, as `mode` says, until it is stopped. A link that cannot be had is
 * waited for. The short form of `createAgent`, for who needs no events by name.
 * @throws `configuration`, `unsupported`, `locked`, `state` (before it starts)
 */
export async function watch(options: SyncOptions, hooks: RunHooks = {}): Promise<RunningAgent> {
  const parts = plainOptions(options);
  checkHooks(hooks);
  return runAgent(await openPair(parts, hooks, 'watch'), hooks.signal);
}

/** Lets the agent of a pair go on until it is stopped; the pair is closed then. */
export function runAgent(pair: OpenPair, signal: AbortSignal | undefined): RunningAgent {
  const forget = whenAborted(signal, () => void pair.agent.stop());
  const done = pair.agent.watch().finally(async () => {
    forget();
    await pair.close();
  });
  // Who only calls `stop` need not listen to `done` too.
  done.catch(() => undefined);
  return {
    done,
    stop: () => pair.agent.stop().then(() => done),
    summary: () => pair.agent.summary(),
    control: pair.agent.control,
    alive: () => pair.record.alive(),
  };
}
