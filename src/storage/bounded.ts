/** Pipelining with a bound: many requests under way, never more than a fixed number. */

/**
 * Runs `work` for every item, at most `inFlightMax` at once, and returns the results in the order of the items. The
 * first rejection ends it: nothing more is started, and it is passed on once all that was under way has ended.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  inFlightMax: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  if (items.length <= inFlightMax) return settledTogether(items.map(work));
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const runner = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await settledTogether(Array.from({ length: inFlightMax }, runner));
  return results;
}

/** As `Promise.all`, but a rejection is passed on only when every promise has settled. */
async function settledTogether<R>(promises: readonly Promise<R>[]): Promise<R[]> {
  const outcomes = await Promise.allSettled(promises);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
