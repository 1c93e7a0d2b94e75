import { beforeEach, expect, test } from 'vitest';
import { StallWatch } from '../../src/engine/stall-watch.js';
import { ManualClock } from '../support/manual-clock.js';

let clock: ManualClock;
let told: string[];
let watch: StallWatch;

beforeEach(() => {
  clock = new ManualClock();
  told = [];
  watch = new StallWatch(clock, (reason) => told.push(reason));
  watch.start();
});

test('a stall is told once', () => {
  clock.advance(5_500);
  expect(told).toEqual([]);
  clock.stall(7_500);
  expect(told).toEqual(['the process stood still for 7 s: events may be lost']);
  clock.advance(300_000);
  expect(told).toHaveLength(1);
});

test('a timer that is a little late is no stall', () => {
  for (let count = 0; count < 20; count++) clock.stall(3_500);
  expect(told).toEqual([]);
});

test('a sleep of the machine is told once; a clock that is set back is none', () => {
  clock.jump(-3_600_000);
  clock.advance(5_000);
  expect(told).toEqual([]);
  clock.jump(3_600_000);
  clock.advance(120_000);
  expect(told).toEqual(['the machine slept for 3600 s: events may be lost']);
});

test('stalls that follow each other are told once a minute, and the last is not forgotten', () => {
  for (let count = 0; count < 5; count++) clock.stall(6_000);
  expect(told).toHaveLength(1);
  clock.advance(58_000);
  expect(told).toHaveLength(2);
  clock.advance(300_000);
  expect(told).toHaveLength(2);
});

test('nothing is told after it was closed', () => {
  watch.close();
  clock.stall(60_000);
  expect(told).toEqual([]);
  expect(clock.timers).toBe(0);
});
