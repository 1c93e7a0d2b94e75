/** Seeds of the modes that found a fault, and what it was: each fails again when the mended line is taken back. */
import { test } from 'vitest';
import type { Mode } from '../../src/core/policy.js';
import { simulatePair } from './pair-scene.js';

const faults: readonly (readonly [Mode, number, string])[] = [
  ['pull-backup', 1, 'a name that cannot be carried, told by the server, stayed a problem for ever'],
  ['pull-backup', 6, 'a link that broke while the rules were read from the server ended the agent'],
  [
    'pull',
    519,
    'a folder that stays was opened for nothing, and that event brought the next attempt, for ever',
  ],
  ['pull', 675, 'the same, with the folder above it'],
  ['pull', 1171, 'the same, below others that go'],
  ['push', 42, 'a folder that others removed, and that is to stay so (drift kept), was looked into for ever'],
  ['push', 73, 'drift in a folder was forgotten when the source lost the folder, and overwritten later'],
  ['push', 281, 'drift was forgotten when the source lost its path, and overwritten when it had it again'],
  ['two-way', 48, 'a lock that could not be removed was taken for that of another agent by the next attempt'],
  [
    'two-way',
    248,
    'a folder that a file was to take the place of was looked into first, and so never replaced',
  ],
  ['two-way', 360, 'new things were brought into a root that was lost, and what it lacked then was deleted'],
  ['two-way', 656, 'a listing older than the base sent a file again, and a crash in that deleted it'],
  ['two-way', 1138, 'the folder of a version that had to make way was opened on the other side'],
  ['two-way', 427, 'a temp that could not be removed ended the agent'],
];

test.each(faults)('%s, seed %i: %s', async (mode, seed) => {
  await simulatePair(mode, seed, 'test/sim/pair-regressions.test.ts');
});
