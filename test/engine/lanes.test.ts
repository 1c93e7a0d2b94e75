import { expect, test } from 'vitest';
import { Lanes } from '../../src/engine/lanes.js';

/** How much of this was under way at once. */
async function most(lanes: Lanes, sizes: readonly number[]): Promise<number> {
  let [now, max] = [0, 0];
  const work = async () => {
    max = Math.max(max, ++now);
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    now--;
  };
  await Promise.all([lanes.each(sizes, work), ...sizes.map((size) => lanes.run(size, work))]);
  return max;
}

const sizes = [0, 2 ** 17, 2 ** 21, 0, 2 ** 17, 2 ** 21];

test.each([1, 3])('%i at once is meant for everything together', async (atOnce) => {
  expect(await most(new Lanes(atOnce), sizes)).toBe(atOnce);
});

test('without a number each lane has its own', async () => {
  expect(await most(new Lanes(), sizes)).toBe(12);
});
