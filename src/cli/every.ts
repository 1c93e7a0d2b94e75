/** `--every 1h`: a one-shot command again and again, until it is asked to stop. */
import { setTimeout as delay } from 'node:timers/promises';
import { asTowlineError, exitCodes, hasCode, TowlineError } from '../core/errors.js';
import type { CliContext } from './context.js';
import { formatDuration } from './numbers.js';
import { interruption } from './signals.js';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longer than this no timer of Node can run. */
const everyMaxMs = 14 * 86_400_000;

/**
 * How often, in ms: `30s`, `15m`, `2h`, `1d`.
 * @throws TowlineError `configuration`
 */
export function parseEvery(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(number) * (units[unit] ?? 0);
  if (ms >= 1_000 && ms <= everyMaxMs) return ms;
  throw new TowlineError('configuration', `'${text}' is no time between runs`, {
    hint: 'Write a number and s, m, h or d, such as 30s, 15m, 2h or 1d; two weeks at most',
  });
}

export interface Repetition {
  readonly context: CliContext;
  readonly everyMs: number;
  /** One run; resolves with its exit code. It hears of signals by itself. */
  readonly once: () => Promise<number>;
  /** Tells of a run that failed. */
  readonly failed: (error: TowlineError) => void;
  /** Tells how long it is until the next run. */
  readonly waiting: (text: string) => void;
  /** Resolves after `ms`, or rejects when the signal is aborted. Default: the clock of this machine. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** At least 0, less than 1. */
  readonly random?: () => number;
}

/**
 * Repeats a run: the next one begins `everyMs` after the last one ended, give or take a tenth, so that many machines do not
 * come all at once. A run that fails is told of and tried again at its next turn.
 * @returns the exit code: 0 when it was asked to stop
 * @throws TowlineError what another turn would not mend: configuration, authentication, host key
 */
export async function repeat(repetition: Repetition): Promise<number> {
  const { context, everyMs, once, failed, waiting } = repetition;
  const { pause = realPause, random = Math.random } = repetition;
  const stop = interruption(context, () => undefined);
  // Read afresh each time: it changes while a run goes on.
  const stopped = () => stop.signal.aborted;
  try {
    while (!stopped()) {
      try {
        await once();
      } catch (thrown) {
        const error = asTowlineError(thrown);
        if (stopped()) break;
        if (hasCode(error, 'configuration', 'authentication', 'host-key', 'interrupted')) throw error;
        failed(error);
      }
      if (stopped()) break;
      const ms = everyMs * (0.9 + random() * 0.2);
      waiting(`next run in ${formatDuration(ms)}`);
      await pause(ms, stop.signal).catch((error: unknown) => {
        if (!stopped()) throw error;
      });
    }
    return exitCodes.done;
  } finally {
    stop.dispose();
  }
}

function realPause(ms: number, signal: AbortSignal): Promise<unknown> {
  return delay(ms, undefined, { signal });
}
