import { expect, test } from 'vitest';
import { rsyncArguments } from '../../src/rsync/arguments.js';
import { remoteFolder, remoteShell, type RsyncServer } from '../../src/rsync/server.js';

const server: RsyncServer = {
  host: 'box',
  user: null,
  port: null,
  path: '/srv/app',
  identityFiles: [],
  acceptNew: false,
  label: 'box:/srv/app',
};

const run = {
  way: 'push',
  local: '/app',
  server,
  tempName: '.towline-a-rsync.tmp',
  partialName: '.towline-a-partial.tmp',
  bwlimit: null,
  chmod: '',
  fsync: false,
} as const;

test('ssh asks nobody, takes keys only, and checks the host key', () => {
  const shell = remoteShell(server);
  for (const setting of ['BatchMode=yes', 'PasswordAuthentication=no', 'StrictHostKeyChecking=yes'])
    expect(shell).toContain(` -o ${setting}`);
  expect(remoteShell({ ...server, acceptNew: true })).toContain('StrictHostKeyChecking=accept-new');
});

test('what the user gave is passed on, in quotes where rsync would split it', () => {
  const shell = remoteShell({
    ...server,
    user: 'dev',
    port: 2222,
    identityFiles: ['/keys/it is mine', "/keys/o'neill"],
    configFile: '/etc/my config',
  });
  expect(shell).toContain(" -F '/etc/my config'");
  expect(shell).toContain(" -p 2222 -l dev -i '/keys/it is mine' -i '/keys/o''neill'");
});

test('a key in the home of the user is left to ssh to be found', () => {
  expect(remoteShell({ ...server, identityFiles: ['~/.ssh/key'] })).toContain(" -i '~/.ssh/key'");
});

test.each([
  ['/srv/app', 'box:/srv/app/'],
  ['//srv/app/', 'box:/srv/app/'],
  ['.', 'box:././'],
  ['app', 'box:./app/'],
  ['-rf', 'box:./-rf/'],
  [':odd', 'box:./:odd/'],
  ['/with space/$HOME', 'box:/with space/$HOME/'],
])('the folder %j', (path, argument) => {
  expect(remoteFolder({ ...server, path })).toBe(argument);
});

test('an IPv6 address stands in brackets', () => {
  expect(remoteFolder({ ...server, host: '::1' })).toBe('[::1]:/srv/app/');
});

test.each(['/srv/*', '/srv/[a]', '/srv/a?', '/srv/../etc', '..'])('the folder %j is refused', (path) => {
  expect(() => remoteFolder({ ...server, path })).toThrow(expect.objectContaining({ code: 'configuration' }));
});

test('a push and a pull differ in the order of the two folders', () => {
  expect(rsyncArguments(run).slice(-3)).toEqual(['--', '/app/', 'box:/srv/app/']);
  expect(rsyncArguments({ ...run, way: 'pull' }).slice(-3)).toEqual(['--', 'box:/srv/app/', '/app/']);
});

test('nothing is deleted or entered by itself, names pass through no shell, and what broke off is kept as ours', () => {
  const args = rsyncArguments(run);
  for (const one of ['-a', '--checksum', '--partial', '-s', '--from0', '--files-from=-', '--no-recursive'])
    expect(args).toContain(one);
  expect(args).toContain('--partial-dir=.towline-a-partial.tmp');
  expect(args).toContain('--temp-dir=.towline-a-rsync.tmp');
  expect(args.filter((one) => /delete|force|inplace|remove/.test(one))).toEqual([]);
});

test('limit, modes and fsync are passed on when asked for', () => {
  expect(rsyncArguments({ ...run, bwlimit: 512, chmod: 'D755,F644', fsync: true })).toEqual(
    expect.arrayContaining(['--bwlimit=512', '--chmod=D755,F644', '--fsync']),
  );
  // Less than one would be no limit to rsync.
  expect(rsyncArguments({ ...run, bwlimit: 1.5 })).toContain('--bwlimit=1');
  expect(rsyncArguments(run).filter((one) => /bwlimit|chmod|fsync/.test(one))).toEqual([]);
});
