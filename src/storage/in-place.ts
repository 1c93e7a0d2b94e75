import type { Temp } from '../ports.js';

/** A temp that is the destination itself: there is nothing to rename, and nothing that could be taken back. */
export function inPlace(temp: Temp): Temp {
  return {
    get acknowledged() {
      return temp.acknowledged;
    },
    write: (data, offset) => temp.write(data, offset),
    complete: (attributes) => temp.complete(attributes),
    publish: () => Promise.resolve(),
    discard: async () => {
      await temp.leave();
      return true;
    },
    leave: () => temp.leave(),
  };
}
