import { beforeEach, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { lockPath } from '../../src/core/lock.js';
import { nameOf, parentOf } from '../../src/core/path.js';
import { silence } from '../../src/core/silence.js';
import { tempAgentOf } from '../../src/core/tempname.js';
import { Ledger } from '../../src/engine/ledger.js';
import { Temps } from '../../src/engine/temps.js';
import { type MemoryStorage, createMemoryStorage } from '../../src/storage/memory/storage.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeState } from './fake-state.js';

const full = new TowlineError('state', 'the disk of the state is full');

/** Dice that never show the same twice in a row. */
class DicedClock extends ManualClock {
  #thrown = 0;

  override random(): number {
    this.#thrown++;
    return (this.#thrown * 0.618_033_988_749_894_9) % 1;
  }
}

let fake: FakeState;
let ledger: Ledger;
let clock: DicedClock;
let temps: Temps;
let remote: MemoryStorage;
let local: MemoryStorage;
/** Whether `removeTemps` of the storage gets through. */
let reachable: boolean;
beforeEach(() => {
  fake = new FakeState();
  clock = new DicedClock();
  ledger = new Ledger(fake.state, clock);
  temps = new Temps(fake.state.partials, ledger, clock, silence, 'agent7');
  reachable = true;
  local = createMemoryStorage();
  remote = createMemoryStorage({
    before: (operation) => {
      if (operation === 'removeTemps' && !reachable) throw new TowlineError('network', 'the link went');
    },
  });
});

async function make(temp: string): Promise<void> {
  const made = await remote.createTemp('any.txt', nameOf(temp));
  await made.write(Buffer.from('half'), 0);
}

async function tempsThere(): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of remote.scan({ under: '', excludes: () => false })) {
    for (const item of batch) if (item.type === 'temp') found.push(item.path);
  }
  return found.sort();
}

describe('reserve', () => {
  test('gives a name of ours beside each path, all different, all on record', async () => {
    const paths = ['a.txt', 'd/e/b.txt', 'd/e/b.txt', 'x'.repeat(255)];
    const names = await temps.reserve('remote', paths);
    expect(new Set(names).size).toBe(paths.length);
    names.forEach((temp, index) => {
      expect(parentOf(temp)).toBe(parentOf(paths[index]!));
      expect(tempAgentOf(nameOf(temp))).toBe('agent7');
      expect(Buffer.byteLength(nameOf(temp))).toBeLessThanOrEqual(255);
      expect(fake.partials.get(temp)).toEqual({
        temp,
        path: paths[index],
        side: 'remote',
        fingerprint: null,
        offset: 0,
      });
      expect(temps.isInUse(temp)).toBe(true);
    });
  });

  test('gives no name before it is on record', async () => {
    const release = fake.hold();
    let given = false;
    const reserved = temps.reserve('remote', ['a.txt']).then(() => (given = true));
    await new Promise(setImmediate);
    expect(given).toBe(false);
    release();
    await reserved;
  });

  test('gives no name that could not be put on record', async () => {
    fake.failNext('record', full);
    await expect(temps.reserve('remote', ['a.txt'])).rejects.toBe(full);
    expect(await temps.sweep('remote', remote)).toBe(0);
  });

  test('of nothing writes nothing', async () => {
    fake.failNext('record', full);
    expect(await temps.reserve('remote', [])).toEqual([]);
  });
});

/** The base knows what is at these paths. */
async function settle(...paths: string[]): Promise<void> {
  for (const path of paths) temps.settled(path);
  await ledger.flush();
}

describe('a path whose temp may have become a file', () => {
  test('is in doubt until it is settled, whatever is swept, in this process and the next', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    expect(temps.isDoubtful('a.txt')).toBe(false);
    temps.abandon(temp);
    expect(temps.isDoubtful('a.txt')).toBe(true);
    expect(await temps.sweep('remote', remote)).toBe(1);
    expect(temps.isDoubtful('a.txt')).toBe(true);
    expect(await temps.sweep('remote', remote)).toBe(0);
    const next = new Temps(fake.state.partials, ledger, clock, silence, 'agent7');
    await next.sweep('remote', remote);
    expect(next.isDoubtful('a.txt')).toBe(true);
    expect(next.isDoubtful('b.txt')).toBe(false);
    await settle('a.txt');
    expect(temps.isDoubtful('a.txt')).toBe(false);
    expect(fake.partials.size).toBe(0);
  });

  test('is in doubt no more when everything was compared', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    temps.abandon(temp);
    await temps.sweep('remote', remote);
    await temps.sweepAll({ local: remote, remote });
    expect(temps.isDoubtful('a.txt')).toBe(false);
    expect(fake.partials.size).toBe(0);
  });
});

describe('a sweep', () => {
  test('removes what nobody uses, here and on record, and leaves the rest', async () => {
    const [used, abandoned, here] = [
      ...(await temps.reserve('remote', ['a.txt', 'b.txt'])),
      ...(await temps.reserve('local', ['c.txt'])),
    ] as [string, string, string];
    await make(used);
    await make(abandoned);
    temps.abandon(abandoned);
    temps.abandon(here);
    expect(await temps.sweep('remote', remote)).toBe(1);
    expect(await tempsThere()).toEqual([used]);
    await settle('b.txt');
    expect([...fake.partials.keys()].sort()).toEqual([used, here].sort());
  });

  test('of what work left needs somebody to have left something that is not to be continued', async () => {
    const [used, abandoned] = (await temps.reserve('remote', ['a.txt', 'b.txt'])) as [string, string];
    await make(used);
    await make(abandoned);
    let removals = 0;
    const counting = {
      ...remote,
      removeTemps: (paths: readonly string[]) => {
        removals++;
        return remote.removeTemps(paths);
      },
    };
    await temps.sweepLeft(counting);
    expect(removals).toBe(0);
    temps.abandon(abandoned);
    await temps.sweepLeft(counting);
    expect(removals).toBe(1);
    expect(await tempsThere()).toEqual([used]);
    await temps.sweepLeft(counting);
    expect(removals).toBe(1);
  });

  test('finds what an earlier process left', async () => {
    const temp = '.towline-agent7-old.tmp';
    fake.partials.set(temp, { temp, path: 'a.txt', side: 'remote', fingerprint: null, offset: 0 });
    await make(temp);
    expect(await temps.sweep('remote', remote)).toBe(1);
    expect(await tempsThere()).toEqual([]);
    await settle('a.txt');
    expect(fake.partials.size).toBe(0);
  });

  test('takes what was never made for gone', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    temps.abandon(temp);
    expect(await temps.sweep('remote', remote)).toBe(1);
    await settle('a.txt');
    expect(fake.partials.size).toBe(0);
  });

  test('forgets only what is certainly gone', async () => {
    const reserved = (await temps.reserve('remote', ['a.txt', 'b.txt'])) as [string, string];
    for (const temp of reserved) temps.abandon(temp);
    const [gone, stays] = reserved;
    const stubborn = { ...remote, removeTemps: () => Promise.resolve([gone]) };
    expect(await temps.sweep('remote', stubborn)).toBe(1);
    await settle('a.txt', 'b.txt');
    expect([...fake.partials.keys()]).toEqual([stays]);
  });

  test('that does not get through forgets nothing', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    await make(temp);
    temps.abandon(temp);
    reachable = false;
    await temps.sweep('remote', remote).catch(() => 0);
    expect([...fake.partials.keys()]).toEqual([temp]);
    reachable = true;
    expect(await temps.sweep('remote', remote)).toBe(1);
    expect(await tempsThere()).toEqual([]);
  });

  test('sees to both sides, and leaves one alone that must not be written to', async () => {
    const [there] = (await temps.reserve('remote', ['a.txt'])) as [string];
    const [here] = (await temps.reserve('local', ['a.txt'])) as [string];
    await (await local.createTemp('a.txt', nameOf(here))).leave();
    await make(there);
    temps.abandon(there);
    temps.abandon(here);
    const readOnly = {
      ...local,
      removeTemps: () => Promise.reject(new TowlineError('unsupported', 'it is only read')),
    };
    await temps.sweepAll({ local: readOnly, remote });
    expect(await tempsThere()).toEqual([]);
    expect([...fake.partials.keys()]).toEqual([here]);
    await temps.sweepAll({ local, remote });
    expect(local.edit.names('')).toEqual([]);
    expect(fake.partials.size).toBe(0);
  });

  test('gives up what cannot be removed for hours, in one process or several, and says so', async () => {
    const [stuck, other] = (await temps.reserve('remote', ['shut/a.txt', 'b.txt'])) as [string, string];
    for (const temp of [stuck, other]) temps.abandon(temp);
    const shut = { ...remote, removeTemps: () => Promise.resolve([other]) };
    const told: unknown[] = [];
    const log = { ...silence, warn: (message: string, fields?: object) => told.push([message, fields]) };
    for (let run = 1; run <= 5; run++) {
      expect([run, [...fake.partials.keys()]]).toEqual([run, run === 1 ? [stuck, other] : [stuck]]);
      const next = new Temps(fake.state.partials, ledger, clock, log, 'agent7');
      // Many tries within the hour count as one: the link may have come and gone.
      for (let again = 0; again < 10; again++) await next.sweepAll({ local, remote: shut });
      expect(next.isInUse(stuck)).toBe(false);
      clock.advance(61 * 60_000);
    }
    expect(fake.partials.size).toBe(0);
    expect(told).toEqual([
      [expect.stringMatching(/could not be removed.*left where it is/), { side: 'remote', path: stuck }],
    ]);
  });

  test('at the very moment a name is put on record leaves it', async () => {
    const release = fake.hold();
    const reserved = temps.reserve('remote', ['a.txt']);
    await new Promise(setImmediate);
    // The row is written; whoever reserved it has not heard of it yet.
    const swept = temps.sweep('remote', remote);
    release();
    const [temp] = (await reserved) as [string];
    await swept;
    expect(fake.partials.has(temp)).toBe(true);
  });
});

describe('a temp that is gone', () => {
  test('leaves the record with what else is written', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    temps.gone(temp);
    expect(temps.isInUse(temp)).toBe(false);
    await ledger.flush();
    expect(fake.partials.size).toBe(0);
  });

  test('stays on record when that fails, for the next sweep', async () => {
    const [temp] = (await temps.reserve('remote', ['a.txt'])) as [string];
    fake.failNext('forget', full);
    temps.gone(temp);
    await ledger.flush();
    expect(fake.partials.has(temp)).toBe(true);
    expect(await temps.sweep('remote', remote)).toBe(1);
    await settle('a.txt');
    expect(fake.partials.size).toBe(0);
  });
});

describe('a lock', () => {
  const lock = lockPath('d/a.txt');

  async function makeLock(): Promise<void> {
    remote.edit.write(lock, '');
  }

  test('is on record before it is made, stays through sweeps while it is in use, and leaves the record at once', async () => {
    expect(await temps.lockOpens('remote', 'd/a.txt', remote)).toBe(lock);
    await makeLock();
    expect([...fake.partials.keys()]).toEqual([lock]);
    expect(await temps.sweep('remote', remote)).toBe(0);
    expect(remote.edit.names('d')).toEqual([nameOf(lock)]);
    await temps.lockGone(lock);
    expect(fake.partials.size).toBe(0);
    temps.abandon(lock);
    expect(await temps.sweep('remote', remote)).toBe(0);
  });

  test('that was left is swept, by the next process too, and leaves no doubt about its path', async () => {
    await temps.lockOpens('remote', 'd/a.txt', remote);
    await makeLock();
    const next = new Temps(fake.state.partials, ledger, clock, silence, 'agent7');
    expect(await next.sweep('remote', remote)).toBe(1);
    expect(remote.edit.names('d')).toEqual([]);
    expect(fake.partials.size).toBe(0);
    expect(next.isDoubtful('d/a.txt')).toBe(false);
  });

  test('that was left is removed before it is wanted again', async () => {
    await temps.lockOpens('remote', 'd/a.txt', remote);
    await makeLock();
    temps.abandon(lock);
    await temps.lockOpens('remote', 'd/a.txt', remote);
    expect(remote.edit.names('d')).toEqual([]);
    expect([...fake.partials.keys()]).toEqual([lock]);
    expect(await temps.sweep('remote', remote)).toBe(0);
  });

  test('is wanted while a sweep is removing it: that comes first', async () => {
    await temps.lockOpens('remote', 'd/a.txt', remote);
    temps.abandon(lock);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const slow = {
      ...remote,
      removeTemps: (paths: readonly string[]) => promise.then(() => remote.removeTemps(paths)),
    };
    const swept = temps.sweep('remote', slow);
    let opened = false;
    const opening = temps.lockOpens('remote', 'd/a.txt', remote).then(() => (opened = true));
    await new Promise(setImmediate);
    expect(opened).toBe(false);
    resolve(undefined);
    await Promise.all([swept, opening]);
    expect([...fake.partials.keys()]).toEqual([lock]);
  });

  test('that could not be taken off the record is swept later', async () => {
    await temps.lockOpens('remote', 'd/a.txt', remote);
    fake.failNext('forget', full);
    await temps.lockGone(lock);
    temps.abandon(lock);
    expect(await temps.sweep('remote', remote)).toBe(1);
    expect(fake.partials.size).toBe(0);
  });
});

describe('what an attempt left', () => {
  const size = 64 * 2 ** 20;
  const source = { fingerprint: 'this very file', size };
  const offset = 9 * 2 ** 20;

  /** A temp of `path` that came to `bytes` and was left. */
  async function leave(path: string, bytes = offset): Promise<string> {
    const [temp] = (await temps.reserve('remote', [path])) as [string];
    await make(temp);
    await temps.progress(temp, source.fingerprint, bytes);
    temps.abandon(temp);
    return temp;
  }

  test('stays through sweeps, until everything was sent', async () => {
    const temp = await leave('a.txt');
    const short = await leave('b.txt', 2 ** 17 - 1);
    expect(temps.isInUse(temp)).toBe(true);
    expect(temps.isInUse(short)).toBe(false);
    await temps.sweepBoth({ local, remote });
    expect(await tempsThere()).toEqual([temp]);
    await temps.sweepAll({ local, remote });
    expect(await tempsThere()).toEqual([]);
    expect(temps.isInUse(temp)).toBe(false);
    expect(fake.partials.size).toBe(0);
  });

  test('is swept after a week', async () => {
    const temp = await leave('a.txt');
    clock.advance(7 * 24 * 60 * 60_000);
    expect(temps.isInUse(temp)).toBe(false);
    await temps.sweepBoth({ local, remote });
    expect(await tempsThere()).toEqual([]);
  });

  test('is taken up by the same path and source only, and once', async () => {
    const temp = await leave('a.txt');
    expect(await temps.takeUp('remote', 'b.txt', remote, source)).toBeNull();
    expect(await temps.takeUp('local', 'a.txt', remote, source)).toBeNull();
    expect(await tempsThere()).toEqual([temp]);
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp, offset });
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toBeNull();
    await temps.sweepAll({ local, remote });
    expect(await tempsThere()).toEqual([temp]);
  });

  test('is found by the next process', async () => {
    const temp = await leave('a.txt');
    const next = new Temps(fake.state.partials, ledger, clock, silence, 'agent7');
    expect(await next.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp, offset });
  });

  test.each([
    ['the source is shorter than it', { ...source, size: offset - 1 }],
    ['nothing is to be continued', null],
  ])('is removed when %s', async (_, other) => {
    await leave('a.txt');
    await leave('a.txt');
    const elsewhere = await leave('b.txt');
    expect(await temps.takeUp('remote', 'a.txt', remote, other)).toBeNull();
    expect(await tempsThere()).toEqual([elsewhere]);
    await settle('a.txt');
    expect([...fake.partials.keys()]).toEqual([elsewhere]);
  });

  test('of several attempts the longest is taken up first', async () => {
    const short = await leave('a.txt', offset - 1);
    const long = await leave('a.txt');
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp: long });
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp: short });
  });

  test('of another state of the source has to be proved, and comes after what need not', async () => {
    const temp = await leave('a.txt');
    const other = { ...source, fingerprint: 'another' };
    const [long] = (await temps.reserve('remote', ['a.txt'])) as [string];
    await temps.progress(long, other.fingerprint, offset + 1);
    temps.abandon(long);
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp, sure: true });
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toMatchObject({ temp: long, sure: false });
    expect(await temps.takeUp('remote', 'a.txt', remote, source)).toBeNull();
  });

  test('gets a new name that is on record with its progress before anything is renamed', async () => {
    await leave('a.txt');
    const { sure, ...left } = (await temps.takeUp('remote', 'a.txt', remote, source))!;
    expect(sure).toBe(true);
    const name = await temps.inherit(left);
    expect(name).not.toBe(left.temp);
    expect(fake.partials.get(name)).toEqual({ ...left, temp: name });
    expect(temps.isInUse(name)).toBe(true);
    await temps.removeUsed(remote, [left.temp, name]);
    expect(await tempsThere()).toEqual([]);
    await settle('a.txt');
    expect(fake.partials.size).toBe(0);
  });

  test('that could not be removed is tried again by the next sweep, and continued by nobody', async () => {
    const temp = await leave('a.txt');
    await temps.takeUp('remote', 'a.txt', remote, source);
    const stubborn = { ...remote, removeTemps: () => Promise.resolve([]) };
    await temps.removeUsed(stubborn, [temp]);
    expect(await temps.takeUp('remote', 'a.txt', stubborn, source)).toBeNull();
    expect(await tempsThere()).toEqual([temp]);
    await temps.sweepAll({ local, remote });
    expect(await tempsThere()).toEqual([]);
  });
});
