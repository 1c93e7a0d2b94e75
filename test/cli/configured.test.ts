import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { freshFolder } from '../support/folder.js';
import { run } from './fakes.js';

function project(settings: object): { readonly cwd: string; readonly file: string } {
  const cwd = freshFolder('project');
  const file = join(cwd, 'towline.json');
  writeFileSync(file, JSON.stringify(settings, null, 2));
  return { cwd, file };
}

test('arguments and flags win over the environment, which wins over the file', async () => {
  const { cwd, file } = project({
    local: 'app',
    remote: 'box:/srv',
    port: 1,
    compare: 'size',
    exclude: 'a',
    delete: true,
    fsync: true,
  });
  const env = { TOWLINE_PORT: '2', TOWLINE_COMPARE: 'checksum' };
  const options = async (...args: string[]) => (await run(['push', ...args], { cwd, env })).calls[0]?.options;
  const base = {
    local: join(cwd, 'app'),
    remote: 'box:/srv',
    port: 2,
    compare: 'checksum',
    rules: [{ type: 'exclude', pattern: 'a', source: file }],
    delete: true,
    fsync: true,
  };
  expect(await options()).toEqual(base);
  expect(await options('-p', '3')).toEqual({ ...base, port: 3 });
  expect(await options('other')).toEqual({ ...base, local: 'other' });
  expect(await options('dev@box:/x')).toEqual({ ...base, remote: 'dev@box:/x' });
  expect(await options('other', 'box:/x')).toEqual({ ...base, local: 'other', remote: 'box:/x' });
  expect(await options('--no-delete', '--no-fsync')).toEqual({ ...base, delete: false, fsync: false });
  expect(await options('--include', 'a')).toEqual({
    ...base,
    rules: [...base.rules, { type: 'include', pattern: 'a', source: '--include' }],
  });
});

test('a file and the environment may hold what only other modes have a use for; a flag may not', async () => {
  const { cwd } = project({
    local: 'app',
    remote: 'box:/srv',
    mode: 'two-way',
    conflict: 'newest',
    maxConflictCopies: 3,
    maxDelete: 9,
    onDrift: 'halt',
    remotePollSeconds: 30,
    force: false,
  });
  const env = { TOWLINE_CONFLICT: 'local' };
  const code = async (...args: string[]) =>
    (await run(args, { cwd, env, end: new TowlineError('network', 'enough') })).code;
  for (const verb of ['push', 'pull', 'sync', 'watch']) expect(await code(verb), verb).toBe(4);
  expect(await code('sync', '--mode', 'push-backup')).toBe(4);
  expect(await code('sync', '--conflict', 'remote')).toBe(4);
  expect(await code('push', '--conflict', 'remote')).toBe(2);
  // A flag decides what another one is good for, and so may a file.
  expect(await code('push', '--max-conflict-copies', '9')).toBe(2);
  expect(await code('push', '--max-conflict-copies', '9', '--on-drift', 'backup')).toBe(4);
});

test('a file that lacks what is not given', async () => {
  const { cwd, file } = project({ local: 'app:1' });
  const ran = await run(['push'], { cwd });
  expect(ran).toMatchObject({ code: 2, calls: [] });
  expect(ran.stderr).toContain(
    `PATH, is missing, and ${file} does not say "remote". Add it there, or write: towline push`,
  );
  const { calls } = await run(['push', 'box:/x'], { cwd });
  expect(calls[0]?.options.local).toBe(join(cwd, 'app:1'));
});

test('each mistake has a line, also for programs', async () => {
  const { cwd, file } = project({ port: 'x', 'odd\nkey': 1 });
  const { code, stdout, stderr } = await run(['push', '--json', 'a', 'box:/x'], { cwd });
  expect(code).toBe(2);
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toEqual([
    `towline: ${file}:2: port: cannot be "x". Allowed: a whole number from 1 to 65535`,
    expect.stringMatching(/: odd\\nkey: is not a known setting\. Known: /),
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'configuration' } });
});
