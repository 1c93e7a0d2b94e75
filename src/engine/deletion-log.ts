/** Paths kept apart; above this a path that comes back still counts as deleted, which only makes the guard stricter. */
const pathsMax = 100_000;

/**
 * What was deleted lately, path by path, so that a path that comes back (a checkout there and back again) no longer
 * counts against the limit of the guard.
 */
export class DeletionLog {
  readonly #paths = new Set<string>();
  #balance = 0;

  /** The path was removed from the destination. */
  removed(path: string): void {
    this.#balance++;
    if (this.#paths.size < pathsMax) this.#paths.add(path);
  }

  /** The path was made on the destination. */
  made(path: string): void {
    if (this.#paths.size > 0 && this.#paths.delete(path)) this.#balance--;
  }

  /** Deletions less those that came back, since the last call. */
  takeBalance(): number {
    const balance = this.#balance;
    this.#balance = 0;
    return balance;
  }

  /** A quiet time has passed: what was deleted before counts no more. */
  forget(): void {
    this.#paths.clear();
  }
}
