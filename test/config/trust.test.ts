import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isTrusted, reachOf, trust } from '../../src/config/trust.js';
import { freshFolder } from '../support/folder.js';

test('what stays in its folder asks for nothing', () => {
  expect(reachOf({}, '/p')).toEqual([]);
  expect(reachOf({ local: '/p', acceptNew: false }, '/p')).toEqual([]);
  expect(reachOf({ local: '/p/..app/dist' }, '/p')).toEqual([]);
});

test('commands, an ssh_config and folders outside are named', () => {
  const afterSync = [{ command: 'make' }, { command: 'reload', where: 'remote' as const }];
  expect(reachOf({ afterSync, sshConfig: '/p/cfg', acceptNew: true, local: '/home/me' }, '/p')).toEqual([
    "afterSync runs 'make' here",
    "afterSync runs 'reload' on the server",
    'sshConfig /p/cfg may run commands here',
    'acceptNew takes unknown host keys for good',
    'local is /home/me, outside of this folder',
  ]);
  const secrets = { passwordCommand: 'pass x', passwordFile: '/f', passphraseFile: '/g' };
  expect(reachOf(secrets, '/p')).toEqual([
    "passwordCommand runs 'pass x' here",
    'passwordFile sends what /f holds',
    'passphraseFile reads /g',
  ]);
  expect(reachOf({ local: '/' }, '/p')).toHaveLength(1);
  expect(reachOf({ local: '/pp' }, '/p')).toHaveLength(1);
});

test('agreement is to exactly this, of exactly that file; it is kept for the owner only', async () => {
  const folder = freshFolder();
  const file = join(folder, 'towline', 'trusted');
  const place = { file, about: '/p/towline.json' };
  expect(await isTrusted(place, ['a'])).toBe(false);
  await trust(place, ['a']);
  await trust(place, ['a']);
  expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  expect(await isTrusted(place, ['a'])).toBe(true);
  expect(await isTrusted(place, ['a', 'b'])).toBe(false);
  expect(await isTrusted(place, ['b'])).toBe(false);
  expect(await isTrusted({ file, about: '/q/towline.json' }, ['a'])).toBe(false);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'towline')).mode & 0o777).toBe(0o700);
});

test('a file of agreements that others could read is closed to them', async () => {
  const folder = freshFolder();
  mkdirSync(join(folder, 'towline'));
  const file = join(folder, 'towline', 'trusted');
  writeFileSync(file, '', { mode: 0o644 });
  await trust({ file, about: '/p' }, ['a']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
