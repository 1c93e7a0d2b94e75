import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Calm } from '../../src/watch/calm.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function calm(): { calm: Calm; calls: number[] } {
  const calls: number[] = [];
  const beginMs = performance.now();
  const onCalm = () => void calls.push(performance.now() - beginMs);
  return { calm: new Calm({ quietMs: 100, maxMs: 350, onCalm }), calls };
}

test('calls once, when it has been quiet for long enough', () => {
  const { calm: waiting, calls } = calm();
  for (let n = 0; n < 3; n++) {
    waiting.touch();
    vi.advanceTimersByTime(60);
  }
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(calls).toEqual([220]);
  waiting.touch();
  vi.advanceTimersByTime(1_000);
  expect(calls).toHaveLength(2);
});

test('calls at the latest when the longest wait is over', () => {
  const { calm: waiting, calls } = calm();
  for (let n = 0; n < 7; n++) {
    waiting.touch();
    vi.advanceTimersByTime(50);
  }
  expect(calls).toEqual([350]);
});

test('does not call once it was cancelled', () => {
  const { calm: waiting, calls } = calm();
  waiting.touch();
  waiting.cancel();
  vi.advanceTimersByTime(1_000);
  expect(calls).toEqual([]);
});
