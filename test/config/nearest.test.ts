import { expect, test } from 'vitest';
import { nearestName } from '../../src/config/nearest.js';
import { settingSchemas } from '../../src/config/schema.js';

const known = Object.keys(settingSchemas);

test.each([
  ['prot', 'port'],
  ['delet', 'delete'],
  ['accept-new', 'acceptNew'],
  ['STATE_DIR', 'stateDir'],
  ['setleMs', 'settleMs'],
  ['excludes', 'exclude'],
  ['identity', 'identityFiles'],
  ['hooks', null],
  ['x', null],
  ['', null],
  ['q'.repeat(1000), null],
])('%j means %j', (given, meant) => {
  expect(nearestName(given, known)).toBe(meant);
});

test('every known name is nearest to itself', () => {
  expect(known.map((name) => nearestName(name, known))).toEqual(known);
});
