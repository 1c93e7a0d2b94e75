/** The simulation of `two-way`, in all its conflict policies. */
import { testSeeds } from './pair-seeds.js';

/** See docs/reliability.md. */
const open = [
  [
    360,
    'a local root that is gone is made anew, what is new there is brought into it, and then it counts as present',
  ],
  [
    656,
    'a scan that listed a file before it was replaced sends it again; a crash in a replacement in two steps follows',
  ],
] as const;

testSeeds('two-way', 900, 'test/sim/two-way.test.ts', open);
