/** The same simulation with a file that is large enough to be gone on with after an interruption. */
import { expect, test } from 'vitest';
import type { Mode } from '../../src/core/policy.js';
import type { Knobs } from './knobs.js';
import { simulatePair } from './pair-scene.js';
import { simulate } from './push.js';
import type { Outcome } from './simulation.js';

const seedsDefault = 60;
const minutes = { timeout: 600_000 };
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

/** With people at work on both sides: fewer of them, and a link that breaks more often, or hardly anything would be gone on with. */
const harsh: Partial<Knobs> = {
  ...slow,
  latencyMs: 500,
  edits: 3,
  editNow: 0.001,
  foreign: 2,
  faults: { refused: 0.002, lostReply: 0.01, disconnect: 0.2, crash: 0.02, frozen: 0.5 },
};

const pair = (mode: Mode) => (seed: number) => simulatePair(mode, seed, 'test/sim/resume.test.ts', harsh);

/** Where both sides are looked at after every step, a large file takes its time: fewer seeds. */
const few = (share: number) => Math.ceil(seeds * share);

const plays: readonly (readonly [string, number, (seed: number) => Promise<Outcome>])[] = [
  ['uploads', seeds, (seed) => simulate(seed, slow)],
  ['pull', few(0.4), pair('pull')],
  ['two-way', few(0.4), pair('two-way')],
];

test.runIf(one !== undefined).each(plays)('%s: the seed that was asked for', async (_name, _count, play) => {
  await play(Number(one));
});

test.runIf(one === undefined).each(plays)(
  '%s: %i seeds with a large file',
  minutes,
  async (_, count, play) => {
    const failures: string[] = [];
    let resumed = 0;
    for (let seed = first; seed < first + count && failures.length < 10; seed++) {
      try {
        resumed += (await play(seed)).resumed;
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
    expect(failures.join('\n\n')).toBe('');
    // Otherwise nothing was shown.
    expect(resumed).toBeGreaterThan(0);
  },
);
