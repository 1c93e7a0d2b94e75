import { pause } from '../core/abort.js';
import type { TowlineError } from '../core/errors.js';
import { asTowlineError, endsAll } from '../core/errors.js';
import { backoff } from '../core/retry.js';
import type { Context } from './context.js';
import type { Scanner } from './scanner.js';
import { Tally } from './tally.js';

/** A scan that failed as a whole is begun again after this, doubled up to five minutes. */
const againMs = 1_000;
const againMaxMs = 5 * 60_000;

export interface ScanLoopParts {
  readonly context: Context;
  readonly scanner: Scanner;
  /** A scan cannot be refused for good (an agent that watches): what keeps it from working is said, and waited out. */
  readonly persistent: boolean;
  readonly onDone: (tally: Tally) => void;
}

/** Runs full scans one after the other. One that is asked for while another waits is that one. */
export class ScanLoop {
  readonly #parts: ScanLoopParts;
  #waiting: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  #cancelNext: (() => void) | null = null;
  #active = false;
  #changed: () => void = () => undefined;

  constructor(parts: ScanLoopParts) {
    this.#parts = parts;
  }

  /** Whether a scan is under way. */
  get active(): boolean {
    return this.#active;
  }

  /** Calls back whenever `active` changes. */
  whenChanged(callback: () => void): void {
    this.#changed = callback;
  }

  /**
   * Compares everything, now or after the scan that runs.
   * @throws what keeps the scan from being done; in a persistent loop only what stops the agent
   */
  request(cause: string): Promise<void> {
    if (this.#waiting !== null) return this.#waiting;
    const waiting = this.#running.then(() => {
      this.#waiting = null;
      return this.#untilDone(cause);
    });
    this.#waiting = waiting;
    this.#running = waiting.catch(() => undefined);
    return waiting;
  }

  /** Resolves when the scans asked for so far have ended. */
  idle(): Promise<void> {
    return this.#running;
  }

  /** Scans every `ms`, jittered by a tenth, counted from the end of the last one. */
  every(ms: number, report: (scan: Promise<void>) => void): void {
    const { clock } = this.#parts.context;
    this.#cancelNext = clock.timer(ms * (0.9 + clock.random() * 0.2), () => {
      report(this.request('periodic').finally(() => this.every(ms, report)));
    });
  }

  /** No scan is begun any more; resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#cancelNext?.();
    await this.#running;
    this.#cancelNext?.();
  }

  async #untilDone(cause: string): Promise<void> {
    const { context, scanner, onDone } = this.#parts;
    const { link, stopSignal, clock } = context;
    const tally = new Tally();
    let said = '';
    for (let failures = 0; ; failures++) {
      this.#setActive(true);
      try {
        stopSignal.throwIfAborted();
        await link.ready(stopSignal);
        await context.gate.passed();
        await scanner.scanAll(cause, tally);
        onDone(tally);
        return;
      } catch (thrown) {
        const error = asTowlineError(thrown);
        if (stopSignal.aborted || !this.#mayTryAgain(error)) throw error;
        if (error.message !== said) this.#say(error);
        said = error.message;
        tally.lookAgain();
      } finally {
        this.#setActive(false);
      }
      await pause(clock, backoff(againMs, againMaxMs, failures), stopSignal);
    }
  }

  #setActive(active: boolean): void {
    this.#active = active;
    this.#changed();
  }

  #mayTryAgain(error: TowlineError): boolean {
    if (error.code === 'network') return this.#parts.context.link.state.name !== 'closed';
    return this.#parts.persistent && !endsAll(error.code);
  }

  #say(error: TowlineError): void {
    const { emit, log } = this.#parts.context;
    if (error.code === 'network') {
      log.info('the comparison was cut short and begins again', { error: error.message });
      return;
    }
    const message = `the two sides could not be compared: ${error.message}. It is tried again`;
    emit({ type: 'notice', level: 'warn', code: 'scan-failed', message });
  }
}
