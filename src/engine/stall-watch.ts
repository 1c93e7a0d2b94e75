import type { Clock } from '../ports.js';

const lookMs = 1_000;
/** An event loop that was blocked for so long may have let the kernel's queue of events overflow. */
const stallMs = 3_000;
/** The wall clock went ahead of the monotonic one by so much: the machine slept (or its clock was set). */
const sleptMs = 5_000;
/** What follows from it is costly, and a cause of stalls itself: told at most so often. */
const againMs = 60_000;

/** Notices that this process stood still, when a timer fires late or time has passed that it did not live through. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #onStall: (reason: string) => void;
  #cancel: (() => void) | null = null;
  #reason: string | null = null;
  #toldMs = -Infinity;

  /** @param onStall called once per stall, with what happened */
  constructor(clock: Clock, onStall: (reason: string) => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    const wallMs = this.#clock.now();
    const steadyMs = this.#clock.monotonic();
    this.#cancel = this.#clock.timer(lookMs, () => {
      this.#look(this.#clock.now() - wallMs, this.#clock.monotonic() - steadyMs);
      this.start();
    });
  }

  close(): void {
    this.#cancel?.();
  }

  #look(wallMs: number, steadyMs: number): void {
    const slept = wallMs - steadyMs;
    const late = steadyMs - lookMs;
    if (slept >= sleptMs) this.#reason = `the machine slept for ${seconds(slept)}`;
    else if (late >= stallMs) this.#reason = `the process stood still for ${seconds(late)}`;
    const nowMs = this.#clock.monotonic();
    if (this.#reason === null || nowMs - this.#toldMs < againMs) return;
    this.#toldMs = nowMs;
    const reason = this.#reason;
    this.#reason = null;
    this.#onStall(`${reason}: events may be lost`);
  }
}

function seconds(ms: number): string {
  return `${String(Math.round(ms / 1000))} s`;
}
