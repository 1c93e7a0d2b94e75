/** The same simulation with a file that is large enough to be gone on with after an interruption. */
import { expect, test } from 'vitest';
import type { Knobs } from './knobs.js';
import { simulate } from './push.js';

const seedsDefault = 60;
const one = process.env.TOWLINE_SIM_SEED;
const first = Number(process.env.TOWLINE_SIM_FIRST ?? 1);
const seeds = Number(process.env.TOWLINE_SIM_LARGE ?? seedsDefault);

/** Slow enough that connections and processes die amid the file, which is edited now and then. */
const slow: Partial<Knobs> = {
  large: true,
  latencyMs: 1_000,
  edits: 6,
  editGapMs: 8_000,
  editNow: 0.005,
  faults: { refused: 0.005, lostReply: 0.01, disconnect: 0.06, crash: 0.04, frozen: 0.5 },
};

test.runIf(one !== undefined)('the seed that was asked for', async () => {
  await simulate(Number(one), slow);
});

test.runIf(one === undefined)(`${String(seeds)} seeds with a large file`, { timeout: 600_000 }, async () => {
  const failures: string[] = [];
  let resumed = 0;
  for (let seed = first; seed < first + seeds && failures.length < 10; seed++) {
    try {
      resumed += (await simulate(seed, slow)).resumed;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  expect(failures.join('\n\n')).toBe('');
  // Otherwise nothing was shown.
  expect(resumed).toBeGreaterThan(0);
});
