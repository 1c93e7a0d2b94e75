/** Keeps systemd informed of a running agent: that it is up, what it does, and that it is alive. */
import { asTowlineError } from '../core/errors.js';
import type { Clock, Log } from '../ports.js';
import { systemClock } from '../system-clock.js';
import type { Notifier } from './notify.js';

/** Without a watchdog, and while starting, this often. */
const beatMs = 10_000;
/** A start may take this much longer than the last sign of life. */
const startMoreMs = 120_000;
/** The state is asked for at most this often. */
const statusMs = 1_000;

/** What is watched over. */
export interface Supervised {
  /** What it does, in one line. */
  statusText(): Promise<string>;
  /** Resolves when its state could be written. */
  alive(): Promise<void>;
}

export interface Supervisor {
  /** The agent is there: from now on it is asked how it does. */
  attach(agent: Supervised): void;
  /** It is up. Saying so again does nothing. */
  ready(): void;
  /** Something happened: its status is told soon. */
  changed(): void;
  stopping(): void;
  /** Resolves when the last word is with systemd. */
  close(): Promise<void>;
}

export interface SupervisorParts {
  readonly notifier: Notifier;
  /** Default: the real one. */
  readonly clock?: Clock;
  readonly log: Log;
}

/** Watches over one agent; does nothing at all where nobody listens. */
export function supervise(parts: SupervisorParts): Supervisor {
  return parts.notifier.active ? new ActiveSupervisor(parts) : idle;
}

const idle: Supervisor = {
  attach: () => undefined,
  ready: () => undefined,
  changed: () => undefined,
  stopping: () => undefined,
  close: () => Promise.resolve(),
};

class ActiveSupervisor implements Supervisor {
  readonly #parts: SupervisorParts;
  readonly #clock: Clock;
  readonly #everyMs: number;
  #agent: Supervised | null = null;
  #ready = false;
  #closed = false;
  #failing = false;
  #cancelBeat: (() => void) | null = null;
  #cancelStatus: (() => void) | null = null;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    // Twice within the limit, as sd_watchdog_enabled(3) advises.
    this.#everyMs = Math.min(beatMs, (parts.notifier.watchdogMs ?? Infinity) / 2);
  }

  attach(agent: Supervised): void {
    this.#agent = agent;
    this.#beat();
    this.changed();
  }

  ready(): void {
    if (this.#ready || this.#closed) return;
    this.#ready = true;
    this.#parts.notifier.ready();
    this.changed();
  }

  changed(): void {
    if (this.#cancelStatus !== null || this.#closed) return;
    this.#cancelStatus = this.#clock.timer(statusMs, () => {
      this.#cancelStatus = null;
      this.#tell().catch((error: unknown) => this.#failed(error));
    });
  }

  stopping(): void {
    this.#parts.notifier.stopping();
    this.#parts.notifier.status('stopping');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelBeat?.();
    this.#cancelStatus?.();
    await this.#parts.notifier.close();
  }

  #beat(): void {
    if (this.#closed) return;
    this.#cancelBeat = this.#clock.timer(this.#everyMs, () => {
      this.#feed()
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#beat());
    });
  }

  /** The watchdog hears of us only once the state was written: an agent that cannot record what it does is no use. */
  async #feed(): Promise<void> {
    await this.#agent?.alive();
    if (this.#closed) return;
    this.#failing = false;
    this.#parts.notifier.alive(startMoreMs);
    // The lag grows without any event.
    this.changed();
  }

  async #tell(): Promise<void> {
    const text = await this.#agent?.statusText();
    if (text !== undefined && !this.#closed) this.#parts.notifier.status(text);
  }

  #failed(error: unknown): void {
    if (this.#closed || this.#failing) return;
    this.#failing = true;
    const { message } = asTowlineError(error);
    this.#parts.log.error('systemd is not told that the agent is alive', { error: message });
    this.#parts.notifier.status(`the state cannot be written: ${message}`);
  }
}
