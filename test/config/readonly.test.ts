/** Loading never writes, makes or changes anything. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.js';
import { freshFolder } from '../support/folder.js';

/** All that a write, a rename or a chmod would change. */
function traces(folder: string): unknown {
  return ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()].map((name) => {
    const { ino, mode, size, mtimeNs, ctimeNs } = statSync(join(folder, name), { bigint: true });
    return { name, ino, mode, size, mtimeNs, ctimeNs };
  });
}

/** A working directory and a user's configuration in one folder, with modes that conf would not give. */
function world(project: string | null, profiles: string | null) {
  const folder = freshFolder('world');
  const cwd = join(folder, 'cwd');
  const config = join(folder, 'config');
  mkdirSync(cwd);
  mkdirSync(config);
  if (project !== null) writeFileSync(join(cwd, 'towline.json'), project, { mode: 0o640 });
  if (profiles !== null) {
    mkdirSync(join(config, 'towline'), { mode: 0o755 });
    writeFileSync(join(config, 'towline/config.json'), profiles, { mode: 0o400 });
  }
  return { folder, cwd, env: { XDG_CONFIG_HOME: config } };
}

const good = '{"remote":   "box:/x", "port": 22}\n';
const cases = [
  ['a good file', good, undefined, null],
  ['an empty object', '{}', undefined, null],
  ['a file with mistakes', '{"port": "x", "prot": 1}', undefined, null],
  ['a file that is no JSON', '{"port": ', undefined, null],
  ['no file', null, undefined, null],
  ['a profile', null, 'web', `{"profiles":{"web":${good}}}`],
  ['an unknown profile', null, 'other', `{"profiles":{"web":${good}}}`],
  ['no file of profiles', good, 'web', null],
] as const;

test.each(cases)('%s is left as it is', async (_, project, profile, profiles) => {
  const { folder, cwd, env } = world(project, profiles);
  const before = traces(folder);
  await loadConfiguration({ cwd, env, profile }).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'configuration' });
  });
  expect(traces(folder)).toEqual(before);
});

test('a directory that nobody may write to, and one that is not there', async () => {
  const { cwd, env } = world(good, null);
  chmodSync(cwd, 0o555);
  expect((await loadConfiguration({ cwd, env })).pair).toEqual({ remote: 'box:/x', port: 22 });
  const none = join(cwd, 'none');
  expect((await loadConfiguration({ cwd: none, env: { XDG_CONFIG_HOME: none } })).file).toBeNull();
  expect(existsSync(none)).toBe(false);
});
