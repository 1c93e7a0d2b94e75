import { mkdirSync, readdirSync, readFileSync, writeFileSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explain, type PathExplanation } from '../../src/index.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, freshPair, towline, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function save(root: string, path: string, text: string, seconds = 1_700_000_000): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, seconds, seconds);
}

async function explained(pair: TestPair, path: string, ...flags: string[]): Promise<PathExplanation> {
  const done = await towline(['explain', path, '--json', ...pair.flags, ...flags, pair.local, pair.target]);
  expect(done.code, done.stderr).toBe(0);
  return JSON.parse(done.stdout) as PathExplanation;
}

function run(verb: string, pair: TestPair, ...flags: string[]) {
  return towline([verb, ...pair.flags, ...flags, pair.local, pair.target]);
}

/** All that explaining must not change. */
function everythingOf(pair: TestPair): unknown {
  const states = readdirSync(pair.stateDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('state.sqlite'))
    .map((name) => readFileSync(join(pair.stateDir, name)).toString('base64'));
  return [treeOf(pair.local), treeOf(pair.remote), states];
}

describe('rules', () => {
  test('which rule of which file, the directory above, or none', async () => {
    const pair = freshPair(sshd);
    save(pair.local, '.towlineignore', '# logs\n*.log\n!keep.log\n');
    save(pair.local, 'd/.towlineignore', 'build/\n');
    for (const name of ['a.log', 'keep.log', 'd/build/x/y', 'c']) save(pair.local, name, name);
    const rule = (pattern: string, source: string, line?: number) => ({
      pattern,
      source,
      ...(line !== undefined && { line }),
    });
    expect(await explained(pair, 'a.log')).toMatchObject({
      excluded: true,
      above: null,
      rule: rule('*.log', '.towlineignore', 2),
      action: null,
    });
    expect(await explained(pair, 'keep.log')).toMatchObject({
      excluded: false,
      rule: rule('!keep.log', '.towlineignore', 3),
      action: 'upload',
    });
    expect(await explained(pair, 'd/build/x/y')).toMatchObject({
      excluded: true,
      above: 'd/build',
      rule: rule('build/', 'd/.towlineignore', 1),
    });
    expect(await explained(pair, './c/', '--exclude', 'd/')).toMatchObject({ path: 'c', rule: null });
    expect(await explained(pair, 'not/there/', '--exclude', 'there/')).toMatchObject({
      excluded: true,
      rule: rule('there/', '--exclude'),
    });
    const rules = join(dirname(pair.local), 'rules');
    writeFileSync(rules, '+ a.log\n');
    expect(await explained(pair, 'a.log', '--filter-from', rules)).toMatchObject({
      excluded: false,
      rule: rule('!a.log', rules, 1),
    });
  });

  test('in pull the rules are those of the server', async () => {
    const pair = freshPair(sshd);
    save(pair.remote, '.towlineignore', 'a\n');
    save(pair.remote, 'a', 'x');
    const { excluded, rule } = await explained(pair, 'a', '--mode', 'pull');
    expect({ excluded, rule }).toMatchObject({ excluded: true, rule: { source: '.towlineignore', line: 1 } });
    expect((await explained(pair, 'a')).excluded).toBe(false);
  });

  test('limits: what closes one way, and what is too large', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a.env', 'x');
    save(pair.local, 'big', 'x'.repeat(3000));
    const flags = ['--mode', 'two-way', '--exclude-up', '*.env', '--max-size', '2k'];
    expect(await explained(pair, 'a.env', ...flags)).toMatchObject({
      excluded: false,
      notSent: { pattern: '*.env', source: '--exclude-up' },
      notBrought: null,
      action: 'none',
      text: 'nothing is done: a rule closes the way it would go',
    });
    expect((await explained(pair, 'big', ...flags)).text).toContain('larger than the size limit');
  });
});

describe('what is known and what would be done', () => {
  test('base, both sides, verdict: and nothing changes', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'one');
    save(pair.local, 'b', 'two');
    expect(await explained(pair, 'a')).toMatchObject({ base: null, remote: null, action: 'upload' });
    expect(readdirSync(dirname(pair.local)).sort()).toEqual(['local', 'remote']);
    await run('sync', pair);
    save(pair.local, 'a', 'changed', 1_700_000_100);
    save(pair.remote, 'a', 'changed there', 1_700_000_200);
    save(pair.remote, 'b', 'two!', 1_700_000_100);
    const before = everythingOf(pair);
    // Without --mode it is the mode of the last run.
    expect(await explained(pair, 'b')).toMatchObject({
      mode: 'two-way',
      base: { local: { kind: 'file', size: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string } },
      local: { size: 3, mtimeMs: 1_700_000_000_000, mode: 0o644 },
      remote: { size: 4 },
      action: 'download',
      text: 'it is brought here: changed',
    });
    expect(await explained(pair, 'a')).toMatchObject({ action: 'set-aside' });
    expect(await explained(pair, 'a', '--conflict', 'newest')).toMatchObject({
      action: 'download',
      text: 'it is brought here: changed on both sides: the remote version wins',
    });
    expect(await explained(pair, 'b', '--mode', 'push')).toMatchObject({ action: 'upload', asInLastRun: {} });
    expect(everythingOf(pair)).toEqual(before);
  });

  test('what was not said is as in the last run, and told', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'one');
    await run('sync', pair, '--conflict', 'newest');
    save(pair.local, 'a', 'changed', 1_700_000_100);
    save(pair.remote, 'a', 'changed there', 1_700_000_200);
    expect(await explained(pair, 'a')).toMatchObject({
      action: 'download',
      asInLastRun: { mode: 'two-way', delete: true, conflict: 'newest' },
    });
    expect(await explained(pair, 'a', '--conflict', 'local')).toMatchObject({
      action: 'upload',
      asInLastRun: { mode: 'two-way', delete: true },
    });
    expect((await run('explain', pair, 'a')).stdout).toContain('as last run   --delete --conflict newest');

    await run('push', pair, '--delete', '--on-drift', 'keep');
    save(pair.remote, 'b', 'new there');
    expect(await explained(pair, 'b')).toMatchObject({
      action: 'delete-remote',
      asInLastRun: { mode: 'push', delete: true, onDrift: 'keep' },
    });
    // Another mode is another matter.
    expect(await explained(pair, 'b', '--mode', 'pull')).toMatchObject({
      action: 'download',
      asInLastRun: {},
    });
  });

  test('a conflict that waits, its row in the queue, and what was decided', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'one');
    await run('sync', pair);
    save(pair.local, 'a', 'mine', 1_700_000_100);
    save(pair.remote, 'a', 'theirs', 1_700_000_200);
    const manual = ['--conflict', 'manual'];
    await run('sync', pair, ...manual);
    expect(await explained(pair, 'a', ...manual)).toMatchObject({
      action: 'conflict',
      text: "nothing is done: 'a' was changed on both sides. Decide with: towline conflicts resolve 'a' --keep local|remote|both",
      decision: null,
      queue: { held: false, problem: { code: 'conflict' } },
    });
    await towline(['conflicts', 'resolve', 'a', '--keep', 'local', ...pair.flags, pair.local, pair.target]);
    expect(await explained(pair, 'a', ...manual)).toMatchObject({ action: 'upload', decision: 'local' });
  });

  test('where only contents tell, they are read', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'same');
    save(pair.remote, 'a', 'same');
    save(pair.local, 'b', 'this');
    save(pair.remote, 'b', 'that');
    const flags = ['--compare', 'checksum'];
    expect((await explained(pair, 'a', ...flags)).action).toBe('adopt');
    expect((await explained(pair, 'b', ...flags)).action).toBe('upload');
  });

  test('beside a running agent, as lines for people', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'one');
    const agent = watch(pair);
    await agent.ready();
    const { code, stdout, stderr } = await run('explain', pair, 'a', '--exclude', 'b');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'a',
      '  rule          no rule matches',
      expect.stringMatching(/^ {2}base, local {3}file, 3 B, 2023-11-14T22:13:20.000Z, mode 644, sha256 /),
      expect.stringMatching(/^ {2}base, remote {2}file, 3 B/),
      '  local now     file, 3 B, 2023-11-14T22:13:20.000Z, mode 644',
      '  remote now    file, 3 B, 2023-11-14T22:13:20.000Z, mode 644',
      '  as last run   --no-delete --on-drift overwrite',
      '  in push       nothing is done: both sides are as they were when they last agreed',
      '',
    ]);
    expect(await agent.stop()).toBe(0);
  });
});

test('as towline.json says; a path outside and a server that is gone are errors', async () => {
  const pair = freshPair(sshd);
  save(pair.local, 'a.log', 'x');
  const folder = dirname(pair.local);
  const settings = { local: 'local', remote: pair.target, exclude: '*.log' };
  writeFileSync(join(folder, 'towline.json'), JSON.stringify({ ...settings, stateDir: 'state' }));
  const done = await towline(['explain', '--json', '-F', sshd.sshConfigFile, join(pair.local, 'a.log')], {
    cwd: folder,
  });
  expect(JSON.parse(done.stdout)).toMatchObject({
    path: 'a.log',
    excluded: true,
    rule: { pattern: '*.log' },
  });
  expect((await towline(['explain', '../b'], { cwd: folder })).code).toBe(2);
  expect((await towline(['explain'], { cwd: folder })).code).toBe(2);
  const gone = { sshConfig: sshd.sshConfigFile, stateDir: pair.stateDir, port: 1 };
  await expect(explain({ local: pair.local, remote: pair.target, ...gone }, 'a')).rejects.toMatchObject({
    code: 'network',
  });
});
