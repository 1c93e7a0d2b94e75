/**
 * Tells systemd how a service of Type=notify is doing (sd_notify(3)). Node has no datagrams over unix sockets, so
 * systemd's own `systemd-notify` carries each message: one at a time, beside all other work, and a failure of it is no
 * failure of the agent.
 */
import { execFile } from 'node:child_process';
import type { Clock, Log } from '../ports.js';
import { systemClock } from '../system-clock.js';

/** STATUS lines are at least this far apart. */
const statusMs = 1_000;
/** A `systemd-notify` that hangs must not keep later messages back for ever. */
const commandMs = 5_000;

type Env = Readonly<Record<string, string | undefined>>;

export interface Notifier {
  /** False when nobody listens (no NOTIFY_SOCKET): all calls do nothing. */
  readonly active: boolean;
  /** systemd ends the service when `alive` was not called for this long; `null`: no watchdog. */
  readonly watchdogMs: number | null;
  /** The service is up. */
  ready(): void;
  /** One line for `systemctl status`. Sent at most once a second: the last one counts. */
  status(text: string): void;
  /** Feeds the watchdog. Before `ready`, asks for this much more time to start. */
  alive(startMoreMs: number): void;
  /** The service ends by itself. */
  stopping(): void;
  /** Resolves when what was told is with systemd, or could not be delivered. Nothing is sent later on. */
  close(): Promise<void>;
}

export interface NotifierParts {
  readonly env: Env;
  /** Default: the real one. */
  readonly clock?: Clock;
  readonly log: Log;
  /** This process, to know whose watchdog WATCHDOG_PID speaks of. */
  readonly pid: number;
}

/** A notifier for this process's environment. */
export function createNotifier(parts: NotifierParts): Notifier {
  const { env, clock = systemClock, pid } = parts;
  if ((env.NOTIFY_SOCKET ?? '') === '') return nobody;
  const carrier = new Carrier(parts);
  let ready = false;
  let said = '';
  let latest = '';
  let cancelNext: (() => void) | null = null;
  const sayLatest = () => {
    cancelNext = null;
    if (latest === said) return;
    said = latest;
    carrier.send({ STATUS: latest });
    cancelNext = clock.timer(statusMs, sayLatest);
  };
  return {
    active: true,
    watchdogMs: watchdogMsOf(env, pid),
    ready: () => {
      ready = true;
      carrier.send({ READY: '1' });
    },
    status: (text) => {
      latest = oneLine(text);
      if (cancelNext === null) sayLatest();
    },
    alive: (startMoreMs) =>
      // systemd drops a message whose sender is gone before it looked (`--no-block`): READY is said again each time,
      // which means nothing to a service that is up.
      carrier.send(
        ready
          ? { READY: '1', WATCHDOG: '1' }
          : { WATCHDOG: '1', EXTEND_TIMEOUT_USEC: `${startMoreMs * 1000}` },
      ),
    stopping: () => carrier.send({ STOPPING: '1' }),
    close: () => {
      cancelNext?.();
      return carrier.close();
    },
  };
}

const nobody: Notifier = {
  active: false,
  watchdogMs: null,
  ready: () => undefined,
  status: () => undefined,
  alive: () => undefined,
  stopping: () => undefined,
  close: () => Promise.resolve(),
};

/** As sd_watchdog_enabled(3) reads them. */
function watchdogMsOf(env: Env, pid: number): number | null {
  const usec = Number(env.WATCHDOG_USEC ?? '');
  const other = env.WATCHDOG_PID !== undefined && Number(env.WATCHDOG_PID) !== pid;
  return other || !Number.isFinite(usec) || usec <= 0 ? null : usec / 1000;
}

/** A line break would begin another assignment. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Runs one `systemd-notify` at a time; of what is said meanwhile, the last value of each name goes with the next. */
class Carrier {
  readonly #parts: NotifierParts;
  #pending = new Map<string, string>();
  #running: Promise<void> | null = null;
  #closed = false;
  #saidFailure = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
  }

  send(values: Readonly<Record<string, string>>): void {
    if (this.#closed) return;
    for (const [name, value] of Object.entries(values)) this.#pending.set(name, value);
    this.#running ??= this.#deliver().finally(() => {
      this.#running = null;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #deliver(): Promise<void> {
    while (this.#pending.size > 0) {
      const values = [...this.#pending].map(([name, value]) => `${name}=${value}`);
      this.#pending = new Map();
      await this.#run(values);
    }
  }

  #run(values: readonly string[]): Promise<void> {
    const { env, log } = this.#parts;
    return new Promise((resolve) => {
      const options = { env, timeout: commandMs, killSignal: 'SIGKILL' } as const;
      execFile('systemd-notify', ['--no-block', ...values], options, (error) => {
        if (error !== null && !this.#saidFailure) {
          this.#saidFailure = true;
          log.warn('systemd could not be told how the service is doing', { error: error.message });
        }
        resolve();
      });
    });
  }
}
