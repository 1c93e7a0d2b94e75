import type { Clock } from '../ports.js';
import type { AgentEvent } from './events.js';
import type { AgentStatus } from './status.js';

/** What only events tell: the transfers under way, the last scan, whether the first one is done. */
export class StatusBoard {
  readonly startedMs: number;
  readonly #clock: Clock;
  readonly #transfers = new Map<string, { size: number; bytes: number }>();
  #lastScan: AgentStatus['lastScan'] = null;
  #watching = false;
  #watches: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.startedMs = clock.now();
  }

  get lastScan(): AgentStatus['lastScan'] {
    return this.#lastScan;
  }

  get watching(): boolean {
    return this.#watching;
  }

  get transfers(): AgentStatus['transfers'] {
    return [...this.#transfers].map(([path, { size, bytes }]) => ({ path, size, bytes }));
  }

  /** Calls back when `watching` becomes true. */
  whenWatching(callback: () => void): void {
    this.#watches = callback;
  }

  note(event: AgentEvent): void {
    switch (event.type) {
      case 'transfer-start':
        this.#transfers.set(event.path, { size: event.size, bytes: 0 });
        break;
      case 'transfer-progress': {
        const transfer = this.#transfers.get(event.path);
        if (transfer !== undefined) transfer.bytes = event.bytes;
        break;
      }
      case 'transfer-end':
        this.#transfers.delete(event.path);
        break;
      case 'scan-end': {
        const { durationMs, entries } = event;
        this.#lastScan = { endedMs: this.#clock.now(), durationMs, entries };
        break;
      }
      case 'watching':
        this.#watching = true;
        this.#watches();
        break;
      default:
        break;
    }
  }
}
