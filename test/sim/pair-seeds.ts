/** Many seeds of one mode, or the one that was asked for. */
import { expect, test } from 'vitest';
import type { Mode } from '../../src/core/policy.js';
import { simulatePair } from './pair-scene.js';

const one = process.env.TOWLINE_SIM_SEED;
const first = Number(process.env.TOWLINE_SIM_FIRST ?? 1);

/**
 * @param seedsDefault how many, unless `TOWLINE_SIM_SEEDS` says otherwise
 * @param file the test file, to be named where a seed fails
 */
export function testSeeds(mode: Mode, seedsDefault: number, file: string): void {
  test.runIf(one !== undefined)(`${mode}: the seed that was asked for`, { timeout: 600_000 }, async () => {
    await simulatePair(mode, Number(one), file);
  });

  const seeds = Number(process.env.TOWLINE_SIM_SEEDS ?? seedsDefault);
  test.runIf(one === undefined)(`${mode}: ${String(seeds)} seeds`, { timeout: 3_600_000 }, async () => {
    const failures: string[] = [];
    for (let seed = first; seed < first + seeds && failures.length < 10; seed++) {
      try {
        await simulatePair(mode, seed, file);
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
    expect(failures.join('\n\n')).toBe('');
  });
}
