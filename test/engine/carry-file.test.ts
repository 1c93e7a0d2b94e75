import { beforeEach, describe, expect, test } from 'vitest';
import { hasCode, TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import { type CarryOptions, carryFile, type FileCarried } from '../../src/engine/carry-file.js';
import { Ledger } from '../../src/engine/ledger.js';
import { Temps } from '../../src/engine/temps.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { content } from '../contract/source.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeState } from './fake-state.js';

const mib = 2 ** 20;
const size = 8 * mib;
const data = content(size);
const nowMs = 1_700_000_000_000;
const hourMs = 60 * 60_000;

/** Two sides, the state of one process after another, and a hook that every call on them passes. */
class World {
  readonly fake = new FakeState();
  readonly local: MemoryStorage;
  readonly remote: MemoryStorage;
  shell = true;
  before: (operation: string) => void = () => undefined;
  after: (operation: string) => void = () => undefined;
  #temps!: Temps;
  #ledger!: Ledger;
  #clock!: ManualClock;
  #processes = 0;

  constructor() {
    const hooks = {
      before: (operation: string) => this.before(operation),
      after: (operation: string) => this.after(operation),
    };
    this.local = createMemoryStorage({ now: () => nowMs - hourMs, ...hooks });
    const sftp = { identity: false, timeGranularityMs: 1000 };
    this.remote = createMemoryStorage({ now: () => nowMs - hourMs, ...sftp, ...hooks });
    this.begin();
  }

  /** A new process. */
  begin(): void {
    const seed = ++this.#processes;
    let thrown = 0;
    const clock = new ManualClock();
    clock.advance(nowMs - clock.now());
    clock.random = () => (seed * 0.321 + ++thrown * 0.618_033_988_749_894_9) % 1;
    this.#clock = clock;
    this.#ledger = new Ledger(this.fake.state, clock);
    this.#temps = new Temps(this.fake.state.partials, this.#ledger, clock, silence, 'agent7');
  }

  async carry(direction: 'write' | 'read', options: CarryOptions = {}): Promise<FileCarried> {
    const far: MemoryStorage = {
      ...this.remote,
      hashInPlace: (...args) => (this.shell ? this.remote.hashInPlace(...args) : Promise.resolve(null)),
    };
    const [from, to] = direction === 'write' ? [this.local, far] : [far, this.local];
    const side = direction === 'write' ? 'remote' : 'local';
    const throttle = createThrottle({ clock: this.#clock, kibPerSecond: null });
    const { signal } = new AbortController();
    const link = { ready: () => Promise.resolve() };
    return carryFile(
      { link, temps: this.#temps, throttle, clock: this.#clock },
      { from, source: 'source', to, side, destination: 'file', options, signal },
    );
  }

  /** As at a start: what is of no use any more goes. */
  async sweep(): Promise<void> {
    await this.#temps.sweepAll({ local: this.local, remote: this.remote });
    await this.#ledger.flush();
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

const sides = (direction: 'write' | 'read') =>
  direction === 'write' ? [world.local, world.remote] : [world.remote, world.local];

describe.each(['write', 'read'] as const)('%s', (direction) => {
  function place(source: Buffer, destination?: Buffer): { from: MemoryStorage; to: MemoryStorage } {
    const [from, to] = sides(direction) as [MemoryStorage, MemoryStorage];
    from.edit.write('source', source);
    if (destination !== undefined) to.edit.write('file', destination, { mtimeMs: 1 });
    return { from, to };
  }

  test('of a source that grew since it was cut off sends only the rest, where there is a shell', async () => {
    const { from, to } = place(data);
    let writes = 0;
    world.before = (operation) => {
      if (operation === 'write' && ++writes > 6) throw new TowlineError('interrupted', 'stopped');
    };
    await expect(world.carry(direction)).rejects.toMatchObject({ code: 'interrupted' });
    world.before = () => undefined;
    world.begin();
    const grown = Buffer.concat([data, Buffer.alloc(mib, 'm')]);
    from.edit.write('source', grown);
    expect(await world.carry(direction)).toMatchObject({ bytes: grown.length - 6 * mib, complete: false });
    expect(to.edit.read('file').equals(grown)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });

  test.each([
    ['holds all of the source and more is complete', Buffer.concat([data, data]), true],
    ['holds the same, at another time, is complete', data, true],
    ['is longer and something else is replaced', Buffer.alloc(2 * size, 'x'), false],
    ['is as long and something else is replaced', Buffer.alloc(size, 'x'), false],
  ] as const)('a destination that %s', async (_, there, complete) => {
    const { to } = place(data, there);
    const done = await world.carry(direction, { resume: true });
    expect(done).toEqual({ bytes: complete ? 0 : size, size, complete });
    expect(to.edit.read('file').equals(complete ? there : data)).toBe(true);
  });

  test('a source that was edited within the second its time names is carried again', async () => {
    const { from, to } = place(data);
    from.edit.write('source', 'two', { mtimeMs: nowMs - 400 });
    to.edit.write('file', 'one', { mtimeMs: nowMs - 900 });
    expect(await world.carry(direction)).toMatchObject({ bytes: 3, complete: false });
    expect(String(to.edit.read('file'))).toBe('two');
    expect(await world.carry(direction)).toMatchObject({ complete: true });
  });

  test('a longer destination is replaced unless it is asked for', async () => {
    const { to } = place(data, Buffer.concat([data, data]));
    expect(await world.carry(direction)).toMatchObject({ complete: false });
    expect(to.edit.read('file').equals(data)).toBe(true);
  });

  test('a longer destination that cannot be compared in place is replaced', async () => {
    const { to } = place(data, Buffer.concat([data, data]));
    world.shell = false;
    expect(await world.carry(direction, { resume: true })).toMatchObject({ complete: false });
    expect(to.edit.read('file').equals(data)).toBe(true);
  });

  test('in place a beginning of the source is continued by a later process', async () => {
    const { to } = place(data, data.subarray(0, 5 * mib));
    const done = await world.carry(direction, { resume: true, atomic: false });
    expect(done).toMatchObject({ bytes: 3 * mib, complete: false });
    expect(to.edit.read('file').equals(data)).toBe(true);
  });
});

/** Each way in which the nth call can fail. */
const faults = {
  'the answer is lost': { done: true, code: 'network', dies: false },
  'the link goes before': { done: false, code: 'network', dies: false },
  'the process dies before': { done: false, code: 'interrupted', dies: true },
  'the process dies after': { done: true, code: 'interrupted', dies: true },
} as const;

describe.each(['write', 'read'] as const)(
  'an interrupted %s is resumed, and the nth call fails',
  (direction) => {
    test.each(Object.keys(faults) as (keyof typeof faults)[])('%s', async (name) => {
      const { done, code, dies } = faults[name];
      let struck: number;
      let nth = 0;
      do {
        nth++;
        world = new World();
        const { from, to } = await interrupted(direction);
        struck = 0;
        let calls = 0;
        const strike = () => {
          // A reader never sees anything but the old version or the new one.
          const seen = to.edit.read('file');
          expect(seen.equals(Buffer.from('old')) || seen.equals(data)).toBe(true);
          if (++calls !== nth) return;
          struck = nth;
          throw new TowlineError(code, 'the fault of this test');
        };
        if (done) world.after = strike;
        else world.before = strike;
        const first = await outcome(world.carry(direction));
        if (dies && first instanceof TowlineError) world.begin();
        const last = first instanceof TowlineError ? await world.carry(direction) : first;
        world.before = world.after = () => undefined;
        expect(to.edit.read('file').equals(data)).toBe(true);
        expect(from.edit.read('source').equals(data)).toBe(true);
        expect(last.size).toBe(size);
        await world.sweep();
        expect(to.edit.names('')).toEqual(['file']);
        expect([...world.fake.partials.keys()]).toEqual([]);
      } while (struck === nth);
      expect(nth).toBeGreaterThan(12);
    });

    async function interrupted(way: 'write' | 'read'): Promise<{ from: MemoryStorage; to: MemoryStorage }> {
      const [from, to] = sides(way) as [MemoryStorage, MemoryStorage];
      from.edit.write('source', data);
      to.edit.write('file', 'old');
      let writes = 0;
      world.before = (operation) => {
        if (operation === 'write' && ++writes > 6) throw new TowlineError('interrupted', 'stopped');
      };
      await world.carry(way).catch((error: unknown) => {
        if (!hasCode(error, 'interrupted')) throw error;
      });
      world.before = () => undefined;
      world.begin();
      return { from, to };
    }
  },
);

async function outcome<T>(work: Promise<T>): Promise<T | TowlineError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TowlineError) return error;
    throw error;
  }
}
