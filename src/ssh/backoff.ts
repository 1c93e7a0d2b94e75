const firstMs = 1000;
const longestMs = 60_000;

/**
 * How long to wait before the next attempt to connect: 1 s, doubled after each failure up to 60 s, a quarter more or
 * less of it, so that many agents do not come back at once.
 * @param failures in a row, 1 at least
 * @param random at least 0, less than 1
 */
export function backoffMs(failures: number, random: number): number {
  const plainMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.min(longestMs, Math.round(plainMs * (0.75 + random / 2)));
}

/** How long to wait after a connection that worked was lost: most often the server is back at once. */
export function firstRetryMs(random: number): number {
  return Math.round(200 + random * 800);
}

/** A connection that lived this long was a good one: whatever comes then begins a new row. */
const stableMs = 5000;

/** Counts failures in a row, which is what the time to the next attempt depends on. */
export class FailureCount {
  #failures = 0;
  #brief = 0;

  /**
   * Counts the end of an attempt, or of the connection it led to. One that did its work begins the row anew, unless such
   * ones come one after the other, each soon after it was made: a server that lets us in and throws us out is not to be
   * stormed either.
   * @param life of the connection: how long it was ready, and whether anything was answered on it; `null` when there was
   * none
   * @returns the failures in a row, 1 at least
   */
  ended(life: { readonly ms: number; readonly answered: boolean } | null): number {
    if (life !== null && life.ms >= stableMs) {
      this.#brief = 0;
      this.#failures = 1;
    } else if (life?.answered === true) this.#failures = ++this.#brief;
    else this.#failures++;
    return this.#failures;
  }

  /** Forgets all: what failed before says nothing of now. */
  reset(): void {
    this.#failures = 0;
    this.#brief = 0;
  }
}
