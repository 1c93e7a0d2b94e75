import { expect, test } from 'vitest';
import { simulate } from './push.js';

/** Seeds per run: enough for two minutes of the smallest machine that runs the tests. */
const seedsDefault = 3_000;

const one = process.env.TOWLINE_SIM_SEED;
const first = Number(process.env.TOWLINE_SIM_FIRST ?? 1);
const seeds = Number(process.env.TOWLINE_SIM_SEEDS ?? seedsDefault);

test.runIf(one !== undefined)('the seed that was asked for', async () => {
  await simulate(Number(one));
});

test.runIf(one === undefined)(`${String(seeds)} seeds`, { timeout: 3_600_000 }, async () => {
  const failures: string[] = [];
  for (let seed = first; seed < first + seeds && failures.length < 10; seed++) {
    try {
      await simulate(seed);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  expect(failures.join('\n\n')).toBe('');
});
