import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
