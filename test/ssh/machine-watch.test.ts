import { expect, test } from 'vitest';
import { watchMachine } from '../../src/ssh/machine-watch.js';
import { ManualClock } from '../support/manual-clock.js';

function watched() {
  const clock = new ManualClock();
  const seen: string[] = [];
  let addresses = '192.0.2.1';
  const stop = watchMachine({ clock, addresses: () => addresses, changed: (what) => seen.push(what) });
  return { clock, seen, stop, move: (to: string) => (addresses = to) };
}

test('says nothing while time runs evenly', () => {
  const { clock, seen } = watched();
  clock.advance(3_600_000);
  expect(seen).toEqual([]);
});

test.each([11_000, 8 * 3_600_000, -3_600_000])('notices once that the clock moved by %d ms', (ms) => {
  const { clock, seen } = watched();
  clock.advance(5000);
  clock.jump(ms);
  clock.advance(2000);
  expect(seen).toEqual(['woke']);
  clock.advance(60_000);
  expect(seen).toEqual(['woke']);
});

test('notices once that the machine is in another network', () => {
  const { clock, seen, move } = watched();
  move('198.51.100.7');
  clock.advance(60_000);
  expect(seen).toEqual(['network']);
});

test('is over when it is stopped', () => {
  const { clock, seen, stop, move } = watched();
  stop();
  move('');
  clock.jump(60_000);
  clock.advance(60_000);
  expect(seen).toEqual([]);
  expect(clock.timers).toBe(0);
});

test('asks this machine where nothing else is given', () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  watchMachine({ clock, changed: (what) => seen.push(what) });
  clock.advance(10_000);
  expect(seen).toEqual([]);
});
