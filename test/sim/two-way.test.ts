/** The simulation of `two-way`, in all its conflict policies. */
import { testSeeds } from './pair-seeds.js';

testSeeds('two-way', 900, 'test/sim/two-way.test.ts');
