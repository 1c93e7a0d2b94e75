import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOverflowDetector, readQueueMax } from '../../src/watch/overflow.js';
import { freshFolder } from '../support/folder.js';

function tell(queueMax: number, events: number, everyMs: number): number {
  const detector = createOverflowDetector({ queueMax });
  let told = 0;
  for (let n = 0; n < events; n++) if (detector.event(n * everyMs)) told++;
  return told;
}

test('more than half of the queue within a second is told once', () => {
  expect(tell(100, 51, 0)).toBe(1);
  expect(tell(100, 50, 0)).toBe(0);
  expect(tell(100, 1_000, 1)).toBe(1);
  expect(tell(100, 1_000, 40)).toBe(0);
});

test('a pause empties the window', () => {
  const detector = createOverflowDetector({ queueMax: 100 });
  for (let round = 0; round < 10; round++) {
    for (let n = 0; n < 40; n++) expect(detector.event(round * 2_000)).toBe(false);
  }
});

test("the queue's size is read, with Linux's default where it cannot be", async () => {
  const folder = freshFolder();
  writeFileSync(join(folder, 'good'), '4096\n');
  writeFileSync(join(folder, 'bad'), 'many\n');
  expect(await readQueueMax(join(folder, 'good'))).toBe(4096);
  expect(await readQueueMax(join(folder, 'bad'))).toBe(16_384);
  expect(await readQueueMax(join(folder, 'none'))).toBe(16_384);
  expect(await readQueueMax()).toBeGreaterThan(0);
});
