/** The simulation of the modes that keep everything. */
import { testSeeds } from './pair-seeds.js';

testSeeds('push-backup', 250, 'test/sim/backups.test.ts');
testSeeds('pull-backup', 250, 'test/sim/backups.test.ts');
