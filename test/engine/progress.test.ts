import { expect, test } from 'vitest';
import type { AgentEvent } from '../../src/engine/events.js';
import { progressOfEvents } from '../../src/engine/progress-events.js';
import { ManualClock } from '../support/manual-clock.js';

const mib = 2 ** 20;

function meter() {
  const clock = new ManualClock();
  const progressOf = progressOfEvents(clock);
  return {
    clock,
    tell: (...events: AgentEvent[]) => events.map((event) => progressOf(event)).at(-1) ?? null,
  };
}

const plan = (files: number, bytes: number): AgentEvent => ({ type: 'plan', actions: [], files, bytes });
const file = (path: string, size: number) => ({ path, action: 'upload', size }) as const;
const listed: AgentEvent = { type: 'scan-listed', entries: 3 };
const batch = { type: 'batch' } as AgentEvent;

test('a file and the total, with speed and time left', () => {
  const { clock, tell } = meter();
  tell({ type: 'scan-start', cause: 'start' }, plan(2, 10 * mib));
  const a = file('a', 8 * mib);
  expect(tell({ type: 'transfer-start', ...a })).toEqual({
    file: { ...a, bytes: 0, rate: 0, leftMs: null },
    total: { files: 0, filesFound: 2, bytes: 0, bytesFound: 10 * mib, listed: false, rate: 0, leftMs: null },
  });
  clock.advance(2_000);
  tell({ type: 'transfer-progress', ...a, bytes: 2 * mib });
  const half = tell({ type: 'transfer-progress', ...a, bytes: 4 * mib });
  expect(half?.file).toEqual({ ...a, bytes: 4 * mib, rate: 2 * mib, leftMs: 2_000 });
  // More may be found.
  expect(half?.total).toMatchObject({ bytes: 4 * mib, rate: 2 * mib, leftMs: null });
  tell(listed);
  const more = tell({ type: 'transfer-progress', ...a, bytes: 4 * mib });
  expect(more?.total.listed).toBe(true);
  // Two files of 16 KiB each are what the files themselves take.
  expect(more?.total.leftMs).toBeCloseTo(((6 * mib + 2 * 16_384) / (2 * mib)) * 1_000, 5);
  expect(tell({ type: 'transfer-end', ...a, ok: true })).toMatchObject({
    file: { bytes: 8 * mib },
    total: { files: 1, filesFound: 2, bytes: 8 * mib, bytesFound: 10 * mib },
  });
});

test('a file that failed or had to be sent anew does not count twice', () => {
  const { tell } = meter();
  const a = file('a', 100);
  tell(plan(1, 100), { type: 'transfer-start', ...a });
  expect(tell({ type: 'transfer-progress', ...a, bytes: 250 })).toMatchObject({
    file: { bytes: 100 },
    total: { bytes: 100, bytesFound: 100 },
  });
  expect(tell({ type: 'transfer-end', ...a, ok: false })).toMatchObject({
    total: { files: 0, bytes: 0, filesFound: 1 },
  });
  tell({ type: 'transfer-start', ...a });
  expect(tell({ type: 'transfer-end', ...a, ok: true })).toMatchObject({
    total: { files: 1, bytes: 100, filesFound: 1, bytesFound: 100 },
  });
});

test('what nobody announced is found when it begins', () => {
  const { tell } = meter();
  expect(tell({ type: 'transfer-start', ...file('a', 7) })).toMatchObject({
    total: { filesFound: 1, bytesFound: 7 },
  });
});

test('the count begins anew with the first plan after a batch, unless something is still on its way', () => {
  const { tell } = meter();
  const [a, b] = [file('a', 1), file('b', 10)];
  tell(plan(2, 11), { type: 'transfer-start', ...a }, { type: 'transfer-start', ...b });
  tell({ type: 'transfer-end', ...a, ok: true }, batch, plan(1, 100));
  expect(tell({ type: 'transfer-end', ...b, ok: true })).toMatchObject({
    total: { files: 2, filesFound: 3, bytesFound: 111 },
  });
  tell(batch, plan(1, 5));
  expect(tell({ type: 'transfer-start', ...file('c', 5) })).toMatchObject({
    total: { files: 0, filesFound: 1, bytes: 0, bytesFound: 5 },
  });
});

test('a scan that begins again counts what it finds once', () => {
  const { tell } = meter();
  tell({ type: 'scan-start', cause: 'start' }, plan(3, 30));
  tell({ type: 'scan-start', cause: 'start' }, plan(3, 30));
  expect(tell({ type: 'transfer-start', ...file('a', 10) })).toMatchObject({
    total: { filesFound: 3, bytesFound: 30 },
  });
});
