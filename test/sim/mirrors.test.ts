/** The simulation of the modes in which one side follows the other, in all their drift policies. */
import { testSeeds } from './pair-seeds.js';

testSeeds('push', 350, 'test/sim/mirrors.test.ts');
testSeeds('pull', 350, 'test/sim/mirrors.test.ts');
