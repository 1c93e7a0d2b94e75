import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { descendantsOf, signalProcess } from '../support/processes.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, towline, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

test('two-way: what is saved there arrives here, and the other way round, without echo', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'one');
  const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '1']);
  await agent.ready();
  writeFileSync(join(pair.remote, 'there'), 'from the server');
  mkdirSync(join(pair.remote, 'folder/deep'), { recursive: true });
  writeFileSync(join(pair.remote, 'folder/deep/x'), 'x');
  await eventually(() => expect(textOf(join(pair.local, 'there'))).toBe('from the server'));
  await eventually(() => expect(textOf(join(pair.local, 'folder/deep/x'))).toBe('x'));
  writeFileSync(join(pair.local, 'here'), 'from here');
  await eventually(() => expect(textOf(join(pair.remote, 'here'))).toBe('from here'));
  rmSync(join(pair.remote, 'folder'), { recursive: true });
  await eventually(() => expect(existsSync(join(pair.local, 'folder'))).toBe(false));
  rmSync(join(pair.local, 'there'));
  await eventually(() => expect(existsSync(join(pair.remote, 'there'))).toBe(false));
  expect(await agent.stop()).toBe(0);
  expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
  const sent = agent.lines.filter((line) => line.event === 'batch').map((line) => Number(line.transferred));
  // `a` by the first scan, and each of the others once.
  expect(sent.reduce((sum, count) => sum + count, 0)).toBe(4);
});

test('pull: what changes there arrives, and what was changed here is put right', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.remote, 'a'), 'one');
  const agent = watch(pair, ['--mode', 'pull', '--delete', '--remote-poll-seconds', '1']);
  await agent.ready();
  expect(textOf(join(pair.local, 'a'))).toBe('one');
  writeFileSync(join(pair.remote, 'b'), 'two');
  await eventually(() => expect(textOf(join(pair.local, 'b'))).toBe('two'));
  writeFileSync(join(pair.local, 'a'), 'meddled with');
  await eventually(() => expect(textOf(join(pair.local, 'a'))).toBe('one'));
  rmSync(join(pair.remote, 'b'));
  await eventually(() => expect(existsSync(join(pair.local, 'b'))).toBe(false));
  expect(await agent.stop()).toBe(0);
});

test('where the server has inotifywait, nothing is listed to see what changed there', async ({ skip }) => {
  if (spawnSync('sh', ['-c', 'command -v inotifywait']).status !== 0) return skip('no inotifywait here');
  const pair = freshPair(sshd);
  mkdirSync(join(pair.remote, 'folder'));
  // With this interval a listing would come after the test's time is over.
  const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '3600']);
  await agent.ready();
  await eventually(() => {
    writeFileSync(join(pair.remote, 'folder/probe'), String(Date.now()));
    expect(existsSync(join(pair.local, 'folder/probe'))).toBe(true);
  });
  writeFileSync(join(pair.remote, 'folder/there'), 'from the server');
  await eventually(() => expect(textOf(join(pair.local, 'folder/there'))).toBe('from the server'));
  mkdirSync(join(pair.remote, 'new/deep'), { recursive: true });
  writeFileSync(join(pair.remote, 'new/deep/x'), 'x');
  await eventually(() => expect(textOf(join(pair.local, 'new/deep/x'))).toBe('x'));
  rmSync(join(pair.remote, 'new'), { recursive: true });
  await eventually(() => expect(existsSync(join(pair.local, 'new'))).toBe(false));
  expect(await agent.stop()).toBe(0);
});

describe('pull where the server has inotifywait', () => {
  const inotify = spawnSync('sh', ['-c', 'command -v inotifywait']).status === 0;
  // With this interval a listing would come after the test's time is over.
  const rarely = ['--mode', 'pull', '--delete', '--remote-poll-seconds', '3600'];

  test.runIf(inotify)('what is saved there arrives at once, and nothing is written there', async () => {
    const pair = freshPair(sshd);
    mkdirSync(join(pair.remote, 'folder'));
    writeFileSync(join(pair.remote, 'folder/a'), 'one');
    const agent = watch(pair, rarely);
    await agent.ready();
    await eventually(() => {
      writeFileSync(join(pair.remote, 'folder/probe'), String(Date.now()));
      expect(existsSync(join(pair.local, 'folder/probe'))).toBe(true);
    });
    // Whatever was written there beside what the test writes would show in the times of the directories.
    for (const directory of [pair.remote, join(pair.remote, 'folder')]) utimesSync(directory, 1000, 1000);
    writeFileSync(join(pair.remote, 'folder/a'), 'two, in place');
    await eventually(() => expect(textOf(join(pair.local, 'folder/a'))).toBe('two, in place'));
    expect(await agent.stop()).toBe(0);
    for (const directory of [pair.remote, join(pair.remote, 'folder')]) {
      expect(lstatSync(directory).mtimeMs).toBe(1_000_000);
    }
    expect(agent.lines.filter(({ code }) => code === 'remote-poll')).toEqual([]);
  });

  test.runIf(inotify)('a connection, its proof included, leaves no trace on the source', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.remote, 'a'), 'one');
    utimesSync(pair.remote, 1000, 1000);
    const before = lstatSync(pair.remote, { bigint: true });
    const agent = watch(pair, rarely);
    await agent.ready();
    await eventually(() => expect(watchers()).toHaveLength(1));
    expect(await agent.stop()).toBe(0);
    const after = lstatSync(pair.remote, { bigint: true });
    expect([after.mtimeNs, after.ctimeNs]).toEqual([before.mtimeNs, before.ctimeNs]);
  });

  test.runIf(inotify)('when the watcher there dies, it says so and lists instead', async () => {
    const pair = freshPair(sshd);
    const agent = watch(pair, ['--mode', 'pull', '--remote-poll-seconds', '1']);
    await agent.ready();
    // It follows: a kill before that would be another matter.
    await eventually(() => {
      writeFileSync(join(pair.remote, 'probe'), String(Date.now()));
      expect(existsSync(join(pair.local, 'probe'))).toBe(true);
    });
    const [watcher] = watchers();
    signalProcess(watcher!.pid, 'SIGKILL');
    const notice = await agent.line(({ code }) => code === 'remote-poll');
    expect(notice.msg).toContain('changes on the server are looked for every 1 s: inotifywait ended');
    writeFileSync(join(pair.remote, 'later'), 'x');
    await eventually(() => expect(textOf(join(pair.local, 'later'))).toBe('x'));
    expect(watchers()).toEqual([]);
    expect(await agent.stop()).toBe(0);
  });

  /** Those that follow a tree, of this test's server. */
  function watchers() {
    return descendantsOf(process.pid).filter(({ command }) => command.startsWith('inotifywait -m -r'));
  }
});

/** A server that keeps what it ran, and how many times `find` listed the tree so far. */
async function loggingServer(environment = ''): Promise<{ server: TestSshd; finds: () => number }> {
  const folder = freshFolder('commands');
  const log = join(folder, 'log');
  const script = join(folder, 'run');
  const keep = `printf '%s\\n' "$SSH_ORIGINAL_COMMAND" >>${log}`;
  writeFileSync(script, `${environment}\n${keep}; exec sh -c "$SSH_ORIGINAL_COMMAND"\n`);
  const server = await startSshd({ config: [`ForceCommand sh ${script}`] });
  onTestFinished(() => server.stop());
  return {
    server,
    finds: () =>
      existsSync(log) ? readFileSync(log, 'utf8').split('find . -mindepth 1 -noleaf').length - 1 : 0,
  };
}

test('pull where the server has no inotifywait: it is said, and polls list by find', async () => {
  const tools = freshFolder('tools');
  for (const name of readdirSync('/usr/bin')) {
    if (!name.startsWith('inotify')) symlinkSync(join('/usr/bin', name), join(tools, name));
  }
  const { server, finds } = await loggingServer(`export PATH=${tools}`);
  const pair = freshPair(server);
  for (let d = 0; d < 60; d++) {
    mkdirSync(join(pair.remote, String(d)));
    for (let i = 0; i < 20; i++) writeFileSync(join(pair.remote, String(d), String(i)), '');
  }
  const agent = watch(pair, ['--mode', 'pull', '--remote-poll-seconds', '1']);
  await agent.ready();
  // What is relied on was not told by a shell that only seems to be in the same directory.
  expect(finds()).toBe(0);
  const notice = await agent.line(({ code }) => code === 'remote-poll');
  expect(notice.msg).toContain('offers no shell with inotifywait');
  await eventually(() => expect(finds()).toBeGreaterThan(0));
  writeFileSync(join(pair.remote, '7/there'), 'from the server');
  await eventually(() => expect(textOf(join(pair.local, '7/there'))).toBe('from the server'));
  expect(await agent.stop()).toBe(0);
});

test('a tree that is known to be large is listed by find from the beginning of a run', async () => {
  const { server, finds } = await loggingServer();
  // Fewer directories than a find is begun for, but so deep that over this link SFTP takes longer than a find does.
  const { pair, proxy } = await proxiedPair(server, { latencyMs: 20 });
  onTestFinished(() => proxy.stop());
  const deep = join(pair.local, Array.from({ length: 45 }, () => 'd').join('/'));
  mkdirSync(deep, { recursive: true });
  for (let i = 0; i < 1100; i++) writeFileSync(join(deep, String(i)), '');
  const run = async () => {
    const { code, stdout, stderr } = await towline([
      'push',
      pair.local,
      pair.target,
      ...pair.flags,
      '--json',
    ]);
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { transferred: number }).transferred;
  };
  expect(await run()).toBe(1100);
  expect(finds()).toBe(0);
  expect(await run()).toBe(0);
  expect(finds()).toBe(1);
});

describe('edits on both sides at once while watching', () => {
  /** What a folder holds, by name; copies that were set aside are one list under `copies`. */
  function holds(root: string): Record<string, unknown> {
    const files: Record<string, unknown> = {};
    const copies: string[] = [];
    for (const name of readdirSync(root).sort()) {
      const text = readFileSync(join(root, name), 'utf8');
      if (name.includes('.conflict-')) copies.push(text);
      else files[name] = text;
    }
    return copies.length === 0 ? files : { ...files, copies };
  }

  function save(root: string, name: string, text: string, ageSeconds: number): void {
    writeFileSync(join(root, name), text);
    const at = Math.floor(Date.now() / 1000) - ageSeconds;
    utimesSync(join(root, name), at, at);
  }

  const bothNew = { 'new-here': 'from here', 'new-there': 'from there' };
  const mine = { both: 'changed here', here: 'changed here too' };
  const theirs = { both: 'changed over there', there: 'changed there too' };
  const first = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `first ${name}`]));

  // As the table of DESIGN.md, section 6, row by row; the version over there is the newer one. Deletions only where on by default.
  test.each([
    {
      mode: 'push',
      local: { ...mine, ...first('there', 'lost-there'), 'new-here': 'from here' },
      remote: { ...mine, ...first('there', 'lost-here', 'lost-there'), ...bothNew },
    },
    {
      mode: 'pull',
      local: { ...theirs, ...first('here', 'lost-here', 'lost-there'), ...bothNew },
      remote: { ...theirs, ...first('here', 'lost-here'), 'new-there': 'from there' },
    },
    {
      mode: 'two-way',
      local: { ...mine, ...theirs, ...bothNew, copies: ['changed here'] },
      remote: { ...mine, ...theirs, ...bothNew, copies: ['changed here'] },
    },
    {
      mode: 'push-backup',
      local: { ...mine, ...theirs, ...first('lost-there'), ...bothNew, copies: ['changed here'] },
      remote: { ...mine, ...theirs, ...first('lost-here'), ...bothNew, copies: ['changed here'] },
    },
    {
      mode: 'pull-backup',
      local: { ...mine, ...theirs, ...first('lost-there'), ...bothNew, copies: ['changed here'] },
      remote: { ...theirs, ...first('here', 'lost-here'), 'new-there': 'from there' },
    },
  ])('$mode', async ({ mode, local, remote }) => {
    const pair = freshPair(sshd);
    for (const name of ['both', 'here', 'there', 'lost-here', 'lost-there']) {
      for (const root of [pair.local, pair.remote]) save(root, name, `first ${name}`, 1000);
    }
    const soon = mode === 'push' ? [] : ['--remote-poll-seconds', '1'];
    const agent = watch(pair, ['--mode', mode, ...soon]);
    await agent.ready();
    save(pair.local, 'both', 'changed here', 100);
    save(pair.remote, 'both', 'changed over there', 50);
    save(pair.local, 'here', 'changed here too', 100);
    save(pair.remote, 'there', 'changed there too', 100);
    save(pair.local, 'new-here', 'from here', 100);
    save(pair.remote, 'new-there', 'from there', 100);
    rmSync(join(pair.local, 'lost-here'));
    rmSync(join(pair.remote, 'lost-there'));
    // Pushing does not follow the other side: comparing everything shows what became of it.
    const rescan = await towline(['rescan', ...pair.flags, pair.local, pair.target]);
    expect(rescan.code, rescan.stderr).toBe(0);
    await eventually(() => {
      expect(holds(pair.local)).toEqual(local);
      expect(holds(pair.remote)).toEqual(remote);
    });
    expect(await agent.stop()).toBe(0);
    expect([holds(pair.local), holds(pair.remote)]).toEqual([local, remote]);
  });
});
