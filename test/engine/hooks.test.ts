import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { AgentEvent } from '../../src/engine/events.js';
import type { Hook } from '../../src/engine/hook-report.js';
import { Hooks } from '../../src/engine/hooks.js';
import type { CommandResult, CommandRun, Link } from '../../src/ports.js';
import type { FactStore } from '../../src/ports-state.js';
import { ManualClock } from '../support/manual-clock.js';

const fine: CommandResult = { code: 0, signal: null, timedOut: false, stdout: '', stderr: '' };

interface Call {
  readonly where: string;
  readonly run: CommandRun;
  readonly finish: (result?: Partial<CommandResult> | Error) => void;
}

/** Hooks in a world where the queue drains, and commands end, when the test says so. */
class World {
  readonly clock = new ManualClock();
  readonly calls: Call[] = [];
  readonly notices: string[] = [];
  readonly logged: string[] = [];
  readonly facts: Map<string, unknown>;
  readonly stop = new AbortController();
  readonly hooks: Hooks;
  scanning = false;
  pending = 0;
  #drained = Promise.resolve();

  constructor(hooks: readonly Partial<Hook>[], facts = new Map<string, unknown>()) {
    this.facts = facts;
    const log = (level: string) => (message: string) => void this.logged.push(`${level}: ${message}`);
    const factStore: FactStore = {
      get: <T>(key: string) => Promise.resolve((facts.get(key) ?? null) as T | null),
      set: (key, value) => {
        facts.set(key, structuredClone(value));
        return Promise.resolve();
      },
    };
    const events = (event: AgentEvent) => {
      if (event.type === 'notice') this.notices.push(`${event.level} ${event.code}: ${event.message}`);
    };
    this.hooks = new Hooks({
      context: {
        clock: this.clock,
        log: { debug: () => undefined, info: log('info'), warn: log('warn'), error: log('error') },
        emit: events,
        link: { ready: () => Promise.resolve() } as unknown as Link,
        state: { facts: factStore } as never,
        signal: this.stop.signal,
        stopSignal: this.stop.signal,
      },
      hooks: hooks.map((hook) => ({
        command: 'x',
        where: 'local',
        patterns: [],
        timeoutSeconds: 60,
        ...hook,
      })),
      commands: {
        run: (where, run) =>
          new Promise((resolve, reject) => {
            const finish: Call['finish'] = (result = {}) => {
              if (result instanceof Error) reject(result);
              else resolve({ ...fine, ...result });
            };
            run.signal.addEventListener('abort', () => reject(run.signal.reason as Error));
            this.calls.push({ where, run, finish });
          }),
      },
      runner: { drained: () => this.#drained },
      scans: this.#scans(),
      intake: this.#intake(),
    });
  }

  /** The queue has work, until the returned function is called. */
  busy(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = promise;
    return resolve;
  }

  changed(...paths: string[]): void {
    this.hooks.note({ paths, omitted: 0 });
  }

  #scans() {
    const scanning = () => this.scanning;
    return {
      get active() {
        return scanning();
      },
      idle: () => Promise.resolve(),
    };
  }

  #intake() {
    const pending = () => this.pending;
    return {
      get pending() {
        return pending();
      },
    };
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

test('runs once when the queue has drained, with the paths of all batches', async () => {
  const world = new World([{}]);
  const drained = world.busy();
  world.changed('b', 'a-b', 'a/b');
  world.changed('b', 'ü "x"');
  await settled();
  expect(world.calls).toEqual([]);
  drained();
  await settled();
  expect(world.calls).toHaveLength(1);
  expect(world.calls[0]!.run.stdin).toBe('a/b\na-b\nb\nü "x"\n');
  expect(world.calls[0]!.run.environment).toEqual({ TOWLINE_PATHS_OMITTED: '0' });
  world.calls[0]!.finish();
  await world.hooks.idle();
  expect(world.calls).toHaveLength(1);
  expect(world.notices).toEqual([]);
});

test('never runs twice at once; what changes meanwhile leads to one more run', async () => {
  const world = new World([{ command: 'one' }, { command: 'two' }]);
  world.changed('a');
  await settled();
  world.changed('b');
  world.changed('c');
  await settled();
  expect(world.calls.map(({ run }) => run.command)).toEqual(['one']);
  world.calls[0]!.finish();
  await settled();
  expect(world.calls.map(({ run }) => [run.command, run.stdin])).toEqual([
    ['one', 'a\n'],
    ['two', 'a\n'],
  ]);
  world.calls[1]!.finish();
  await settled();
  world.calls[2]!.finish();
  await settled();
  world.calls[3]!.finish();
  await world.hooks.idle();
  expect(world.calls.slice(2).map(({ run }) => [run.command, run.stdin])).toEqual([
    ['one', 'b\nc\n'],
    ['two', 'b\nc\n'],
  ]);
});

test('waits for what is settling, but not for ever', async () => {
  const world = new World([{}]);
  world.pending = 1;
  world.changed('a');
  await settled();
  expect(world.calls).toEqual([]);
  for (let step = 0; step < 50; step++) {
    world.clock.advance(50);
    await settled();
  }
  expect(world.calls).toHaveLength(1);
});

test('patterns choose when', async () => {
  const world = new World([
    { command: 'css', patterns: ['*.css'] },
    { command: 'src', patterns: ['/src/', '!/src/docs/'] },
    { command: 'always' },
  ]);
  const ran = async (...paths: string[]) => {
    const before = world.calls.length;
    world.changed(...paths);
    await settled();
    for (let next = before; next < world.calls.length; next++) {
      world.calls[next]!.finish();
      await settled();
    }
    await world.hooks.idle();
    return world.calls.slice(before).map(({ run }) => run.command);
  };
  expect(await ran('a.txt')).toEqual(['always']);
  expect(await ran('a.txt', 'b/c.css')).toEqual(['css', 'always']);
  expect(await ran('src')).toEqual(['src', 'always']);
  expect(await ran('src/x/y.ts')).toEqual(['src', 'always']);
  world.hooks.note({ paths: ['a.txt'], omitted: 3 });
  await settled();
  expect(world.calls.at(-1)!.run.command).toBe('css');
});

test('names with a newline and those that are too many are counted', async () => {
  const world = new World([{}]);
  world.hooks.note({ paths: ['a', 'b\nc'], omitted: 5 });
  await settled();
  expect(world.calls[0]!.run.stdin).toBe('a\n');
  expect(world.calls[0]!.run.environment).toEqual({ TOWLINE_PATHS_OMITTED: '6' });
  world.calls[0]!.finish();
  await world.hooks.idle();
  for (let batch = 0; batch < 3; batch++) {
    world.hooks.note({
      paths: Array.from({ length: 5_000 }, (_, index) => `${String(batch)}/${String(index)}`),
      omitted: 0,
    });
  }
  await settled();
  expect(world.calls[1]!.run.stdin.split('\n')).toHaveLength(10_001);
  expect(world.calls[1]!.run.environment).toEqual({ TOWLINE_PATHS_OMITTED: '5000' });
});

test('a failure is said, and the next one runs', async () => {
  const world = new World([
    { command: 'make reload' },
    { command: 'slow', timeoutSeconds: 5, where: 'remote' },
    { command: 'killed' },
    { command: 'none' },
  ]);
  world.changed('a');
  await settled();
  world.calls[0]!.run.onOutput('stdout', 'building\nla');
  world.calls[0]!.run.onOutput('stdout', 'st');
  world.calls[0]!.run.onOutput('stderr', 'oh\nno\n');
  world.calls[0]!.finish({ code: 3, stdout: 'building\nlast', stderr: 'oh\nno\n' });
  await settled();
  expect(world.calls[1]!.run.timeoutMs).toBe(5_000);
  world.calls[1]!.finish({ code: null, signal: 'TERM', timedOut: true });
  await settled();
  world.calls[2]!.finish({ code: null, signal: 'SEGV' });
  await settled();
  world.calls[3]!.finish(new TowlineError('unsupported', 'there is no shell'));
  await world.hooks.idle();
  expect(world.notices).toEqual([
    "warn hook-failed: the command after the sync failed with exit code 3, 'make reload': no",
    "warn hook-failed: the command after the sync was ended after 5 s on the server, 'slow'",
    "warn hook-failed: the command after the sync was ended by SEGV, 'killed'",
    "warn hook-failed: the command after the sync could not be run, 'none': there is no shell",
  ]);
  expect(world.logged.slice(0, 4)).toEqual(['info: building', 'warn: oh', 'warn: no', 'info: last']);
});

test('a flood of output is cut', async () => {
  const world = new World([{}]);
  world.changed('a');
  await settled();
  world.calls[0]!.run.onOutput('stdout', 'x\n'.repeat(5_000));
  expect(world.logged).toHaveLength(1_001);
  expect(world.logged.at(-1)).toContain('left out');
});

test('a command on the server that was cut off by the link is run again', async () => {
  const world = new World([{ where: 'remote' }]);
  world.changed('a');
  await settled();
  world.calls[0]!.finish(new TowlineError('network', 'gone'));
  await settled();
  expect(world.calls).toHaveLength(2);
  world.calls[1]!.finish();
  await world.hooks.idle();
  expect(world.notices).toEqual([]);
});

test('a run that was cut off is made up for at the next start, with what else changed', async () => {
  const world = new World([{}]);
  world.changed('a');
  await settled();
  world.changed('b');
  await settled();
  world.stop.abort(new TowlineError('interrupted', 'stopped'));
  await world.hooks.idle();
  const next = new World([{}], world.facts);
  next.hooks.note({ paths: [], omitted: 0 });
  await settled();
  expect(next.calls.map(({ run }) => run.stdin)).toEqual(['a\nb\n']);
  next.calls[0]!.finish({ code: 1 });
  await next.hooks.idle();
  // It failed, but it ran: that is all.
  const third = new World([{}], world.facts);
  third.hooks.note({ paths: [], omitted: 0 });
  await third.hooks.idle();
  expect(third.calls).toEqual([]);
});
