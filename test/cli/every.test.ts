import { expect, test } from 'vitest';
import { parseEvery, repeat, type Repetition } from '../../src/cli/every.js';
import type { CliContext } from '../../src/cli/context.js';
import { TowlineError } from '../../src/core/errors.js';
import { run } from './fakes.js';

test.each([
  ['1s', 1_000],
  ['30s', 30_000],
  ['15m', 900_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['14d', 1_209_600_000],
])('%s is %i ms', (text, ms) => {
  expect(parseEvery(text)).toBe(ms);
});

test.each(['', '1', 'h', '0s', '1w', '-1h', '1.5h', '1h30m', '15d', '1000000000s', 'hourly'])(
  "'%s' is no time",
  (text) => {
    expect(() => parseEvery(text)).toThrow(`'${text}' is no time between runs`);
  },
);

interface Played {
  readonly signal: () => void;
  readonly pauses: number[];
  readonly told: string[];
  readonly ended: Promise<number>;
}

/** Repeats `once`; each pause ends at once, unless it is stopped first. */
function play(once: (turn: number, signal: () => void) => Promise<number>, random = 0.5): Played {
  const listeners = new Set<() => void>();
  const signal = () => {
    for (const listener of listeners) listener();
  };
  const context = {
    now: () => new Date(0),
    onSignal: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow: () => undefined,
  } as unknown as CliContext;
  const pauses: number[] = [];
  const told: string[] = [];
  let turn = 0;
  const repetition: Repetition = {
    context,
    everyMs: 60_000,
    once: () => once(++turn, signal),
    failed: (error) => told.push(error.code),
    waiting: (text) => told.push(text),
    pause: async (ms, abort) => {
      pauses.push(ms);
      abort.throwIfAborted();
    },
    random: () => random,
  };
  return { signal, pauses, told, ended: repeat(repetition) };
}

test('run after run, never two at once, until it is stopped', async () => {
  let running = 0;
  const played = play(async (turn, signal) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    running--;
    if (turn === 3) signal();
    return turn;
  });
  expect(await played.ended).toBe(0);
  expect(played.pauses).toEqual([60_000, 60_000]);
  expect(played.told).toEqual(['next run in 1 min 0 s', 'next run in 1 min 0 s']);
});

test('the time between is jittered by a tenth', async () => {
  const stopSecond = async (turn: number, signal: () => void) => {
    if (turn === 2) signal();
    return 0;
  };
  const early = play(stopSecond, 0);
  const late = play(stopSecond, 0.999_999);
  await Promise.all([early.ended, late.ended]);
  expect(early.pauses).toEqual([54_000]);
  expect(late.pauses[0]).toBeCloseTo(66_000, 0);
});

test('a run that failed is told of, and the next one has its turn', async () => {
  const played = play(async (turn, signal) => {
    if (turn === 1) throw new TowlineError('network', 'refused');
    if (turn === 2) throw new TowlineError('locked', 'another agent');
    signal();
    return 0;
  });
  expect(await played.ended).toBe(0);
  expect(played.told).toEqual(['network', 'next run in 1 min 0 s', 'locked', 'next run in 1 min 0 s']);
});

test.each(['configuration', 'authentication', 'host-key'] as const)(
  'another turn does not mend %s',
  async (code) => {
    const played = play(() => Promise.reject(new TowlineError(code, 'no')));
    await expect(played.ended).rejects.toMatchObject({ code });
    expect(played.told).toEqual([]);
  },
);

test('a stop during a run ends it with 0', async () => {
  const played = play(async (_, signal) => {
    signal();
    throw new TowlineError('interrupted', 'interrupted');
  });
  expect(await played.ended).toBe(0);
});

test('a stop between runs ends it at once', async () => {
  const listeners = new Set<() => void>();
  const context = {
    now: () => new Date(0),
    onSignal: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow: () => undefined,
  } as unknown as CliContext;
  const ended = repeat({
    context,
    everyMs: 86_400_000,
    once: () => Promise.resolve(0),
    failed: () => undefined,
    waiting: () => {
      for (const listener of listeners) listener();
    },
  });
  expect(await ended).toBe(0);
  expect(listeners.size).toBe(0);
});

test('the flag is checked before anything is done', async () => {
  const ran = await run(['push', '--every', '1w', '.', 'box:x']);
  expect(ran).toMatchObject({ code: 2, calls: [] });
  expect(ran.stderr).toContain("'1w' is no time between runs");
});

test('a dry run is done once', async () => {
  expect((await run(['push', '-n', '--every', '1h', '.', 'box:x'])).calls).toHaveLength(1);
});
