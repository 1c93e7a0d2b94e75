/**
 * Tells when the kernel of another machine may have dropped events. inotifywait says nothing of it (measured: 20,000 files
 * made while it could not read, 16,384 lines, no word), and over a slow link what overflowed there trickles in here. But a
 * full queue has to be told in one go: so many events without the time in between that they would have had to themselves.
 */

/** Linux's own default for `fs.inotify.max_queued_events`. */
const queueMaxDefault = 16_384;
/** What a server that is not behind may tell for hours, events per second. */
const drainedPerSecond = 50;

export class Backlog {
  /** How many events the kernel queues there at most. */
  queueMax = queueMaxDefault;
  #events = 0;
  #latestMs = -Infinity;
  #suspected = false;

  /**
   * Counts one event.
   * @param nowMs on a clock that never goes back
   * @returns from when on events may be missing: half a queue came in one go
   */
  event(nowMs: number): boolean {
    const drained = Math.max(0, nowMs - this.#latestMs) * (drainedPerSecond / 1000);
    this.#events = Math.max(0, this.#events - drained) + 1;
    this.#latestMs = nowMs;
    this.#suspected ||= this.#events > this.queueMax / 2;
    return this.#suspected;
  }
}
