import { networkInterfaces } from 'node:os';
import type { Clock } from '../ports.js';

export interface MachineWatchOptions {
  readonly clock: Clock;
  /** What identifies the network we are in; default: our own addresses. */
  readonly addresses?: () => string;
  /** Called when the machine was asleep, or is in another network than before. */
  readonly changed: (what: 'woke' | 'network') => void;
}

const tickMs = 2000;
/** The clock moved this much more than the timer: the machine was suspended (or the clock was set, which does no harm). */
const jumpMs = 10_000;

/**
 * Notices what connections do not survive and do not tell. Timers stand still while a machine sleeps, so the wall clock
 * shows it; a change of the network shows in our addresses.
 * @returns a function that ends it
 */
export function watchMachine(options: MachineWatchOptions): () => void {
  const { clock, addresses = machineAddresses, changed } = options;
  let startedMs = clock.now();
  let before = addresses();
  let cancel: () => void = () => undefined;
  const tick = () => {
    const nowMs = clock.now();
    const jumped = Math.abs(nowMs - startedMs - tickMs) > jumpMs;
    const now = addresses();
    const moved = now !== before;
    startedMs = nowMs;
    before = now;
    cancel = clock.timer(tickMs, tick);
    if (jumped) changed('woke');
    else if (moved) changed('network');
  };
  cancel = clock.timer(tickMs, tick);
  return () => cancel();
}

/** Link-local ones come and go with every container. */
function machineAddresses(): string {
  try {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const own = all.filter(
      ({ internal, address }) => !internal && !address.toLowerCase().startsWith('fe80:'),
    );
    return own
      .map(({ address }) => address)
      .sort()
      .join(' ');
  } catch {
    // Sandboxes may forbid the question; the clock still tells of sleep, and the keepalive of the rest.
    return '';
  }
}
