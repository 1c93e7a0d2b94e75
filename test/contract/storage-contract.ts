/**
 * One suite that every Storage passes: each promise of `Storage` in ports.ts is kept here by a test. What a side has
 * declared that it cannot do is skipped, nothing else.
 */
import { describe } from 'vitest';
import type { InPlaceStorage } from '../../src/ports-in-place.js';
import { attributePromises } from './attributes.js';
import { hashPromises } from './hashes.js';
import { movePromises } from './moves.js';
import { inPlacePromises } from './in-place.js';
import { namePromises } from './names.js';
import { observePromises } from './observe.js';
import { removalPromises } from './removal.js';
import { resumePromises } from './resume.js';
import { rootPromises } from './root.js';
import { scanPromises } from './scan.js';
import type { MakeSide } from './side.js';
import { sourcePromises } from './source.js';
import { symlinkPromises } from './symlinks.js';
import { tempPromises } from './temps.js';

/**
 * Declares the suite.
 * @param make a fresh side for each test; what it made is freed by `dispose`
 */
export function storageContract(name: string, make: MakeSide): void {
  describe(`${name} keeps the contract of Storage`, () => {
    rootPromises(make);
    scanPromises(make);
    observePromises(make);
    sourcePromises(make);
    hashPromises(make);
    tempPromises(make);
    resumePromises(make);
    attributePromises(make);
    symlinkPromises(make);
    movePromises(make);
    removalPromises(make);
    namePromises(make);
  });
}

/** The same for the promises of `InPlaceStorage`. */
export function inPlaceContract(name: string, make: MakeSide<InPlaceStorage>): void {
  describe(`${name} keeps the contract of InPlaceStorage`, () => inPlacePromises(make));
}
