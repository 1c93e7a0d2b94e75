/** Streams for the merge, as scans and stores give them. */

/** What came of a stream: how much of it was taken, and whether it was closed before its end. */
export interface Tracked<T> extends AsyncIterable<T[]> {
  readonly taken: number;
  readonly returned: number;
}

/** Gives out `batches`, each at a later turn, then fails with `error` if there is one. */
export function streamOf<T>(batches: Iterable<T[]>, error?: Error): Tracked<T> {
  const from = batches[Symbol.iterator]();
  const state = { taken: 0, returned: 0 };
  const end: IteratorReturnResult<undefined> = { done: true, value: undefined };
  return {
    get taken() {
      return state.taken;
    },
    get returned() {
      return state.returned;
    },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        await Promise.resolve();
        const next = from.next();
        if (next.done !== true) {
          state.taken++;
          return { done: false, value: next.value };
        }
        if (error !== undefined) throw error;
        return end;
      },
      return: async () => {
        state.returned++;
        return end;
      },
    }),
  };
}

/** Cuts `items` into batches of these sizes, again and again; a size of 0 is an empty batch. */
export function* batchesOf<T>(
  items: readonly T[],
  sizes: readonly number[],
): Generator<T[], void, undefined> {
  let at = 0;
  for (let i = 0; at < items.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield items.slice(at, at + size);
    at += size;
  }
}
