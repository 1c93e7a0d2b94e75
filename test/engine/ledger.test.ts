import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BasePair } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { Ledger } from '../../src/engine/ledger.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeState } from './fake-state.js';

const full = new TowlineError('state', 'the disk of the state is full');
/** More than the ledger gathers for. */
const longMs = 1_000;

function pairOf(size: number): BasePair {
  const entry = { kind: 'file' as const, size, mtimeMs: 0, mode: 0o644 };
  return { local: entry, remote: entry, racy: false };
}

let fake: FakeState;
let clock: ManualClock;
let ledger: Ledger;
beforeEach(() => {
  fake = new FakeState();
  clock = new ManualClock();
  ledger = new Ledger(fake.state, clock);
});

/** Whether it has settled by now, after everything that could happen without the clock has happened. */
async function settled(work: Promise<unknown>): Promise<boolean> {
  let done = false;
  work.then(
    () => (done = true),
    () => (done = true),
  );
  await new Promise(setImmediate);
  return done;
}

describe('commits', () => {
  test('that come together are one transaction, once the time to gather is over', async () => {
    const all = Promise.all(['a', 'b', 'c'].map((path, index) => ledger.commit(path, pairOf(index))));
    expect(await settled(all)).toBe(false);
    expect(fake.written).toEqual([]);
    clock.advance(longMs);
    await all;
    expect(fake.written).toEqual(['base a b c']);
    expect(fake.base.get('b')).toEqual(pairOf(1));
    expect(clock.timers).toBe(0);
  });

  test('resolve only when the base has written', async () => {
    const release = fake.hold();
    const commit = ledger.commit('a', null);
    const flush = ledger.flush();
    expect(await settled(Promise.race([commit, flush]))).toBe(false);
    release();
    await Promise.all([commit, flush]);
    expect(fake.base.get('a')).toBeNull();
  });

  test('for one path: the later wins, both resolve', async () => {
    const both = [ledger.commit('a', pairOf(1)), ledger.commit('a', null)];
    await ledger.flush();
    await Promise.all(both);
    expect(fake.base.get('a')).toBeNull();
    expect(fake.written).toEqual(['base a']);
  });

  test('that are many do not wait for the clock', async () => {
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => ledger.commit(`p${index}`, pairOf(index))));
    expect(fake.base.size).toBe(2_000);
  });

  test('that come while another transaction runs are the next one', async () => {
    const release = fake.hold();
    const first = ledger.commit('a', pairOf(1));
    const flush = ledger.flush();
    await settled(flush);
    const second = ledger.commit('a', pairOf(2));
    clock.advance(longMs);
    expect(await settled(Promise.race([first, second]))).toBe(false);
    expect(fake.written).toEqual(['base a']);
    release();
    await Promise.all([first, second, flush]);
    expect(fake.written).toEqual(['base a', 'base a']);
    expect(fake.base.get('a')).toEqual(pairOf(2));
  });
});

describe('temps', () => {
  test('leave the record after the base rows of the same flush', async () => {
    const gone = ledger.tempGone('t');
    const commit = ledger.commit('a', pairOf(1));
    await ledger.flush();
    await Promise.all([gone, commit]);
    expect(fake.written).toEqual(['base a', 'forget t']);
  });

  test('alone need no transaction of the base', async () => {
    const gone = ledger.tempGone('t');
    clock.advance(longMs);
    await gone;
    expect(fake.written).toEqual(['forget t']);
  });

  test('stay on record when the base could not be written', async () => {
    fake.failNext('commit', full);
    const both = [ledger.commit('a', pairOf(1)), ledger.tempGone('t')];
    await Promise.all([ledger.flush(), ...both.map((one) => expect(one).rejects.toBe(full))]);
    expect(fake.written).toEqual([]);
  });
});

describe('a failure', () => {
  test('reaches all who wait, and nobody after them', async () => {
    fake.failNext('commit', full);
    const all = ['a', 'b', 'c'].map((path) => ledger.commit(path, pairOf(1)));
    clock.advance(longMs);
    await Promise.all(all.map((one) => expect(one).rejects.toBe(full)));
    const later = ledger.commit('d', pairOf(2));
    clock.advance(longMs);
    await later;
    expect(fake.written).toEqual(['base d']);
  });

  test('is none of whoever flushes', async () => {
    fake.failNext('commit', full);
    const commit = ledger.commit('a', pairOf(1));
    await Promise.all([expect(commit).rejects.toBe(full), expect(ledger.flush()).resolves.toBeUndefined()]);
  });

  test('of the record reaches those who wait too', async () => {
    fake.failNext('forget', full);
    const gone = ledger.tempGone('t');
    clock.advance(longMs);
    await expect(gone).rejects.toBe(full);
    const next = ledger.tempGone('u');
    clock.advance(longMs);
    await next;
  });
});

test('a flush without anything to write writes nothing', async () => {
  await ledger.flush();
  expect(fake.written).toEqual([]);
});

test('whatever comes in whatever order: who was told "written" finds it so, and nobody waits for ever', async () => {
  const path = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ act: fc.constant('commit' as const), path, size: fc.nat() }),
    fc.record({ act: fc.constant('drop' as const), path }),
    fc.record({ act: fc.constant('temp' as const), path }),
    fc.record({ act: fc.constantFrom('flush', 'advance', 'fail', 'turn') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const state = new FakeState();
      const hands = new ManualClock();
      const book = new Ledger(state.state, hands);
      const promised: Promise<'written' | 'failed'>[] = [];
      const last = new Map<string, { pair: BasePair | null; end: Promise<'written' | 'failed'> }>();
      const told = (work: Promise<void>) => {
        const end = work.then(
          () => 'written' as const,
          () => 'failed' as const,
        );
        promised.push(end);
        return end;
      };
      for (const one of steps) {
        if (one.act === 'commit' || one.act === 'drop') {
          const pair = one.act === 'commit' ? pairOf(one.size) : null;
          last.set(one.path, { pair, end: told(book.commit(one.path, pair)) });
        } else if (one.act === 'temp') void told(book.tempGone(one.path));
        else if (one.act === 'flush') void book.flush();
        else if (one.act === 'advance') hands.advance(longMs);
        else if (one.act === 'fail') state.failNext('commit', full);
        else await new Promise(setImmediate);
      }
      await book.flush();
      await Promise.all(promised);
      for (const [name, { pair, end }] of last) {
        if ((await end) === 'written') expect(state.base.get(name)).toEqual(pair);
      }
    }),
  );
});
