/** What lies between one run of the agent and the two sides: latency, lost answers, broken connections, crashes. */
import { TowlineError } from '../../src/core/errors.js';
import { isBelow, join, parentOf } from '../../src/core/path.js';
import type { Kind } from '../../src/core/entry.js';
import type { PathLock } from '../../src/core/lock.js';
import type { Observed, ScanRequest, Source, Storage, Temp, TempAttributes } from '../../src/ports.js';
import type { MemoryStorage } from '../../src/storage/memory/storage.js';
import { lost, type FakeLink } from './fake-link.js';
import { never, type Life } from './life.js';
import type { VirtualClock } from './virtual-clock.js';

/** What happens to one call. */
export type Fault =
  | { readonly type: 'none' }
  /** Nothing is done. */
  | { readonly type: 'refused'; readonly error: TowlineError }
  /** It is done, and the answer is lost. */
  | { readonly type: 'lost-reply' }
  /** The connection breaks before or after it is done. */
  | { readonly type: 'disconnect'; readonly done: boolean }
  /** The agent dies before or after it is done. */
  | { readonly type: 'crash'; readonly done: boolean };

export type Side = 'local' | 'remote';

const lookingOperations: ReadonlySet<string> = new Set([
  ...['scan', 'list', 'observe', 'openSource', 'readText', 'hash', 'hashInPlace'],
  ...['freeBytes', 'clockOffsetMs', 'read', 'check'],
]);

/** The weather of a simulation. */
export interface Weather {
  fault(side: Side, operation: string, path: string): Fault;
  latencyMs(side: Side): number;
  /** After how long a connection that broke is there again. */
  downMs(): number;
  /** What was in the pipe when the connection broke is done after so many ms; `null`: never. */
  frozenMs(): number | null;
  /** A path that cannot be reached for a while (or what is in it not be listed). */
  denied(side: Side, path: string): 'no' | 'list' | 'all';
  crash(): void;
}

/** The world that the calls of a run are made on: told of what the agent does to it, right before and right after. */
export interface WireWorld {
  /** Changes the agent made. */
  mutations: number;
  /** Partials that were gone on with. */
  resumed: number;
  note(text: string): void;
  violation(text: string): void;
  /** The agent is about to change this path of a side. */
  agentWrites(path: string, side: Side): void;
  /** It did, or could not. */
  checkContent(path: string, side: Side): void;
  agentRemoved(path: string, kind: Kind, side: Side): void;
  /** It looked at what it is about to replace: nothing can be seen any more from here to the rename. */
  lastLook?(path: string, side: Side): void;
  /** The server does what it was asked over a connection that is gone. */
  late?(side: Side, work: () => Promise<unknown>): Promise<unknown>;
}

export interface WireParts {
  readonly side: Side;
  readonly life: Life;
  readonly clock: VirtualClock;
  readonly link: FakeLink;
  readonly world: WireWorld;
  readonly weather: Weather;
}

/** A side as one run of the agent reaches it. */
export function wired(inner: MemoryStorage, parts: WireParts, writable: boolean): Storage {
  const wire = new Wire(parts);
  return writable ? writableSide(inner, wire) : readSide(inner, wire);
}

function readSide(inner: MemoryStorage, wire: Wire): Storage {
  const forbidden = (what: string) => () => {
    wire.parts.world.violation(`the ${wire.parts.side} side was written: ${what}`);
    return Promise.reject(new TowlineError('permission', 'the source is never written'));
  };
  return {
    ...inner,
    ...readingOf(inner, wire),
    ensureRoot: forbidden('ensureRoot'),
    createTemp: forbidden('createTemp'),
    resumeTemp: forbidden('resumeTemp'),
    makeDirectory: forbidden('makeDirectory'),
    makeSymlink: forbidden('makeSymlink'),
    setMetadata: forbidden('setMetadata'),
    move: forbidden('move'),
    remove: forbidden('remove'),
    removeTemps: forbidden('removeTemps'),
  };
}

function readingOf(
  inner: MemoryStorage,
  wire: Wire,
): Pick<
  Storage,
  'scan' | 'observe' | 'openSource' | 'readText' | 'hash' | 'hashInPlace' | 'freeBytes' | 'clockOffsetMs'
> {
  return {
    scan: (request) => scanned(inner, wire, request),
    observe: (paths) =>
      wire.call('observe', paths[0] ?? '', async () => {
        const seen = await inner.observe(paths);
        return paths.map((path, index): Observed => wire.deniedAbove(path) ?? seen[index]!);
      }),
    openSource: (path) =>
      wire.call('openSource', path, async () => {
        wire.requireReach(path);
        return wiredSource(await inner.openSource(path), wire, path);
      }),
    readText: (path) => wire.call('readText', path, () => inner.readText(path)),
    hash: (path, signal) =>
      wire.call('hash', path, () => {
        wire.requireReach(path);
        return inner.hash(path, signal);
      }),
    hashInPlace: (files, signal) =>
      wire.call('hashInPlace', files[0]?.path ?? '', () => {
        for (const { path } of files) wire.requireReach(path);
        return inner.hashInPlace(files, signal);
      }),
    freeBytes: (path) => wire.call('freeBytes', path, () => inner.freeBytes(path)),
    clockOffsetMs: () => wire.call('clockOffsetMs', '', () => inner.clockOffsetMs()),
  };
}

function writableSide(inner: MemoryStorage, wire: Wire): Storage {
  const { world, side } = wire.parts;
  return {
    ...inner,
    ...readingOf(inner, wire),
    ensureRoot: (options) => wire.call('ensureRoot', '', () => inner.ensureRoot(options)),
    createTemp: (path, name) =>
      wire.call('createTemp', path, async () => {
        wire.requireReach(path);
        const epoch = wire.epoch;
        return wiredTemp(await inner.createTemp(path, name), wire, path, epoch);
      }),
    resumeTemp: (path, from, to, offset, apart) =>
      wire.call('resumeTemp', path, async () => {
        wire.requireReach(path);
        const epoch = wire.epoch;
        const temp = await inner.resumeTemp(path, from, to, offset, apart);
        if (temp === null) return null;
        world.resumed++;
        return wiredTemp(temp, wire, path, epoch);
      }),
    move: (from, to, expected, lock) => wire.change('move', from, () => inner.move(from, to, expected, lock)),
    makeDirectory: (path, mode) => wire.change('makeDirectory', path, () => inner.makeDirectory(path, mode)),
    makeSymlink: (path, link, name, expected, lock) =>
      wire.change(
        'makeSymlink',
        path,
        () => inner.makeSymlink(path, link, name, expected, lock),
        // Two requests on the wire: the link under its temp name, and the rename.
        () => {
          const beside = parentOf(path) ?? '';
          if (inner.edit.stat(beside)?.kind === 'directory')
            inner.edit.symlink(link.target, join(beside, name));
        },
      ),
    setMetadata: (path, expected, change, lock) =>
      wire.change('setMetadata', path, () => inner.setMetadata(path, expected, change, lock)),
    remove: (path, expected, lock) =>
      wire.call('remove', path, async () => {
        wire.requireReach(path);
        const kind = inner.edit.stat(path)?.kind;
        await inner.remove(path, expected, lock);
        if (kind !== undefined && kind !== 'special') world.agentRemoved(path, kind, side);
      }),
    removeTemps: (paths) => wire.call('removeTemps', paths[0] ?? '', () => inner.removeTemps(paths)),
  };
}

async function* scanned(inner: MemoryStorage, wire: Wire, request: ScanRequest): ReturnType<Storage['scan']> {
  await wire.call('scan', request.under, () => Promise.resolve());
  if (wire.denied(request.under) !== 'no') throw wire.denial(request.under);
  let failed: string | null = null;
  for await (const batch of inner.scan(request)) {
    await wire.call('list', batch[0]?.path ?? '', () => Promise.resolve());
    const shown = batch.flatMap((item): typeof batch => {
      if (failed !== null && isBelow(item.path, failed)) return [];
      if (item.type !== 'entry' || item.entry.kind !== 'directory') return [item];
      if (wire.denied(item.path) === 'no') return [item];
      failed = item.path;
      return [item, { type: 'failure', path: item.path, error: wire.denial(item.path) }];
    });
    if (shown.length > 0) yield shown;
  }
}

function wiredSource(inner: Source, wire: Wire, path: string): Source {
  return {
    entry: inner.entry,
    fingerprint: inner.fingerprint,
    read: (offset, length) => wire.call('read', path, () => inner.read(offset, length)),
    check: () => wire.call('check', path, () => inner.check()),
    close: () => wire.parts.life.hears(inner.close()),
  };
}

/** A temp's handle is its connection's: after a break it is dead. */
function wiredTemp(inner: Temp, wire: Wire, path: string, epoch: number): Temp {
  const whileOpen = async <T>(call: () => Promise<T>): Promise<T> => {
    if (!wire.isOpen(epoch)) throw lost();
    return call();
  };
  return {
    write: (data, offset) => whileOpen(() => wire.call('write', path, () => inner.write(data, offset))),
    get acknowledged() {
      return inner.acknowledged;
    },
    complete: async (attributes) => {
      // On record before anything is on its way; and whoever lost the connection hears of nothing any more.
      await attributes.lock?.opens();
      const request = withLock(attributes, (lock) => ({
        ...lock,
        opens: () => Promise.resolve(),
        gone: () => (wire.isOpen(epoch) ? lock.gone() : Promise.resolve()),
      }));
      return whileOpen(() =>
        wire.call('complete', path, async () => {
          const completed = await inner.complete(request);
          wire.parts.world.lastLook?.(path, wire.parts.side);
          return completed;
        }),
      );
    },
    publish: (expected) => whileOpen(() => wire.change('publish', path, () => inner.publish(expected))),
    leave: () => wire.parts.life.hears(inner.leave()),
    discard: async () => {
      try {
        return await whileOpen(() => wire.call('discard', path, () => inner.discard()));
      } catch (error) {
        if (error instanceof TowlineError) return false;
        throw error;
      }
    },
  };
}

function withLock(attributes: TempAttributes, change: (lock: PathLock) => PathLock): TempAttributes {
  const { lock, ...rest } = attributes;
  return lock === undefined ? rest : { ...rest, lock: change(lock) };
}

class Wire {
  readonly parts: WireParts;

  constructor(parts: WireParts) {
    this.parts = parts;
  }

  /** The connection that is there now: our own machine is always there. @throws `network` */
  get epoch(): number {
    return this.parts.side === 'remote' ? this.parts.link.epoch : 0;
  }

  isOpen(epoch: number): boolean {
    return this.parts.side === 'local' || this.parts.link.isOpen(epoch);
  }

  denied(path: string): 'no' | 'list' | 'all' {
    return this.parts.weather.denied(this.parts.side, path);
  }

  denial(path: string): TowlineError {
    return new TowlineError('permission', `permission denied for '${path}' for a while`, { path });
  }

  /** What lies in a directory that cannot be entered cannot be looked at. */
  deniedAbove(path: string): TowlineError | null {
    for (let at = parentOf(path); at !== null && at !== ''; at = parentOf(at)) {
      if (this.denied(at) === 'all') return this.denial(at);
    }
    return null;
  }

  requireReach(path: string): void {
    const error = this.deniedAbove(path) ?? (this.denied(path) === 'all' ? this.denial(path) : null);
    if (error !== null) throw error;
  }

  /** One that changes what a reader sees at the path. */
  change<T>(operation: string, path: string, work: () => Promise<T>, half?: () => void): Promise<T> {
    const { world, side } = this.parts;
    const whole = async () => {
      this.requireReach(path);
      world.agentWrites(path, side);
      try {
        const result = await work();
        world.mutations++;
        return result;
      } finally {
        world.checkContent(path, side);
      }
    };
    return this.call(operation, path, whole, half);
  }

  /** One call, with all that may happen to it. `half`: what is left when the connection goes in its middle. */
  async call<T>(operation: string, path: string, work: () => Promise<T>, half?: () => void): Promise<T> {
    const { life, side, weather, world, link, clock } = this.parts;
    if (life.hasEnded()) return never<T>();
    const epoch = this.epoch;
    const latencyMs = weather.latencyMs(side);
    if (latencyMs > 0) await clock.wait(latencyMs);
    if (life.hasEnded() || !this.isOpen(epoch)) return this.#frozen(operation, path, work);

    const fault = weather.fault(side, operation, path);
    const done = fault.type === 'none' || fault.type === 'lost-reply' || ('done' in fault && fault.done);
    if (fault.type !== 'none')
      world.note(`fault ${fault.type}${done ? ' (done)' : ''}: ${side} ${operation} '${path}'`);
    if (!done && fault.type !== 'refused') half?.();
    if (fault.type === 'refused') throw fault.error;
    const result = done ? await this.#attempt(operation, path, work, fault) : null;
    if (fault.type === 'crash') weather.crash();
    if (fault.type === 'disconnect') link.drop(weather.downMs());
    if (life.hasEnded()) return never<T>();
    if (result === null || fault.type !== 'none') throw lost();
    if (!this.isOpen(epoch)) throw lost();
    return result.value;
  }

  async #attempt<T>(
    operation: string,
    path: string,
    work: () => Promise<T>,
    fault: Fault,
  ): Promise<{ value: T } | null> {
    try {
      const value = await work();
      this.#note(`${operation} '${path}'`, operation);
      return { value };
    } catch (error) {
      // An answer that is lost says nothing, a refusal included.
      if (fault.type !== 'none') return null;
      if (error instanceof TowlineError) this.#note(`${operation} '${path}': ${error.code}`, operation);
      throw error;
    }
  }

  /** Looking at our own side is not worth a line. */
  #note(text: string, operation: string): void {
    const { side, world } = this.parts;
    if (side === 'remote') world.note(text);
    else if (!lookingOperations.has(operation)) world.note(`local ${text}`);
  }

  /** The connection (or the agent) went while the request was on its way: the server may still get to it. */
  #frozen<T>(operation: string, path: string, work: () => Promise<T>): Promise<T> {
    const { life, side, weather, world, clock } = this.parts;
    const frozenMs = side === 'remote' ? weather.frozenMs() : null;
    if (frozenMs !== null) {
      clock.timer(frozenMs, () => {
        world.note(`late: ${operation} '${path}'`);
        (world.late?.(side, work) ?? work()).catch((error: unknown) => {
          if (!(error instanceof TowlineError)) world.violation(`late ${operation}: ${String(error)}`);
        });
      });
    }
    return life.alive ? Promise.reject(lost()) : never<T>();
  }
}
