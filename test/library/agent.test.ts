import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AgentEvents, SessionOptions, SyncOptions, TransferEvent } from '../../src/index.js';
import {
  type Agent,
  connect,
  createAgent,
  createBwlimit,
  explain,
  plan,
  type RunHooks,
  sync,
  watch,
} from '../../src/index.js';
import { codeOf } from '../contract/side.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { startSshd, type TestSshd } from '../support/sshd.js';
import { freshPair, optionsOf, type TestPair } from '../support/towline.js';

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function agentOn(pair: TestPair, more: Partial<SyncOptions> = {}, hooks: RunHooks = {}): Agent {
  const agent = createAgent(optionsOf(pair, more), hooks);
  onTestFinished(() => agent.stop());
  return agent;
}

/** The first event of this name, from now on, that passes. */
function next<K extends keyof AgentEvents>(
  agent: Agent,
  name: K,
  test: (event: AgentEvents[K]) => boolean = () => true,
): Promise<AgentEvents[K]> {
  return new Promise((resolve) => {
    const forget = agent.on(name, (event) => {
      if (!test(event)) return;
      forget();
      resolve(event);
    });
  });
}

describe('an agent', () => {
  test('tells what it plans, carries and has done, in this order, and where it stands', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'first'), 'first');
    const agent = agentOn(pair);
    const told: string[] = [];
    const states: string[] = [];
    agent.on('plan', ({ actions, files, bytes }) => {
      for (const { action, path } of actions) told.push(`plan ${action} ${path}`);
      told.push(`plan ${String(files)} ${String(bytes)}`);
    });
    agent.on('transfer-start', ({ action, path }) => told.push(`start ${action} ${path}`));
    agent.on('transfer-end', ({ path, ok, total }) =>
      told.push(`end ${path} ${String(ok)} ${String(total.files)} of ${String(total.filesFound)}`),
    );
    agent.on('batch', ({ cause, transferred }) => told.push(`batch ${cause} ${String(transferred)}`));
    agent.on('state', ({ state, link }) => states.push(`${state} ${link.name}`));
    expect(agent.state).toBe('starting');
    await agent.start();
    await agent.flush();
    expect(readFileSync(join(pair.remote, 'first'), 'utf8')).toBe('first');
    expect(told).toEqual([
      'plan upload first',
      'plan 1 5',
      'start upload first',
      'end first true 1 of 1',
      'batch scan 1',
    ]);
    expect(agent.state).toBe('watching');
    expect(await agent.status()).toMatchObject({
      state: 'watching',
      totals: { transferred: 1, bytesSent: 5 },
    });

    told.length = 0;
    const changed = next(agent, 'batch', ({ cause }) => cause === 'changes');
    writeFileSync(join(pair.local, 'second'), 'second');
    await changed;
    expect(told).toEqual([
      'plan upload second',
      'plan 1 6',
      'start upload second',
      'end second true 1 of 1',
      'batch changes 1',
    ]);
    expect(agent.summary()).toMatchObject({ transferred: 2, bytesSent: 11, failed: 0, problems: [] });
    await agent.stop();
    await agent.done;
    expect(agent.state).toBe('stopped');
    expect(states.filter((one, index) => states[index + 1] === one)).toEqual([]);
    expect(states[0]).toMatch(/^starting/);
    const words = states.map((one) => one.split(' ')[0]);
    // Each once, in this order: between the first scan and what follows it is not starting again.
    expect(words.filter((word, index) => words[index - 1] !== word)).toEqual([
      'starting',
      'scanning',
      'watching',
      'stopped',
    ]);
    expect(states).toContain('scanning ready');
    expect(states).toContain('watching ready');
  });

  test('brings what others changed over there, and says which way a file went', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.remote, 'theirs'), 'theirs');
    const agent = agentOn(pair, { mode: 'two-way' });
    const end = next(agent, 'transfer-end');
    await agent.start();
    expect(await end).toMatchObject({ action: 'download', path: 'theirs', size: 6, bytes: 6, ok: true });
    await agent.flush();
    expect(readFileSync(join(pair.local, 'theirs'), 'utf8')).toBe('theirs');
  });

  test('of a large file each piece is told, with speed and time left; the limit changes while it runs', async () => {
    const pair = freshPair(sshd);
    const content = randomBytes(2 ** 21);
    writeFileSync(join(pair.local, 'large'), content);
    const agent = agentOn(pair, { bwlimit: 256 });
    const steps: TransferEvent[] = [];
    agent.on('transfer-progress', (step) => {
      steps.push(step);
      // Without this it would take eight seconds.
      if (step.leftMs !== null && step.total.leftMs !== null) agent.setBwlimit(null);
    });
    await agent.start();
    await agent.flush();
    expect(readFileSync(join(pair.remote, 'large')).equals(content)).toBe(true);
    expect(await agent.status()).toMatchObject({ bwlimit: null });
    const guessed = steps.filter(({ leftMs }) => leftMs !== null)[0]!;
    expect(guessed.rate).toBeGreaterThan(0);
    expect(guessed.bytes).toBeLessThan(guessed.size);
    expect(guessed.leftMs).toBeGreaterThan(0);
    expect(guessed.total).toMatchObject({
      files: 0,
      filesFound: 1,
      bytesFound: content.length,
      listed: true,
    });
    expect(steps.map(({ bytes }) => bytes)).toEqual(steps.map(({ bytes }) => bytes).sort((a, b) => a - b));
    expect(steps.at(-1)).toMatchObject({ bytes: content.length, size: content.length });
  });

  test('a listener that throws, or rejects, harms nobody, and is told of', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'file'), 'x');
    const errors: unknown[] = [];
    const quiet = () => undefined;
    const log = {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: (message: string, fields?: Record<string, unknown>) => errors.push([message, fields?.error]),
    };
    const broken = (): never => {
      throw new Error('broken');
    };
    const agent = agentOn(pair, {}, { log, onEvent: broken, progress: broken });
    agent.on('transfer-start', broken);
    const rejecting: (event: unknown) => unknown = () => Promise.reject(new Error('rejected'));
    agent.on('transfer-start', rejecting);
    const heard = next(agent, 'transfer-start');
    await agent.start();
    await agent.flush();
    expect(await heard).toMatchObject({ path: 'file' });
    expect(readFileSync(join(pair.remote, 'file'), 'utf8')).toBe('x');
    const names = errors.map((error) => (error as [string])[0]);
    expect(names).toContain("a listener to 'onEvent' failed");
    expect(names).toContain("a listener to 'progress' failed");
    expect(names.filter((name) => name === "a listener to 'transfer-start' failed")).toHaveLength(2);
    expect(JSON.stringify(errors)).toContain('Error: rejected');
  });

  test('hears no more once it was asked not to', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'file'), 'x');
    const agent = agentOn(pair);
    let calls = 0;
    agent.on('transfer-start', () => calls++)();
    await agent.start();
    await agent.flush();
    expect(calls).toBe(0);
  });

  test('pause holds everything back, resume lets it go', async () => {
    const pair = freshPair(sshd);
    const agent = agentOn(pair);
    await agent.start();
    await agent.flush();
    const paused = next(agent, 'state', ({ state }) => state === 'paused');
    agent.pause();
    await paused;
    writeFileSync(join(pair.local, 'file'), 'x');
    await eventually(async () => expect((await agent.status()).queue.total).toBe(1));
    expect(existsSync(join(pair.remote, 'file'))).toBe(false);
    await agent.resume();
    await agent.flush();
    expect(existsSync(join(pair.remote, 'file'))).toBe(true);
  });

  test('tells of a lost link, and of conflicts, which it settles as it is told', async () => {
    const { pair, proxy } = await proxiedPair(sshd);
    onTestFinished(() => proxy.stop());
    for (const side of [pair.local, pair.remote]) writeFileSync(join(side, 'file'), `of ${side}`);
    const agent = agentOn(pair, { mode: 'two-way', conflict: 'manual' });
    const conflicts: AgentEvents['conflict'][] = [];
    agent.on('conflict', (event) => conflicts.push(event));
    const problem = next(agent, 'problem');
    await agent.start();
    expect(await problem).toMatchObject({ path: 'file', code: 'conflict' });
    await agent.flush();
    await agent.rescan();
    await agent.rescan();
    const waits = {
      type: 'conflict',
      path: 'file',
      cause: 'conflict',
      resolution: 'waiting',
      side: null,
      copy: null,
    };
    expect(conflicts.splice(0)).toEqual([waits]);
    const solved = next(agent, 'solved');
    await agent.resolve('file', 'local');
    expect(await solved).toEqual({ path: 'file' });
    expect(conflicts).toEqual([{ ...waits, resolution: 'local', side: 'remote' }]);
    expect(readFileSync(join(pair.remote, 'file'), 'utf8')).toBe(`of ${pair.local}`);
    expect(await codeOf(agent.resolve('file', 'local'))).toBe('not-found');

    const waiting = next(agent, 'state', ({ state }) => state === 'waiting');
    const back = next(agent, 'state', ({ state, link }) => state === 'watching' && link.name === 'ready');
    proxy.dropAll();
    await waiting;
    await back;
  });

  test('a conflict is decided as it is told: in the middle of the first sync, and of a batch', async () => {
    const pair = freshPair(sshd);
    for (const side of [pair.local, pair.remote]) {
      writeFileSync(join(side, 'first'), `of ${side}`);
      // Whose contents have to be read before it is one.
      writeFileSync(join(side, 'second'), side === pair.local ? 'mine' : 'your');
      utimesSync(join(side, 'second'), 1, side === pair.local ? 1_600_000_000 : 1_600_000_010);
    }
    const agent = agentOn(pair, { mode: 'two-way', conflict: 'manual' });
    const decided: Promise<void>[] = [];
    agent.on('conflict', ({ path, resolution }) => {
      if (resolution === 'waiting') decided.push(agent.resolve(path, 'remote'));
    });
    await agent.start();
    await agent.flush();
    await Promise.all(decided);
    expect(decided).toHaveLength(2);
    expect(readFileSync(join(pair.local, 'first'), 'utf8')).toBe(`of ${pair.remote}`);
    expect(readFileSync(join(pair.local, 'second'), 'utf8')).toBe('your');

    agent.pause();
    for (const side of [pair.local, pair.remote]) writeFileSync(join(side, 'first'), `again of ${side}`);
    const told = next(agent, 'conflict', ({ resolution }) => resolution === 'waiting');
    await agent.resume();
    await told;
    await Promise.all(decided);
    expect(decided).toHaveLength(3);
    expect(readFileSync(join(pair.local, 'first'), 'utf8')).toBe(`again of ${pair.remote}`);

    const given = AbortSignal.abort();
    expect(await codeOf(agent.resolve('first', 'local', { signal: given }))).toBe('interrupted');
  });

  test('a deletion that is held back is told, and let go on demand', async () => {
    const pair = freshPair(sshd);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(pair.local, name), name);
    const agent = agentOn(pair, { delete: true, maxDelete: 1 });
    await agent.start();
    await agent.flush();
    // One may go: they are held once both are seen, in whatever batches.
    const held = next(agent, 'holds', (holds) => holds.length > 0);
    for (const name of ['a', 'b']) rmSync(join(pair.local, name));
    expect(await held).toMatchObject([{ cause: 'too-many-deletions' }]);
    await agent.resume({ allowDeletes: true });
    await agent.flush();
    expect(readdirSync(pair.remote)).toEqual(['c']);
  });
});

describe('its life', () => {
  test('a signal ends it; so does `await using`; who waits hears of it', async () => {
    const pair = freshPair(sshd);
    const stop = new AbortController();
    const agent = agentOn(pair, {}, { signal: stop.signal });
    await agent.start();
    expect(agent.start()).toBe(agent.start());
    stop.abort();
    await agent.done;
    expect(await codeOf(agent.flush())).toBe('configuration');

    {
      await using second = createAgent(optionsOf(pair));
      await second.start();
    }
    // The pair is free again.
    const third = agentOn(pair);
    await third.start();
    await third.flush();
    third.pause();
    writeFileSync(join(pair.local, 'file'), 'x');
    const given = new AbortController();
    const waiting = third.flush({ signal: given.signal });
    given.abort();
    expect(await codeOf(waiting)).toBe('interrupted');
  });

  test('one that was stopped does not start, and one that did not start can be asked nothing', async () => {
    const agent = agentOn(freshPair(sshd));
    expect(() => agent.pause()).toThrow('Call start() first');
    expect(await codeOf(agent.status())).toBe('configuration');
    await agent.stop();
    await agent.done;
    expect(await codeOf(agent.start())).toBe('interrupted');
  });

  test('what it is asked with a wrong option is refused by code', async () => {
    const agent = agentOn(freshPair(sshd));
    await agent.start();
    for (const wrong of [{ signal: 5 }, { singal: AbortSignal.abort() }, { allowDelete: true }]) {
      const given = wrong as object;
      expect(await codeOf(agent.flush(given))).toBe('configuration');
      expect(await codeOf(agent.rescan(given))).toBe('configuration');
      expect(await codeOf(agent.resolve('file', 'local', given))).toBe('configuration');
      expect(await codeOf(agent.resume(given))).toBe('configuration');
    }
  });

  test('one whose signal is aborted already does not start, and has ended', async () => {
    const agent = createAgent(optionsOf(freshPair(sshd)), { signal: AbortSignal.abort() });
    expect(agent.state).toBe('stopped');
    expect(await codeOf(agent.start())).toBe('interrupted');
    await agent.done;
  });

  test('one that ran is not started again', async () => {
    const agent = agentOn(freshPair(sshd));
    const first = agent.start();
    expect(agent.start()).toBe(first);
    await first;
    await Promise.all([agent.stop(), agent.stop()]);
    expect(await codeOf(agent.start())).toBe('interrupted');
  });

  test('what keeps it from starting rejects `start` and `done`', async () => {
    const pair = freshPair(sshd);
    const first = agentOn(pair);
    await first.start();
    const second = agentOn(pair);
    expect(await codeOf(second.start())).toBe('locked');
    expect(await codeOf(second.done)).toBe('locked');
    await second.stop();
  });

  test('what halts it rejects `done`', async () => {
    const pair = freshPair(sshd);
    const config = join(freshFolder('config'), 'ssh_config');
    writeFileSync(config, `Host box\n  UserKnownHostsFile none\n${readFileSync(pair.flags[1]!, 'utf8')}`);
    const agent = agentOn(pair, { sshConfig: config });
    await agent.start();
    expect(await codeOf(agent.done)).toBe('host-key');
    expect(await codeOf(agent.flush())).toBe('configuration');
  });
});

describe('before anything is touched', () => {
  test.each([
    ['an option nobody knows', { dleete: true }, 'Did you mean delete?'],
    ['a wrong type', { port: '22' }, 'port: cannot be "22"'],
    ['a value out of range', { settleMs: -1 }, 'settleMs cannot be'],
    ['a mode nobody knows', { mode: 'mirror' }, 'two-way'],
    ['a target that cannot be read', { remote: 'box::x' }, 'two colons'],
    ['a password in an address', { remote: 'https://me:secret@box/x' }, 'a password in an'],
    ['a rate that is none', { bwlimit: -5 }, 'bwlimit cannot be'],
    ['half a file at once', { concurrency: 0.5 }, 'a whole number from 1 to 256'],
    ['a file of rules that is not there', { excludeFrom: '/nowhere/rules' }, '/nowhere/rules'],
  ])('%s is refused', (_title, wrong, words) => {
    const folder = freshFolder();
    const options = { local: join(folder, 'local'), remote: 'box:x', mode: 'pull', ...wrong } as SyncOptions;
    expect(() => createAgent(options)).toThrow(
      expect.objectContaining({ code: 'configuration', message: expect.stringContaining(words) }),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['no signal', { signal: 5 }, 'signal is something else'],
    ['what is misspelt', { singal: AbortSignal.abort() }, 'Did you mean signal?'],
    ['no listener', { progress: 5 }, 'progress is something else'],
    ['nothing at all', null, 'there are no options'],
  ])('%s beside the options is refused by all calls', async (_title, wrong, words) => {
    const pair = freshPair(sshd);
    const [options, hooks] = [optionsOf(pair), wrong as RunHooks];
    const refusal = expect.objectContaining({
      code: 'configuration',
      message: expect.stringContaining(words),
    });
    expect(() => createAgent(options, hooks)).toThrow(refusal);
    for (const call of [sync, plan, watch]) await expect(call(options, hooks)).rejects.toThrow(refusal);
    await expect(explain(options, 'a', hooks)).rejects.toThrow(refusal);
    expect(existsSync(pair.stateDir)).toBe(false);
  });

  test.each([null, undefined, 'box:x', [1]])('%j in place of options is refused', async (wrong) => {
    const options = wrong as unknown as SyncOptions;
    expect(() => createAgent(options)).toThrow('there are no options');
    for (const call of [sync, plan, watch]) expect(await codeOf(call(options))).toBe('configuration');
    expect(await codeOf(connect('box:x', (wrong ?? null) as unknown as SessionOptions))).toBe(
      'configuration',
    );
  });

  test.each([
    ['a folder that may be meant as a host', { remote: 'nowhere' }],
    ['a hook where no commands run', { afterSync: { command: 'true', where: 'remote' } }],
  ] as const)('%s is refused at the start, and nothing is made', async (_title, wrong) => {
    const folder = freshFolder();
    const [local, stateDir] = [join(folder, 'local'), join(folder, 'state')];
    const options = { local, stateDir, remote: 'http://127.0.0.1:9/x', mode: 'pull', ...wrong } as const;
    expect(await codeOf(createAgent(options).start())).toBe('configuration');
    expect(await codeOf(watch(options))).toBe('configuration');
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([{ chmod: 'F644' }, { fsync: true }])(
    '%j is refused where it can never be done',
    async (wish) => {
      const folder = freshFolder();
      mkdirSync(join(folder, 'local'));
      const options = {
        local: join(folder, 'local'),
        stateDir: join(folder, 'state'),
        remote: 'http://127.0.0.1:9/x',
      };
      expect(await codeOf(createAgent({ ...options, ...wish }).start())).toBe('configuration');
      expect(readdirSync(folder)).toEqual(['local']);
    },
  );
});

test('a limit that is shared is changed for all who share it', () => {
  const bwlimit = createBwlimit(100);
  const [first, second] = [agentOn(freshPair(sshd), { bwlimit }), agentOn(freshPair(sshd), { bwlimit })];
  first.setBwlimit(50);
  expect(bwlimit.kibPerSecond).toBe(50);
  second.setBwlimit(null);
  expect(bwlimit.kibPerSecond).toBeNull();
  expect(() => first.setBwlimit(-1)).toThrow('bwlimit cannot be');
});
