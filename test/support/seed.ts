/** The seed of this run's dice: put it into the test's name. Reproducible by `TOWLINE_SEED`. */
export const seed = Number(process.env.TOWLINE_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 to less than 1 (a linear congruential generator: nothing more is needed to spread faults). */
export function seededRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
