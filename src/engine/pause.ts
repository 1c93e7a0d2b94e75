import type { Clock } from '../ports.js';

/** Resolves after `ms`, or as soon as `signal` is aborted: whoever waits looks at the signal itself. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.timer(ms, resolve);
  await promise;
  cancel();
  signal.removeEventListener('abort', onAbort);
}
