/** What is done when somebody gives up. */
import { TowlineError } from './errors.js';

/**
 * Calls back when `signal` is aborted, at once if it is already.
 * @returns stops listening
 */
export function whenAborted(signal: AbortSignal | undefined, listener: () => void): () => void {
  // One who listens twice is called twice.
  const heard = () => listener();
  if (signal?.aborted === true) heard();
  signal?.addEventListener('abort', heard, { once: true });
  return () => signal?.removeEventListener('abort', heard);
}

/** Why it was aborted: the signal's reason when it is ours, else `interrupted` with that as its cause. */
export function abortReason(signal: AbortSignal): TowlineError {
  const reason: unknown = signal.reason;
  return reason instanceof TowlineError
    ? reason
    : new TowlineError('interrupted', 'stopped', { cause: reason });
}

/**
 * Ends what was asked to stop.
 * @throws `abortReason`
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortReason(signal);
}

/**
 * What `work` ends with, unless `signal` is aborted first: the wait is given up then, the work is not.
 * @throws `interrupted`; what `work` rejects with
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  if (signal.aborted) {
    // Nobody hears how it ends.
    work.catch(() => undefined);
    throw abortReason(signal);
  }
  const given = Promise.withResolvers<never>();
  const forget = whenAborted(signal, () => given.reject(abortReason(signal)));
  try {
    return await Promise.race([work, given.promise]);
  } finally {
    forget();
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted: whoever waits looks at the signal itself. */
export async function pause(
  clock: { timer(ms: number, callback: () => void): () => void },
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const forget = whenAborted(signal, resolve);
  const cancel = clock.timer(ms, resolve);
  await promise;
  cancel();
  forget();
}
