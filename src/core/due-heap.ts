/** Something that is due at a time which may move after it was put into the heap. */
export interface Dated {
  /** When it is due, ms; may change at any time. */
  atMs: number;
  /** The earliest time under which it lies in the heap. Kept by the heap. */
  heapMs: number;
  /** It is no longer wanted: the heap drops it when it meets it. */
  gone: boolean;
}

interface Slot<T> {
  readonly ms: number;
  readonly item: T;
}

/**
 * What is due first, where times move often and mostly backwards (each event puts a path off): an item stays where it
 * is until it comes up, and only then is sorted in again. Amortised O(log n) for each move forwards, O(1) for others.
 */
export class DueHeap<T extends Dated> {
  #slots: Slot<T>[] = [];

  /** Adds an item, or tells that its `atMs` has changed. */
  moved(item: T): void {
    if (item.atMs < item.heapMs) this.#push(item);
  }

  /** The item that is due first, or null. */
  first(): T | null {
    for (let top = this.#slots[0]; top !== undefined; top = this.#slots[0]) {
      const { item, ms } = top;
      if (!item.gone && ms === item.heapMs && ms === item.atMs) return item;
      this.#pop();
      // A slot with another time than `heapMs` is left over from a move forwards: an earlier slot exists or existed.
      if (!item.gone && ms === item.heapMs) this.#push(item);
    }
    return null;
  }

  /** Takes out the item that is due first. */
  take(): T | null {
    const item = this.first();
    if (item !== null) {
      item.gone = true;
      this.#pop();
    }
    return item;
  }

  #push(item: T): void {
    item.heapMs = item.atMs;
    const slots = this.#slots;
    const slot = { ms: item.atMs, item };
    let at = slots.length;
    slots.push(slot);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (slots[parent]!.ms <= slot.ms) break;
      slots[at] = slots[parent]!;
      at = parent;
    }
    slots[at] = slot;
  }

  #pop(): void {
    const slots = this.#slots;
    const last = slots.pop();
    if (last === undefined || slots.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= slots.length) break;
      if (child + 1 < slots.length && slots[child + 1]!.ms < slots[child]!.ms) child++;
      if (last.ms <= slots[child]!.ms) break;
      slots[at] = slots[child]!;
      at = child;
    }
    slots[at] = last;
  }
}
