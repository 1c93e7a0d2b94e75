/** Ctrl-C and its like: the first asks for a clean stop, the second ends the process at once. */
import { exitCodes, TowlineError } from '../core/errors.js';
import type { CliContext } from './context.js';

/**
 * Repetitions within this time are one request: a Ctrl-C under `npm start` arrives from the terminal and once more from
 * npm, which forwards it.
 */
const sameRequestMs = 500;

export interface Interruption {
  /** Aborted by the first signal, with a `TowlineError` of code `interrupted` as its reason. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  dispose(): void;
}

/**
 * Listens for requests to stop.
 * @param onFirst called once, at the first one, before the signal aborts
 */
export function interruption(context: CliContext, onFirst: () => void): Interruption {
  const controller = new AbortController();
  let firstAtMs = 0;
  const dispose = context.onSignal(() => {
    const nowMs = context.now().getTime();
    if (!controller.signal.aborted) {
      firstAtMs = nowMs;
      onFirst();
      controller.abort(new TowlineError('interrupted', 'interrupted'));
    } else if (nowMs - firstAtMs >= sameRequestMs) {
      context.exitNow(exitCodes.interrupted);
    }
  });
  return { signal: controller.signal, dispose };
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The signals of this process that ask it to stop; see `CliContext.onSignal`. */
export function processSignals(listener: () => void): () => void {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, listener);
  return () => {
    for (const name of names) process.off(name, listener);
  };
}
